"""The stack files of this repository, cut to fit three small nodes, with certificates that others keep."""

from typing import Any

from tests.real.images import REGISTRY
from tests.unit.stacks import changed, stack_file

SECRETS = {"track": "public-certificate", "guiApi": "console-api-certificate", "gui": "console-certificate"}
"""The Secrets that the stack is told of, by what they are for."""

_OWN = {"platform__imageRegistry": REGISTRY, "network__trusted": ["192.0.2.0/24"]}
# Clients' addresses as a cluster in Docker sees them.
_NAMED = {"network__trusted": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]}


def production(*, named: bool = False) -> dict[str, Any]:
    """As many instances as production has, each smaller; on images of the tests' own, unless a cluster was named."""
    memory = "2Gi" if named else "1Gi"
    return changed(
        stack_file("prod"),
        certificates={"source": "provided", "secrets": SECRETS},
        data__elasticsearch={"nodes": 3, "storage": "1Gi", "memory": memory, "cpu": "100m"},
        data__redis={"storage": "1Gi", "memory": "256Mi"},
        data__mysql={"storage": "1Gi", "memory": "768Mi"},
        track__replicas={"min": 3, "max": 5},
        **(_NAMED if named else _OWN),
    )


def development(*, named: bool = False) -> dict[str, Any]:
    """The stack file of development, likewise."""
    return changed(stack_file("dev"), **(_NAMED if named else _OWN))
