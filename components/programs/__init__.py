"""Programs that run inside the cluster, each copied into a ConfigMap as it stands: standard library only."""
