"""A small Kubernetes for tests: it runs what the program's manifests say, as far as traffic can tell the difference.

Deployments become processes in namespaces, with the volumes, variables, users, probes, preStop hooks and grace periods
of their pods. Ready pods are published in DNS and behind the addresses of Services. NetworkPolicies, quotas and the API
server are not there: other tiers have them.
"""

from tests.dataplane.cluster.cluster import Cluster
from tests.dataplane.cluster.pods import Pod
from tests.dataplane.cluster.workloads import Workload

__all__ = ["Cluster", "Pod", "Workload"]
