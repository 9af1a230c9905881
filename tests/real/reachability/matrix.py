"""The reachability matrix: everybody tries everything, and it is compared with what is declared."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from model.ports import Port
from tests.dataplane.clients.idle import as_many_files_as_allowed
from tests.dataplane.sandbox import Place
from tests.real.reachability.declared import Declared, Outcomes
from tests.real.reachability.parties import Address, Kind, Party
from tests.real.reachability.probes import Outcome, Probe, Protocol, tried

SECONDS = 1.5
"""How long an answer may take: long enough for a lost packet to be sent again."""
_PATIENT_SECONDS = 10.0
_SOURCES_AT_ONCE = 6

Targets = Sequence[Party | Address]


@dataclass(frozen=True)
class Attempt:
    """What was tried, what may come of it, and what did."""

    source: str
    target: str
    probe: Probe
    expected: Outcomes
    seen: Outcome

    def __str__(self) -> str:
        """One line: from whom, to whom, what was expected, what was seen."""
        port = f"{self.probe.port}/{self.probe.protocol}"
        wanted = " or ".join(sorted(self.expected))
        return f"{self.source} -> {self.target} {self.probe.address}:{port}: {wanted} expected, {self.seen} seen"


@dataclass(frozen=True)
class Matrix:
    """Everything that was tried."""

    seen: tuple[Attempt, ...]
    seconds: float

    @property
    def differences(self) -> list[str]:
        """Everything that is otherwise than declared, one line each."""
        return sorted(str(each) for each in self.seen if each.seen not in each.expected)

    def counts(self) -> str:
        """How many attempts ended in which way."""
        found = Counter(each.seen for each in self.seen)
        return f"{len(self.seen)} tried in {self.seconds:.0f} s: " + ", ".join(
            f"{found[outcome]} {outcome}" for outcome in Outcome
        )


def measured(
    sources: Sequence[tuple[Party, Place]],
    targets: Targets,
    ports: Sequence[int],
    declared: Declared,
) -> Matrix:
    """Have each source try each target on every port by TCP, and on DNS's by UDP."""
    began = time.monotonic()

    def row(source: tuple[Party, Place]) -> list[Attempt]:
        party, place = source
        # What hosts of the internet say to each other is nobody's business here.
        chosen = [each for each in targets if {party.kind, _kind(each)} != {Kind.OUTSIDE}]
        return _row(party, place, chosen, ports, declared)

    with as_many_files_as_allowed(), ThreadPoolExecutor(_SOURCES_AT_ONCE) as threads:
        rows = list(threads.map(row, sources))
    return Matrix(tuple(each for found in rows for each in found), time.monotonic() - began)


def _kind(target: Party | Address) -> Kind | None:
    return target.kind if isinstance(target, Party) else None


def _row(source: Party, place: Place, targets: Targets, ports: Sequence[int], declared: Declared) -> list[Attempt]:
    probes = {
        probe: target
        for target in targets
        for probe in (
            *(Probe(target.address, port) for port in ports),
            Probe(target.address, int(Port.DNS), Protocol.UDP),
        )
    }
    found = place.call(tried, list(probes), SECONDS)
    wanted = {probe: declared.expected(source, target, probe) for probe, target in probes.items()}
    # A busy machine keeps some waiting; what must not pass is not given a second chance to fail.
    late = [probe for probe, seen in found.items() if seen is Outcome.SILENT and seen not in wanted[probe]]
    if late:
        found |= place.call(tried, late, _PATIENT_SECONDS)
    return [Attempt(source.name, probes[probe].name, probe, wanted[probe], seen) for probe, seen in found.items()]
