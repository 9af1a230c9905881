"""The document's text: its prose from `scale.md`, with each figure in the place that bears its name."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from string import Template

from model.capacity import (
    BALANCER_CPU,
    COSTS,
    DEFAULT_NEW_VISITORS,
    DISK_SHARE,
    ELASTICSEARCH_NEW_PER_CORE,
    EVENT_BYTES,
    EVENTS_OF_NEW_VISITOR,
    INSTANCE_MILLICORES,
    NEW_VISITOR_BYTES,
    SECONDS_A_DAY,
    CostModel,
    Load,
    Part,
    Site,
    Sizes,
    least_volume,
    parts,
    stored_bytes,
    stored_events,
)
from model.connections import MYSQL_LIMIT, MYSQL_PER_INSTANCE, REDIS_LIMIT, REDIS_PER_INSTANCE
from model.encryption import Encryption
from model.fleet import Fleet, fleet
from model.lifecycle import BALANCER_KEEP_ALIVE_SECONDS, MAX_CONNECTIONS
from model.limits import MAX_BALANCERS, MAX_INSTANCES
from settings.plan.sections import defaults
from settings.sizing import site_of

PAPER = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
_PROSE = Path(__file__).with_name("scale.md")

RATE = 1_000_000
"""Requests a second that the document is about."""
_MONTH = 30
"""Days, as the prose has them."""
_NODE_BYTES = 4 * 10**12
"""Volume of such a node."""
_NODE_CORES = 16
"""Of a node that stores run on, in the tables: a size that every provider has."""


@dataclass(frozen=True)
class Column:
    """One way to reckon."""

    title: str
    load: Load
    model: CostModel
    site: Site

    @property
    def fleet(self) -> Fleet:
        """What carries the load."""
        return fleet(self.load, self.model, self.site)


def paper() -> str:
    """The document as it is kept in the repository. Raises KeyError where the prose names an unknown figure."""
    return Template(_PROSE.read_text(encoding="utf-8")).substitute(figures())


def figures() -> dict[str, str]:
    """Every figure and table, by the name that the prose has for it."""
    columns, measured, site = _columns(), COSTS[CostModel.MEASURED], _site()
    visitors, kept = BALANCER_CPU[Encryption.EDGE]
    sections = defaults()
    shipped = Sizes(sections.track.replicas.min, sections.track.replicas.max, sections.track.balancer.replicas)
    usual = columns[0].load
    return {
        "known_ms": _milliseconds(measured.instance.known),
        "new_ms": _milliseconds(measured.instance.new),
        "collector_cores": f"{INSTANCE_MILLICORES / 1000:g}",
        "guides_each": _short(COSTS[CostModel.GUIDES].per_instance(Fraction(0))),
        "new_share": f"{DEFAULT_NEW_VISITORS * 100:g} %",
        "new_per_core": str(ELASTICSEARCH_NEW_PER_CORE),
        "events_of_new": str(EVENTS_OF_NEW_VISITOR),
        "visitor_ms": _milliseconds(visitors),
        "kept_ms": _milliseconds(kept),
        "connections": _thousands(MAX_CONNECTIONS),
        "idle_seconds": str(BALANCER_KEEP_ALIVE_SECONDS),
        "visitors_each": _short(Fraction(MAX_CONNECTIONS, BALANCER_KEEP_ALIVE_SECONDS)),
        "most_collectors": str(MAX_INSTANCES),
        "most_balancers": str(MAX_BALANCERS),
        "mysql_limit": str(MYSQL_LIMIT),
        "mysql_each": str(MYSQL_PER_INSTANCE),
        "redis_limit": _thousands(REDIS_LIMIT),
        "redis_each": str(REDIS_PER_INSTANCE),
        "mysql_collectors": _collectors("MySQL"),
        "redis_collectors": _collectors("Redis"),
        "held_connections": _millions(Fraction(RATE * BALANCER_KEEP_ALIVE_SECONDS)),
        "stored_second": _millions(stored_events(RATE, usual)),
        "stored_day": _millions(stored_events(RATE, usual) * SECONDS_A_DAY),
        "event_bytes": str(EVENT_BYTES),
        "new_visitor_bytes": str(NEW_VISITOR_BYTES),
        "data_day": _terabytes(stored_bytes(usual, site.copies)),
        "month_volumes": _terabytes(least_volume(usual, site.copies, 1, _MONTH)),
        "month_nodes": _enough(least_volume(usual, site.copies, 1, _MONTH) / _NODE_BYTES),
        "node_volume": _terabytes(Fraction(_NODE_BYTES)),
        "disk_share": f"{float(DISK_SHARE * 100):g} %",
        "gateway_each": _short(1 / kept),
        "copies": str(site.copies),
        "fleet_table": _fleet_table(columns),
        "first_table": _first_table(parts(usual, CostModel.MEASURED, site, shipped)),
    }


def _site() -> Site:
    sections = defaults()
    return site_of(
        sections.installation,
        sections.track,
        sections.gui_api,
        sections.services,
        sections.data,
        sections.index,
        sections.certificates,
    )


def _collectors(name: str) -> str:
    """How many find their connections to a store."""
    (store,) = (store for store in _site().stores if store.name == name)
    return str(store.most_track_instances)


def _columns() -> list[Column]:
    site, load = _site(), Load(RATE, RATE, DEFAULT_NEW_VISITORS)
    edge = replace(site, encryption=Encryption.EDGE)
    return [
        Column("visitors' own connections", load, CostModel.MEASURED, edge),
        Column("through a Gateway", load, CostModel.MEASURED, replace(edge, gateway=True)),
        Column(
            "through a Gateway, no new visitors",
            replace(load, new_visitors=0.0),
            CostModel.MEASURED,
            replace(edge, gateway=True),
        ),
        Column("as the guides say", load, CostModel.GUIDES, replace(edge, gateway=True)),
    ]


def _fleet_table(columns: list[Column]) -> str:
    found = [column.fleet for column in columns]
    rows = [
        ("one installation carries at most", [f"{_thousands(math.floor(each.carries.carries))}/s" for each in found]),
        ("because of its", [each.carries.name for each in found]),
        ("installations", [_thousands(each.installations) for each in found]),
        ("collectors", [_thousands(each.collectors) for each in found]),
        ("their CPU, cores", [_enough(each.collector_cores) for each in found]),
        ("balancers, without a spare one", [_thousands(each.balancers) for each in found]),
        ("their CPU, cores", [_thousands(each.balancer_cores) for each in found]),
        ("Elasticsearch's CPU, cores", [_cores(each) for each in found]),
        (f"nodes of {_NODE_CORES} cores for it", [_nodes(each) for each in found]),
        (
            "its data a day, all copies",
            [_terabytes(stored_bytes(column.load, column.site.copies)) for column in columns],
        ),
    ]
    return _table(["", *(column.title for column in columns)], [[name, *cells] for name, cells in rows])


def _first_table(found: tuple[Part, ...]) -> str:
    rows = [[part.name, f"{_short(part.carries)}/s", str(part.evidence)] for part in sorted(found, key=_carries)]
    return _table(["Part", "Gives out at", "Known how"], rows)


def _carries(part: Part) -> Fraction:
    return part.carries


def _cores(found: Fleet) -> str:
    if found.elasticsearch_cores is None:
        return "not said"
    return f"about {_enough(found.elasticsearch_cores)}, at least {_enough(found.least_elasticsearch_cores)}"


def _nodes(found: Fleet) -> str:
    cores = found.elasticsearch_cores
    return "not said" if cores is None else f"about {_enough(cores / _NODE_CORES)}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _milliseconds(seconds: Fraction) -> str:
    return f"{float(seconds * 1000):.2g}"


def _short(number: Fraction) -> str:
    return _thousands(math.floor(number))


def _enough(number: Fraction) -> str:
    return _thousands(math.ceil(number))


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", " ") if number >= 10_000 else str(number)  # noqa: PLR2004 - five digits


def _terabytes(number: Fraction) -> str:
    text = float(number) / 1e12
    return f"{text / 1000:.3g} PB" if text >= 1000 else f"{text:.3g} TB"  # noqa: PLR2004 - a petabyte


def _millions(number: Fraction) -> str:
    text = float(number) / 1e6
    return f"{text / 1000:.3g} billion" if text >= 1000 else f"{text:.3g} million"  # noqa: PLR2004 - a billion
