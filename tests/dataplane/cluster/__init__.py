"""A small Kubernetes for tests: it runs what the program's manifests say, as far as traffic can tell the difference.

Deployments become processes in namespaces, with the volumes, variables, users, probes, preStop hooks and grace periods
of their pods. Ready pods are published in DNS and behind the addresses of Services. NetworkPolicies, quotas and the API
server are not there: other tiers have them.

Nor are these, so no test may rest on them:
- loadBalancerSourceRanges: everybody reaches every entry;
- externalTrafficPolicy: there are no nodes, and balancers see the addresses of clients whatever it says;
- limits of CPU and memory: processes share the machine's, and none is killed for what it uses;
- seccomp profiles: every system call is open;
- sizes of emptyDirs: they fill up with the machine's disk;
- the signals that images name for stopping: it is always TERM;
- endings by startup probes, and grace periods where a liveness probe ends a container.
"""

from tests.dataplane.cluster.cluster import Cluster
from tests.dataplane.cluster.pods import Pod
from tests.dataplane.cluster.workloads import Workload

__all__ = ["Cluster", "Pod", "Workload"]
