"""The plan's tables."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from model.capacity import (
    COSTS,
    SECONDS_A_DAY,
    CostModel,
    Load,
    Part,
    Site,
    Sizes,
    bottleneck,
    days_until_full,
    elasticsearch_cores,
    least_elasticsearch_cores,
    parts,
    sizes,
    stored_bytes,
    stored_events,
    wanted_by_autoscaler,
)
from settings.base import Refusals
from settings.capacity import CapacitySettings
from settings.checks import capacity as checks
from settings.clusters import TrackSettings
from settings.plan.sections import Sections
from settings.sizing import site_of, sized

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


@dataclass(frozen=True)
class Column:
    """What one model says."""

    model: CostModel
    load: Load
    site: Site
    needed: Sizes
    has: Sizes
    """What the stack gets: what it says, else what is needed."""
    parts: tuple[Part, ...]
    cpu_target: int


Rows = Iterator[tuple[str, list[str]]]


def plan(sections: Sections, load: Load, title: str) -> str:
    """The plan's text, for a stack of these `sections`."""
    columns = [_column(sections, load, model) for model in CostModel]
    head = ("", [str(column.model) for column in columns])
    tables = [
        [head, *_needed(columns, _kept(sections))],
        [("requests/s that each part carries", head[1]), *_carried(columns)],
    ]
    width = max(len(cell) for table in tables for _, cells in table for cell in cells) + 2
    first = max(len(name) for table in tables for name, _ in table) + 2
    share = f"{load.new_visitors:.3g} of them new visitors'"
    lines = [f"{load.sustained} requests/s sustained, {load.peak} at the peak, {share}", f"for {title}"]
    for table in tables:
        lines += ["", *(_line(name, cells, first, width) for name, cells in table)]
    lines += ["", *(f"{model}: {COSTS[model].evidence}, {COSTS[model].source}" for model in CostModel)]
    for column in columns:
        lines += _refused(sections, column)
    return "\n".join(lines) + "\n"


def _column(sections: Sections, load: Load, model: CostModel) -> Column:
    track = _track(sections, load, model)
    site = site_of(
        sections.installation,
        track,
        sections.gui_api,
        sections.services,
        sections.data,
        sections.index,
        sections.certificates,
    )
    has = Sizes(track.replicas.min, track.replicas.max, track.balancer.replicas)
    found = parts(load, model, site, has)
    return Column(model, load, site, sizes(load, model, site), has, found, track.cpu_target_percent)


def _track(sections: Sections, load: Load, model: CostModel) -> TrackSettings:
    return sized(_declared(sections, load, model), sections.track, sections.installation, sections.certificates)


def _kept(sections: Sections) -> int | None:
    return sections.capacity.retention_days if sections.capacity else None


def _declared(sections: Sections, load: Load, model: CostModel) -> CapacitySettings:
    return CapacitySettings.model_construct(
        sustained=load.sustained,
        peak=load.peak,
        new_visitors=load.new_visitors,
        model=model,
        retention_days=_kept(sections),
    )


def _needed(columns: list[Column], kept: int | None) -> Rows:
    yield "a collector carries", [f"{_short(COSTS[each.model].per_instance(each.load.share))}/s" for each in columns]
    yield "track.replicas", [_range(each.needed) for each in columns]
    if any(_range(each.needed) != _range(each.has) for each in columns):
        yield "  this stack's", [_range(each.has) for each in columns]
    yield (
        f"  aim of the autoscaler ({columns[0].cpu_target} % of CPU)",
        [f"{_wanted(each, each.load.sustained)} to {_wanted(each, each.load.peak)}" for each in columns],
    )
    yield "track.balancer.replicas", [str(each.needed.balancers) for each in columns]
    if any(each.needed.balancers != each.has.balancers for each in columns):
        yield "  this stack's", [str(each.has.balancers) for each in columns]
    for index, store in enumerate(columns[0].site.stores):
        limit = "" if store.limit is None else f" of {store.limit}"
        yield (
            f"connections to {store.name}",
            [
                f"{each.site.stores[index].needed(max(each.needed.ceiling, each.has.ceiling))}{limit}"
                for each in columns
            ],
        )
        if store.services:
            yield "  of them services'", [str(each.site.stores[index].services) for each in columns]
    yield "Elasticsearch's CPU, cores", [_cores(each) for each in columns]
    if columns[0].site.elasticsearch_nodes:
        yield "  in nodes as they are", [_nodes(each) for each in columns]
    stored = [stored_events(each.load.sustained, each.load) for each in columns]
    yield "events stored", [f"{_short(each)}/s, {_millions(each * SECONDS_A_DAY)} a day" for each in stored]
    yield "Elasticsearch's data a day, all copies", [_bytes(_data(each)) for each in columns]
    if kept is not None:
        yield f"  kept for {kept} days", [_bytes(_data(each) * kept) for each in columns]
    yield "  this stack's volumes are full after", [_days(days_until_full(each.load, each.site)) for each in columns]


