"""How many requests an installation carries, and which of its parts gives out first.

Requests are events that websites send: `POST /track`. All arithmetic is exact, so that a load which is a whole number
of instances never needs one more.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from model.connections import StoreConnections
from model.encryption import Encryption
from model.evidence import Evidence
from model.lifecycle import BALANCER_KEEP_ALIVE_SECONDS, MAX_CONNECTIONS
from model.limits import MAX_BALANCERS, MAX_INSTANCES, MIN_BALANCERS

INSTANCE_MILLICORES = 500
"""CPU that an API instance requests: half of what its one worker can use, so requests hardly queue at that load."""

DEFAULT_NEW_VISITORS = 0.1
"""Share of requests that are a visitor's first. Assumed: it differs from website to website."""


SECONDS_A_DAY = 86_400


class CostModel(StrEnum):
    """Whose figures an installation is sized by."""

    MEASURED = "measured"
    """CPU that release 0.8.2.1 was seen to use for each event."""
    GUIDES = "guides"
    """What Tracardi's documentation says that an instance carries."""


@dataclass(frozen=True)
class Load:
    """What arrives: requests a second, and the share of them (0 to 1) that are a visitor's first."""

    sustained: int
    peak: int
    new_visitors: float = DEFAULT_NEW_VISITORS

    @property
    def share(self) -> Fraction:
        """The share of new visitors as it is written, which a binary fraction is not."""
        return Fraction(str(self.new_visitors))


@dataclass(frozen=True)
class EventCost:
    """Seconds of CPU for one event, of a visitor who is known or new."""

    known: Fraction
    new: Fraction

    def mean(self, share: Fraction) -> Fraction:
        """Seconds of CPU for one event, where this share comes from new visitors."""
        return self.known * (1 - share) + self.new * share


@dataclass(frozen=True)
class Costs:
    """Figures of one model. A cost that is None is not known to it."""

    evidence: Evidence
    source: str
    instance: EventCost
    elasticsearch: EventCost | None = None
    """What an event costs all nodes together, for one copy of each shard."""
    elasticsearch_rate: int | None = None
    """Requests a second that one installation of Elasticsearch, of unknown size, was said to carry."""

    def per_instance(self, share: Fraction) -> Fraction:
        """Requests a second that one instance carries with the CPU that it requests."""
        return Fraction(INSTANCE_MILLICORES, 1000) / self.instance.mean(share)

    def instances(self, rate: int, share: Fraction) -> int:
        """Instances that carry so many requests a second."""
        return max(1, math.ceil(rate / self.per_instance(share)))


COSTS = {
    CostModel.MEASURED: Costs(
        evidence=Evidence.OBSERVED,
        source="release 0.8.2.1, unchanged, on two shared cores: an order of magnitude",
        # 140 requests a second of known visitors on 90 % of a core; 20 ms of the API's CPU for a new one.
        instance=EventCost(known=Fraction(6, 1000), new=Fraction(20, 1000)),
        # Assumed. New visitors: 6 to 13 a second saturated a core. Known ones: 140 a second left 1.1 of two cores to
        # Elasticsearch, Redis and the load itself, so at most 8 ms each; half of that.
        elasticsearch=EventCost(known=Fraction(4, 1000), new=Fraction(100, 1000)),
    ),
    CostModel.GUIDES: Costs(
        evidence=Evidence.DOCUMENTED,
        source="Tracardi's documentation: 10 instances of 0.5 CPU and one Elasticsearch carry 3000 requests a second",
        instance=EventCost(known=Fraction(1, 600), new=Fraction(1, 600)),
        elasticsearch_rate=3000,
    ),
}

ELASTICSEARCH_NEW_PER_CORE = 13
"""New visitors a second that a core of Elasticsearch carries at best: 6 to 13 were seen to saturate one (0.8.2.1, a
single node, no copies; three writes with a refresh each)."""

EVENTS_OF_NEW_VISITOR = 4
"""Events stored for one of a new visitor: its own, profile-created, session-opened, visit-started (0.8.2.1)."""

