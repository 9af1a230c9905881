"""Kubernetes objects as the cluster will read them."""
