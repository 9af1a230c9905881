"""Real Kubernetes nodes on one machine: each in namespaces of its own, with its own runtime, kubelet and firewall."""
