"""Production's stack file, cut to fit three nodes that share one machine, with certificates that others keep."""

from typing import Any

from tests.real.images import REGISTRY
from tests.unit.stacks import changed, stack_file

SECRETS = {"track": "public-certificate", "guiApi": "console-api-certificate", "gui": "console-certificate"}
"""The Secrets that the stack is told of, by what they are for."""


def production() -> dict[str, Any]:
    """As many instances as production has, each smaller, on images of the tests' own."""
    return changed(
        stack_file("prod"),
        platform__imageRegistry=REGISTRY,
        certificates={"source": "provided", "secrets": SECRETS},
        network__trusted=["192.0.2.0/24"],
        data__elasticsearch={"nodes": 3, "storage": "1Gi", "memory": "1Gi", "cpu": "250m"},
        data__redis={"storage": "1Gi", "memory": "256Mi"},
        data__mysql={"storage": "1Gi", "memory": "768Mi"},
        track__replicas={"min": 3, "max": 5},
    )


def development() -> dict[str, Any]:
    """The stack file of development, on images of the tests' own."""
    return changed(stack_file("dev"), platform__imageRegistry=REGISTRY, network__trusted=["192.0.2.0/24"])
