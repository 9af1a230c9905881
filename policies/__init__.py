"""The policy pack: Tracardi's production rules, proved on what Kubernetes will see."""
