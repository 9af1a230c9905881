"""Embedded clusters: a real Kubernetes control plane with simulated nodes, in a folder, on the loopback address."""

from tools.cluster.lifecycle import clusters, down, running, up
from tools.cluster.model import DEFAULT_NAME, Cluster, ClusterTools

__all__ = ["DEFAULT_NAME", "Cluster", "ClusterTools", "clusters", "down", "running", "up"]
