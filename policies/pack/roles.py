"""What pods are for, told by what they run, by what leads to them and by who uses them; never by their labels."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from urllib.parse import urlsplit

from policies.pack.entry.base import Entry
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import API_SWITCH, Container, Workload


class Role(Enum):
    """What the pods of a workload are for."""

    BALANCER = "a balancer"
    COLLECTOR = "the track API"
    GUI_API = "the GUI API"
    CONSOLE = "the console"
    WORKER = "a worker of Tracardi's"
    ELASTICSEARCH = "Elasticsearch"
    REDIS = "Redis"
    MYSQL = "MySQL"
    PULSAR = "Pulsar"
    JOB = "a job"
    OTHER = "something that these rules do not know"

    @property
    def is_store(self) -> bool:
        """Whether it keeps Tracardi's data."""
        return self in _STORES.values()


_STORES = {
    "ELASTIC_HOST": Role.ELASTICSEARCH,
    "REDIS_HOST": Role.REDIS,
    "MYSQL_HOST": Role.MYSQL,
    "PULSAR_HOST": Role.PULSAR,
    "PULSAR_API": Role.PULSAR,
}
"""The variables by which Tracardi's API finds its stores."""

_PORTS = {"REDIS_HOST": "REDIS_PORT", "MYSQL_HOST": "MYSQL_PORT"}

_PROGRAMS = {
    Program.ELASTICSEARCH: Role.ELASTICSEARCH,
    Program.REDIS: Role.REDIS,
    Program.MYSQL: Role.MYSQL,
    Program.PULSAR: Role.PULSAR,
    Program.GUI: Role.CONSOLE,
    Program.WORKER: Role.WORKER,
}


def store_addresses(container: Container) -> Iterator[tuple[Role, str, int | None]]:
    """The stores that `container` is told to use: which one, its host, and the port where it is said in figures."""
    for variable, role in _STORES.items():
        value = container.environment[variable].value if variable in container.environment else None
        for address in (value or "").split(","):
            try:
                parts = urlsplit(address.strip() if "//" in address else f"//{address.strip()}")
                host, port = parts.hostname, parts.port
            except ValueError:
                continue
            if host:
                yield role, host, _told_apart(container, variable) or port


def _told_apart(container: Container, variable: str) -> int | None:
    told = container.environment.get(_PORTS.get(variable, ""))
    return int(told.value) if told and told.value and told.value.isdecimal() else None


def roles(stack: Objects, entries: Iterable[Entry]) -> Mapping[str, Role]:
    """The role of each workload, by the URN of its resource. `entries` are the ways into `stack`."""
    known = tuple(entries)
    used = _used_as_stores(stack)
    public = {end.workload.resource.urn for entry in known if entry.open_because for end in entry.reach.ends}
    trusted = {end.workload.resource.urn for entry in known if not entry.open_because for end in entry.reach.ends}
    return {
        workload.resource.urn: _role(workload, used, public=public, trusted=trusted) for workload in stack.workloads
    }


def _used_as_stores(stack: Objects) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for workload in stack.workloads:
        for container in workload.containers:
            for role, host, _ in store_addresses(container):
                service = stack.service_at(host, workload.namespace)
                for store in stack.selected(service) if service else ():
                    found.setdefault(store.resource.urn, role)
    return found


def _role(workload: Workload, used: Mapping[str, Role], *, public: set[str], trusted: set[str]) -> Role:
    urn, programs = workload.resource.urn, workload.programs
    if workload.ends:
        return Role.JOB
    if Program.API in programs:
        # Who reaches it decides; its own flag only where nobody from outside does.
        collects = urn in public or (urn not in trusted and collects_only(workload))
        return Role.COLLECTOR if collects else Role.GUI_API
    if programs == {Program.PROXY}:
        return Role.BALANCER
    found = next((role for program, role in _PROGRAMS.items() if program in programs), None)
    return found or used.get(urn, Role.OTHER)


def collects_only(workload: Workload) -> bool:
    """Whether an API container of the pods says that it does not serve the console."""
    flags = (container.environment.get(API_SWITCH) for container in workload.serving)
    return any(flag is not None and flag.value == "no" for flag in flags)
