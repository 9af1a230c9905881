"""The tiers, in the order in which `make test` runs them: the quick ones first."""

from tools.tiers.model import Tier
from tools.tiers.needs import (
    apt,
    can_build,
    cgroups,
    debian,
    intel,
    kernel,
    memory,
    namespaces,
    pulumi_or_go,
    root,
)

TIERS = (
    Tier("unit"),
    Tier("policies", needs=(pulumi_or_go,)),
    Tier("cluster", needs=(pulumi_or_go, can_build("cluster"), can_build("metrics"))),
    Tier("dataplane", needs=(debian, apt, namespaces, pulumi_or_go), prepare="debian"),
    Tier(
        "real",
        needs=(
            *(debian, intel, root, apt, namespaces, cgroups, memory(10), kernel),
            *(pulumi_or_go, can_build("cluster"), can_build("nodes")),
        ),
        prepare="node-tools",
    ),
)