EVENT_BYTES = 1200
"""Bytes that a node of Elasticsearch stores for an event, in one copy of its index.

Assumed: 100 000 page views of known visitors, made after Tracardi's sources between releases 0.8.2 and 1.0 and the
script of websites, with headers and device and nothing that a website adds. 2700 bytes of JSON took 1177 in
Elasticsearch 7.17.29 with the event mapping of those sources, 1036 merged into one segment. A new visitor's four took
1024 each.
"""

NEW_VISITOR_BYTES = 1600
"""Bytes that a node stores for the profile and the session of a new visitor, in one copy.

Assumed: 450 and 1112, found with 5000 of each and a mapping made like that of events.
"""

SHARD_DOCUMENTS = 2_147_483_519
"""Documents that a primary shard holds at most: Lucene's limit, which no volume raises (Elasticsearch's reference)."""

DISK_SHARE = Fraction(85, 100)
"""Share of a volume that data may take, the low watermark of Elasticsearch's reference.

Above it a node gets no copies, so the next index has none on full nodes. At 95 % every index with a shard there becomes
read-only and every event fails. What lies between is for merging, and for whoever has to act.
"""

BALANCER_CPU = {
    Encryption.EDGE: (Fraction(13, 10) / 3000, Fraction(2, 10) / 3000),
    Encryption.FULL: (Fraction(44, 10) / 3000, Fraction(2, 10) / 3000),
}
"""Seconds of a balancer's CPU for a request over a connection of its own, and over one that is kept: measured by
`make bench ONLY=balancers` on two busy cores (docs/operations.md)."""

BALANCER_CORES = 1
"""Cores that a node can really give to a balancer, which requests a tenth of that. Assumed."""


@dataclass(frozen=True)
class Site:
    """What the installation is made of, besides what is to be sized."""

    least_instances: int
    """Collectors that the profile asks for."""
    encryption: Encryption = Encryption.EDGE
    gateway: bool = False
    """Whether a Gateway connects to the balancers; it keeps its connections, which visitors do not share."""
    elasticsearch_nodes: int | None = None
    """None where others run Elasticsearch."""
    elasticsearch_cores: Fraction = Fraction(0)
    """CPU that all nodes together request."""
    elasticsearch_storage: Fraction = Fraction(0)
    """Bytes of all nodes' volumes together."""
    copies: int = 1
    """Copies of each shard, the primary included. Each indexes every document again (Elasticsearch's reference)."""
    stores: tuple[StoreConnections, ...] = ()


@dataclass(frozen=True)
class Sizes:
    """Numbers that a stack can set."""

    floor: int
    """Collectors that always run."""
    ceiling: int
    """Collectors that the autoscaler may start."""
    balancers: int


@dataclass(frozen=True)
class Part:
    """A part of the installation, and the requests a second that it carries as it is."""

    name: str
    carries: Fraction
    evidence: Evidence


def balancers_by_cpu(rate: int, site: Site) -> int:
    """Balancers that carry so many requests a second when none is lost."""
    return math.ceil(rate * _balancer_cpu(site) / BALANCER_CORES)


def balancers_by_connections(rate: int, site: Site) -> int:
    """Balancers that hold the connections of so many visitors a second: idle ones, too, count until they time out.

    Assumes that each request has a connection of its own. A balancer that holds all it may lets further ones wait
    (seen with HAProxy 2.6).
    """
    return 0 if site.gateway else math.ceil(Fraction(rate * BALANCER_KEEP_ALIVE_SECONDS, MAX_CONNECTIONS))


def sizes(load: Load, model: CostModel, site: Site) -> Sizes:
    """Numbers that carry `load`: collectors at what they request, balancers with one that may fail.

    None is above what a stack may set, and none below what the profile asks for.
    """
    costs = COSTS[model]
    floor = max(site.least_instances, costs.instances(load.sustained, load.share))
    ceiling = max(floor, costs.instances(load.peak, load.share))
    balancers = 1 + max(balancers_by_cpu(load.peak, site), balancers_by_connections(load.peak, site))
    return Sizes(
        min(floor, MAX_INSTANCES), min(ceiling, MAX_INSTANCES), min(max(balancers, MIN_BALANCERS), MAX_BALANCERS)
    )


def wanted_by_autoscaler(rate: int, load: Load, model: CostModel, target_percent: int) -> int:
    """Collectors that an autoscaler without bounds runs at this rate: it keeps them at a part of what they request."""
    return max(1, math.ceil(rate / COSTS[model].per_instance(load.share) * 100 / target_percent))


