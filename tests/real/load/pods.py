"""The pods of one installation: others may run beside it on the same nodes."""

from collections import Counter

from tests.cluster.live import JsonObject, is_ready, role_of
from tests.real.site import Installation

TIERS = ("track", "console", "data")


def pods(installation: Installation, role: str | None = None) -> list[JsonObject]:
    """The pods that run or are to run; those of `role` alone, where it is given."""
    own = {installation.namespace(tier) for tier in TIERS}
    return [pod for pod in installation.pods(role) if pod["metadata"]["namespace"] in own]


def ready(installation: Installation, role: str) -> list[JsonObject]:
    """The pods of a role that take requests."""
    return [pod for pod in pods(installation, role) if is_ready(pod)]


def name(pod: JsonObject) -> str:
    """A pod's own name."""
    return str(pod["metadata"]["name"])


def node(pod: JsonObject) -> str:
    """The node that it runs on."""
    return str(pod["spec"].get("nodeName"))


def restarts(installation: Installation) -> Counter[str]:
    """How often containers were started again, by role."""
    found: Counter[str] = Counter()
    for pod in pods(installation):
        found[role_of(pod)] += sum(each["restartCount"] for each in pod["status"].get("containerStatuses", []))
    return found


def roles_on(installation: Installation, place: str) -> set[str]:
    """What a node has of the installation."""
    return {role_of(pod) for pod in pods(installation) if node(pod) == place}
