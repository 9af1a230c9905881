"""What a load takes that is too much for one installation: how many of them, and of each of their parts.

Every installation is as large as settings allow; each has its own visitors, whom no other one knows.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from model.capacity import (
    BALANCER_CORES,
    COSTS,
    INSTANCE_MILLICORES,
    CostModel,
    Load,
    Part,
    Site,
    Sizes,
    balancers_by_connections,
    balancers_by_cpu,
    bottleneck,
    elasticsearch_cores,
    least_elasticsearch_cores,
    parts,
)
from model.limits import MAX_BALANCERS, MAX_INSTANCES

LARGEST = Sizes(MAX_INSTANCES, MAX_INSTANCES, MAX_BALANCERS)
"""The most that an installation may be set to."""

STORES = ("Elasticsearch", "connections to")
"""How the names of parts begin that grow with their own settings, or are run by others."""


@dataclass(frozen=True)
class Fleet:
    """As many installations as carry a load, and what all of them have together."""

    carries: Part
    """What limits the largest installation, and the requests a second that it carries."""
    installations: int
    collectors: int
    collector_cores: Fraction
    balancers: int
    """Without one to spare in each installation."""
    balancer_cores: int
    elasticsearch_cores: Fraction | None
    """As reckoned, all copies together; None where the model knows no cost."""
    least_elasticsearch_cores: Fraction
    """Cores without which not even the best rate that was seen takes the new visitors in."""


def fleet(load: Load, model: CostModel, site: Site) -> Fleet:
    """The largest installations of `site`, as many as carry the peak of `load`, their stores as large as it takes."""
    limits = tuple(part for part in parts(load, model, site, LARGEST) if not part.name.startswith(STORES))
    first = bottleneck(limits)
    collectors = COSTS[model].instances(load.peak, load.share)
    balancers = max(balancers_by_cpu(load.peak, site), balancers_by_connections(load.peak, site))
    return Fleet(
        carries=first,
        installations=math.ceil(load.peak / first.carries),
        collectors=collectors,
        collector_cores=Fraction(collectors * INSTANCE_MILLICORES, 1000),
        balancers=balancers,
        balancer_cores=balancers_by_cpu(load.peak, site) * BALANCER_CORES,
        elasticsearch_cores=elasticsearch_cores(load, model, site.copies),
        least_elasticsearch_cores=least_elasticsearch_cores(load),
    )
