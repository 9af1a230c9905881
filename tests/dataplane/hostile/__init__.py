"""Requests and clients that mean harm."""
