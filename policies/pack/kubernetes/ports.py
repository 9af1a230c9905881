"""Sets of ports."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.pack.kubernetes.workloads import Workload
from policies.pack.values import Value

_LAST = 65535
_ALL = (1 << (_LAST + 1)) - 2


@dataclass(frozen=True)
class Ports:
    """Ports of each protocol; a bit for each number, because sets of all ports are common here."""

    tcp: int = 0
    udp: int = 0
    sctp: int = 0

    def __or__(self, other: "Ports") -> "Ports":
        return Ports(self.tcp | other.tcp, self.udp | other.udp, self.sctp | other.sctp)

    def __and__(self, other: "Ports") -> "Ports":
        return Ports(self.tcp & other.tcp, self.udp & other.udp, self.sctp & other.sctp)

    def __sub__(self, other: "Ports") -> "Ports":
        return Ports(self.tcp & ~other.tcp, self.udp & ~other.udp, self.sctp & ~other.sctp)

    def __bool__(self) -> bool:
        return bool(self.tcp or self.udp or self.sctp)

    def __str__(self) -> str:
        if self == EVERY:
            return "every port"
        named = (("TCP", self.tcp), ("UDP", self.udp), ("SCTP", self.sctp))
        return " and ".join(f"{protocol} {_spans(bits)}" for protocol, bits in named if bits)


EVERY = Ports(_ALL, _ALL, _ALL)
NONE = Ports()


def tcp(*numbers: int) -> Ports:
    """The TCP ports `numbers`; those that no port can have are left out."""
    return Ports(tcp=_bits(numbers))


def union(several: Iterable[Ports]) -> Ports:
    """All ports that are in one of `several`."""
    found = NONE
    for ports in several:
        found |= ports
    return found


def opened(entries: Value, target: Workload | None, *, surely: bool) -> Ports:
    """The ports of `target` that the `ports` of a policy's rule mean; what is hidden means every one, or none `surely`.

    Where the target is no workload of the stack (None), a port's name can mean any port.
    """
    doubt = NONE if surely else EVERY
    if entries.given and not isinstance(entries.raw, list):
        return doubt
    found = list(entries)
    return union(_opened(entry, target, surely=surely) for entry in found) if found else EVERY


def _opened(entry: Value, target: Workload | None, *, surely: bool) -> Ports:
    if not isinstance(entry.raw, dict):
        return NONE if surely else EVERY
    bits = _numbers(entry, target, surely=surely)
    if bits is None:
        bits = 0 if surely else _ALL
    protocol = entry["protocol"]
    match protocol.text or ("TCP" if not protocol.given else ""):
        case "TCP":
            return Ports(tcp=bits)
        case "UDP":
            return Ports(udp=bits)
        case "SCTP":
            return Ports(sctp=bits)
        case _:
            return NONE if surely else Ports(bits, bits, bits)


def _numbers(entry: Value, target: Workload | None, *, surely: bool) -> int | None:
    """The port numbers of an entry; None where they cannot be told."""
    port, end = entry["port"], entry["endPort"]
    if not port.given:
        return None if end.given else _ALL
    if port.text is not None and not end.given:
        named = _named(target, port.text) if target else ()
        return _bits(named) if named else None
    first = number(port)
    if first is None:
        return None
    last = number(end) if end.given else first
    if last is None:
        last = first if surely else _LAST
    return _bits(range(first, last + 1))


def _named(target: Workload, name: str) -> tuple[int, ...]:
    """The numbers of the ports that containers of `target` call `name`."""
    return tuple(
        found
        for container in target.serving
        for entry in container.properties["ports"]
        if entry["name"].text == name and (found := number(entry["containerPort"]))
    )


def number(value: Value) -> int | None:
    """The port that stands at `value`."""
    found = value.number
    return int(found) if found is not None and 1 <= found <= _LAST else None


def _bits(numbers: Iterable[int]) -> int:
    if isinstance(numbers, range):
        return ((1 << (numbers.stop - numbers.start)) - 1) << numbers.start if numbers else 0
    found = 0
    for each in numbers:
        if 1 <= each <= _LAST:
            found |= 1 << each
    return found


def _spans(bits: int) -> str:
    if bits == _ALL:
        return "every port"
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in _runs(bits))


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    while bits:
        first = (bits & -bits).bit_length() - 1
        length = (~(bits >> first) & ((bits >> first) + 1)).bit_length() - 1
        yield first, first + length - 1
        bits &= ~(((1 << length) - 1) << first)
