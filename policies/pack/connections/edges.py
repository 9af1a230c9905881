"""Which connections Kubernetes allows: between pods of the stack, and between them and everybody else.

Both sides must allow a connection: the policies about the source its egress, those about the target its ingress. Pods
that no policy is about allow everything. What cannot be seen counts as allowed, and as closed where something is
needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from policies.pack.connections.admission import NAMESPACE_NAME as _NAMESPACE_NAME
from policies.pack.connections.admission import Block, Direction, Peer, catches, ends, governs, policies, rules
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.ports import NONE, Ports, opened, union
from policies.pack.kubernetes.selectors import Labels
from policies.pack.kubernetes.workloads import Workload
from policies.pack.resources import Resource
from policies.pack.values import NOTHING, Value


@dataclass(frozen=True)
class Namespaces:
    """Pods that do not belong to the stack: those in namespaces with these names, or in any where there are none."""

    names: frozenset[str] | None

    def __str__(self) -> str:
        if self.names is None:
            return "pods of any namespace"
        return f"pods in {', '.join(sorted(self.names))}"


End = Workload | Block | Namespaces


@dataclass(frozen=True)
class Connection:
    """A connection that `source` may open to `target`; one of them is a workload of the stack."""

    source: End
    target: End
    ports: Ports
    policies: tuple[Resource, ...] = ()
    """Policies that allow it; none where no policy forbids it."""


@dataclass(frozen=True)
class _Opening:
    """What a rule of `policy` opens: `ports`, to the other end `peer`. Without a policy nothing is closed."""

    policy: Resource | None
    peer: Peer
    ports: Value

    def numbers(self, target: Workload | None, *, surely: bool) -> Ports:
        return opened(self.ports, target, surely=surely)


_UNPOLICED = _Opening(None, Peer(NOTHING, certain=True), NOTHING)


class Edges:
    """The connections of a stack. Each question is answered once."""

    def __init__(self, stack: Objects) -> None:
        self._stack = stack
        self._openings: dict[tuple[str, Direction, bool], tuple[_Opening, ...]] = {}

    @cached_property
    def allowed(self) -> tuple[Connection, ...]:
        """Every connection that is allowed, or might be, those between pods of one workload included."""
        found: list[Connection] = []
        for workload in self._stack.workloads:
            found += self._outward(workload)
            found += self._inward(workload)
            found += (self._between(workload, target) for target in self._stack.workloads)
        return tuple(connection for connection in found if connection.ports)

    def surely(self, source: Workload, target: Workload) -> Ports:
        """The ports of `target` that pods of `source` can certainly connect to."""
        going = self._of(source, Direction.EGRESS, surely=True)
        coming = self._of(target, Direction.INGRESS, surely=True)
        sent = [found.numbers(target, surely=True) for found in going if self._names(found, target) is True]
        taken = [found.numbers(target, surely=True) for found in coming if self._names(found, source) is True]
        return union(sent) & union(taken)

    def surely_outside(self, workload: Workload, direction: Direction) -> Iterator[tuple[Block | Namespaces, Ports]]:
        """Who outside the stack can certainly be at the other end, with the ports: addresses, and pods elsewhere."""
        for found in self._of(workload, direction, surely=True):
            if found.peer.certain:
                target = workload if direction is Direction.INGRESS else None
                yield from ((end, found.numbers(target, surely=True)) for end in self._outside(found.peer))

    def _outward(self, source: Workload) -> Iterator[Connection]:
        for found in self._of(source, Direction.EGRESS, surely=False):
            ports = found.numbers(None, surely=False)
            yield from (Connection(source, end, ports, _named(found)) for end in self._outside(found.peer))

    def _inward(self, target: Workload) -> Iterator[Connection]:
        for found in self._of(target, Direction.INGRESS, surely=False):
            ports = found.numbers(target, surely=False)
            yield from (Connection(end, target, ports, _named(found)) for end in self._outside(found.peer))

    def _outside(self, peer: Peer) -> Iterator[Block | Namespaces]:
        if (block := peer.block) is not None:
            yield block
        names = peer.elsewhere(self._declared)
        if names is None or names:
            yield Namespaces(names)

    def _between(self, source: Workload, target: Workload) -> Connection:
        going = [
            (found, pods, found.numbers(target, surely=False))
            for found in self._of(source, Direction.EGRESS, surely=False)
            if (pods := self._names(found, target) is not False) or found.peer.block is not None
        ]
        ports, policies = NONE, dict[str, Resource]()
        for coming in self._of(target, Direction.INGRESS, surely=False) if going else ():
            pods = self._names(coming, source) is not False
            if not pods and coming.peer.block is None:
                continue
            numbers = coming.numbers(target, surely=False)
            for other, others_pods, others_numbers in going:
                both = numbers & others_numbers
                if both and (pods or others_pods or _meet(coming.peer.block, other.peer.block)):
                    ports |= both
                    policies.update({policy.urn: policy for policy in (*_named(other), *_named(coming))})
        return Connection(source, target, ports, tuple(policies.values()))

    def _names(self, opening: _Opening, workload: Workload) -> bool | None:
        return opening.peer.pods(opening.policy, workload, self._namespace(workload.namespace))

    def _of(self, workload: Workload, direction: Direction, *, surely: bool) -> tuple[_Opening, ...]:
        key = (workload.resource.urn, direction, surely)
        if key not in self._openings:
            self._openings[key] = tuple(self._found(workload, direction, surely=surely))
        return self._openings[key]

    def _found(self, workload: Workload, direction: Direction, *, surely: bool) -> Iterator[_Opening]:
        closed = False
        for policy in policies(self._stack):
            about, governing = catches(policy, workload), governs(policy, direction)
            if about is False or governing is False:
                continue
            certain = about is True and governing is True
            # Where something is needed, what might close counts, and what might open does not.
            closed = closed or certain or surely
            if certain or not surely:
                for rule in rules(policy, direction):
                    yield from (_Opening(policy, peer, rule["ports"]) for peer in ends(rule, direction))
        if not closed:
            yield _UNPOLICED

    @cached_property
    def _declared(self) -> frozenset[str]:
        return frozenset(namespace.object_name for namespace in self._stack.of_kind("Namespace"))

    @cached_property
    def _labels(self) -> dict[str, Labels]:
        return {
            namespace.object_name: Labels(
                namespace.properties.at("metadata", "labels"), ((_NAMESPACE_NAME, namespace.object_name),)
            )
            for namespace in self._stack.of_kind("Namespace")
        }

    def _namespace(self, name: str) -> Labels:
        # Whoever made a namespace that the stack does not declare may have labelled it.
        return self._labels.get(name, Labels(NOTHING, ((_NAMESPACE_NAME, name),), complete=False))


def _named(opening: _Opening) -> tuple[Resource, ...]:
    return (opening.policy,) if opening.policy else ()


def _meet(one: Block | None, other: Block | None) -> bool:
    """Whether addresses of pods could be in both blocks. That everybody may connect is not said of pods."""
    if one is None or other is None:
        return False
    if one.network is None or other.network is None:
        return True
    whole = not one.network.prefixlen or not other.network.prefixlen
    return not whole and one.network.version == other.network.version and one.network.overlaps(other.network)
