"""The arithmetic of the table, and its lines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

WANTED_RATE = 3000
"""Requests a second that Tracardi's guide counts on with ten instances."""


@dataclass(frozen=True)
class Sample:
    """One run of the load generator against one target."""

    rate: float
    """Requests a second."""
    p50: float
    """Seconds."""
    p99: float
    requests: int
    errors: int
    cpu: float | None = None
    """Seconds of CPU that the proxy used; None where there is no proxy."""


@dataclass(frozen=True)
class Row:
    """A target at one number of connections: medians of its samples."""

    name: str
    rate: float
    p50: float
    p99: float
    to_direct: float
    """Its rate divided by that of the instances without a proxy; the median of the rounds' ratios."""
    to_nginx: float | None
    """Its rate divided by that of nginx with the same protocol, likewise; None where nothing is to be compared."""
    cpu: float | None
    """Seconds of the proxy's CPU for each request."""
    errors: int
    """Requests that were not answered with 2xx, of all rounds."""


def row(name: str, samples: Sequence[Sample], direct: Sequence[Sample], nginx: Sequence[Sample] | None) -> Row:
    """Put the samples of one target together; those of the others were taken in the same rounds."""
    spent = [each.cpu / each.requests for each in samples if each.cpu is not None and each.requests]
    return Row(
        name,
        median(each.rate for each in samples),
        median(each.p50 for each in samples),
        median(each.p99 for each in samples),
        _ratio(samples, direct),
        None if nginx is None else _ratio(samples, nginx),
        median(spent) if spent else None,
        sum(each.errors for each in samples),
    )


def replicas(cpu: float, cores: float, rate: float = WANTED_RATE) -> int:
    """Balancers that carry `rate` requests a second, each on so many `cores`, at `cpu` seconds for each request."""
    # A count of nanoseconds is exact where a product of fractions may end just above a whole number.
    return math.ceil(round(rate * cpu * 1e9) / round(cores * 1e9))


def table(title: str, rows: Sequence[Row]) -> str:
    """The lines of one number of connections."""
    heads = ("requests/s", "p50 ms", "p99 ms", "to direct", "to nginx", "CPU µs", "errors")
    lines = [f"{title:<34}" + "".join(f"{head:>11}" for head in heads)]
    for each in rows:
        values = (
            f"{each.rate:.0f}",
            f"{each.p50 * 1000:.2f}",
            f"{each.p99 * 1000:.2f}",
            f"{each.to_direct:.2f}",
            "-" if each.to_nginx is None else f"{each.to_nginx:.2f}",
            "-" if each.cpu is None else f"{each.cpu * 1e6:.0f}",
            str(each.errors),
        )
        lines.append(f"  {each.name:<32}" + "".join(f"{value:>11}" for value in values))
    return "\n".join(lines)


def needed(costs: Mapping[str, float], cores: Mapping[str, float]) -> str:
    """How many balancers `WANTED_RATE` needs: a line for each kind of use, a column for each size of balancer."""
    lines = [f"{f'balancers for {WANTED_RATE} requests/s':<54}{'cores':>8}" + "".join(f"{size:>26}" for size in cores)]
    for use, cpu in costs.items():
        counts = "".join(f"{replicas(cpu, each):>26}" for each in cores.values())
        lines.append(f"  {use:<52}{cpu * WANTED_RATE:>8.2f}{counts}")
    return "\n".join(lines)


def _ratio(samples: Sequence[Sample], others: Sequence[Sample]) -> float:
    return median(one.rate / other.rate if other.rate else 0.0 for one, other in zip(samples, others, strict=True))