def _carried(columns: list[Column]) -> Rows:
    names = dict.fromkeys(part.name for column in columns for part in column.parts)
    for name in names:
        yield name, [_carries(name, column) for column in columns]
    firsts = [bottleneck(column.parts) for column in columns]
    yield "bottleneck", [part.name for part in firsts]


def _carries(name: str, column: Column) -> str:
    found = next((part for part in column.parts if part.name == name), None)
    return "-" if found is None else f"{_short(found.carries)} ({found.evidence})"


def _refused(sections: Sections, column: Column) -> Iterator[str]:
    capacity, track = _declared(sections, column.load, column.model), _track(sections, column.load, column.model)
    found = [*_refusals(sections, capacity, track)]
    if found:
        yield f"\nDeclared as tracardi:capacity with model: {column.model}, `pulumi up` would ask first for"
    for refusal in found:
        yield f"  tracardi:{'.'.join(map(str, refusal.path))}: {refusal.value}; {refusal.limit}"


def _refusals(sections: Sections, capacity: CapacitySettings, track: TrackSettings) -> Refusals:
    yield from checks.collectors_carry_the_peak(capacity, track)
    yield from checks.balancers_carry_the_peak(capacity, track, sections.certificates)
    yield from checks.elasticsearch_takes_new_visitors_in(capacity, sections.data)
    yield from checks.stores_accept_all_connections(
        capacity, sections.installation, track, sections.gui_api, sections.services, sections.data
    )
    yield from checks.volumes_hold_what_is_kept(capacity, sections.data, sections.index)
    yield from checks.shards_hold_an_index(capacity, sections.index)


def _range(found: Sizes) -> str:
    return f"{found.floor} to {found.ceiling}"


def _wanted(column: Column, rate: int) -> int:
    return wanted_by_autoscaler(rate, column.load, column.model, column.cpu_target)


def _cores(column: Column) -> str:
    reckoned = elasticsearch_cores(column.load, column.model, column.site.copies)
    if reckoned is None:
        return "not said"
    has = "" if column.site.elasticsearch_nodes is None else f"; has {_short(column.site.elasticsearch_cores)}"
    return f"about {_enough(reckoned)}, at least {_enough(least_elasticsearch_cores(column.load))}{has}"


def _nodes(column: Column) -> str:
    site = column.site
    reckoned = elasticsearch_cores(column.load, column.model, site.copies)
    if reckoned is None or not site.elasticsearch_nodes:
        return "not said"
    return f"about {math.ceil(reckoned * site.elasticsearch_nodes / site.elasticsearch_cores)}"


def _short(number: Fraction) -> str:
    """`number` rounded down, with a digit behind the point where it is small."""
    return str(math.floor(number)) if number >= 100 else f"{math.floor(number * 10) / 10:g}"  # noqa: PLR2004 - two digits


def _enough(number: Fraction) -> str:
    """`number` rounded up, with a digit behind the point."""
    return f"{math.ceil(number * 10) / 10:g}"


def _data(column: Column) -> Fraction:
    return stored_bytes(column.load, column.site.copies)


def _bytes(number: Fraction) -> str:
    """`number` rounded up to two digits, with its unit."""
    unit = min(len(_UNITS) - 1, max(0, (len(str(math.ceil(number))) - 1) // 3))
    size = number / 1000**unit
    step = Fraction(10) ** (len(str(math.floor(size))) - 2)
    return f"about {float(math.ceil(size / step) * step):g} {_UNITS[unit]}"


def _days(number: Fraction | None) -> str:
    """`number` rounded down."""
    if number is None:
        return "-"
    return f"about {_short(number)} days" if number >= 1 else f"about {_short(number * 24)} hours"


def _millions(number: Fraction) -> str:
    return f"{float(number) / 1e6:.3g} million"


def _line(name: str, cells: list[str], first: int, width: int) -> str:
    return (name.ljust(first) + "".join(cell.ljust(width) for cell in cells)).rstrip()