def least_elasticsearch_cores(load: Load) -> Fraction:
    """Cores without which Elasticsearch cannot take in the new visitors of the peak, at the best rate that was seen."""
    return load.peak * load.share / ELASTICSEARCH_NEW_PER_CORE


def elasticsearch_cores(load: Load, model: CostModel, copies: int) -> Fraction | None:
    """Cores that Elasticsearch is reckoned to need at the peak; None where the model knows no cost."""
    cost = COSTS[model].elasticsearch
    return None if cost is None else load.peak * cost.mean(load.share) * copies


def stored_events(rate: int, load: Load) -> Fraction:
    """Events that are stored each second, copies not counted."""
    return rate * (1 + (EVENTS_OF_NEW_VISITOR - 1) * load.share)


def stored_bytes(load: Load, copies: int) -> Fraction:
    """Bytes that a day adds to Elasticsearch, all copies together, when what is sustained lasts all day.

    Not counted: later sessions of known visitors, what profiles grow by, and Tracardi's logs.
    """
    second = stored_events(load.sustained, load) * EVENT_BYTES + load.sustained * load.share * NEW_VISITOR_BYTES
    return second * copies * SECONDS_A_DAY


def days_until_full(load: Load, site: Site) -> Fraction | None:
    """Days after which the volumes in the cluster hold no more; None where others run Elasticsearch.

    Shards are taken to be spread evenly, and nothing to be deleted: Tracardi's open source deletes nothing by itself.
    """
    if site.elasticsearch_nodes is None:
        return None
    return site.elasticsearch_storage * DISK_SHARE / stored_bytes(load, site.copies)


def least_volume(load: Load, copies: int, nodes: int, days: int) -> Fraction:
    """Bytes that the volume of each node must have to hold so many days."""
    return stored_bytes(load, copies) * days / nodes / DISK_SHARE


def least_shards(load: Load, days: int) -> int:
    """Primary shards that an index needs to take in the events of so many days."""
    return math.ceil(stored_events(load.sustained, load) * SECONDS_A_DAY * days / SHARD_DOCUMENTS)


def parts(load: Load, model: CostModel, site: Site, chosen: Sizes) -> tuple[Part, ...]:
    """Each part that limits an installation of these sizes."""
    costs = COSTS[model]
    return (
        Part("track instances", chosen.ceiling * costs.per_instance(load.share), costs.evidence),
        *_balancers(site, chosen.balancers),
        *_elasticsearch(load, model, site),
        *_stores(load, model, site),
    )


def bottleneck(found: tuple[Part, ...]) -> Part:
    """The part that gives out first."""
    return min(found, key=lambda part: part.carries)


def _balancer_cpu(site: Site) -> Fraction:
    visitors, kept = BALANCER_CPU[site.encryption]
    return kept if site.gateway else visitors


def _balancers(site: Site, number: int) -> Iterator[Part]:
    yield Part("balancers' CPU", number * BALANCER_CORES / _balancer_cpu(site), Evidence.ASSUMED)
    if not site.gateway:
        carried = Fraction(number * MAX_CONNECTIONS, BALANCER_KEEP_ALIVE_SECONDS)
        yield Part("balancers' connections", carried, Evidence.ASSUMED)


def _elasticsearch(load: Load, model: CostModel, site: Site) -> Iterator[Part]:
    costs = COSTS[model]
    if site.elasticsearch_nodes is None:
        return
    if costs.elasticsearch is not None:
        carried = site.elasticsearch_cores / (costs.elasticsearch.mean(load.share) * site.copies)
        yield Part("Elasticsearch's CPU", carried, Evidence.ASSUMED)
    elif costs.elasticsearch_rate is not None:
        yield Part("Elasticsearch", Fraction(costs.elasticsearch_rate), costs.evidence)


def _stores(load: Load, model: CostModel, site: Site) -> Iterator[Part]:
    for store in site.stores:
        most = store.most_track_instances
        if most is not None:
            carried = most * COSTS[model].per_instance(load.share)
            yield Part(f"connections to {store.name}", carried, store.evidence)
