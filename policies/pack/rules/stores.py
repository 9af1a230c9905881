"""Stores in the stack: each is there, keeps what it is given, and is the same for everybody."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from policies.pack.connections.uses import is_local
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.roles import Role, store_addresses
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.rules.releases import api_containers, worker_containers
from policies.pack.stack import StackView

_KEEPING = {
    Role.ELASTICSEARCH: Program.ELASTICSEARCH,
    Role.MYSQL: Program.MYSQL,
    Role.PULSAR: Program.PULSAR,
}
_PARTS = {"MYSQL_HOST": {"MYSQL_DATABASE": "tracardi"}, "PULSAR_HOST": {"PULSAR_TENANT": "tracardi"}}
"""By the variable that leads to a store, those that choose a part of it, and what Tracardi takes without them."""
_DATA_FOLDER = "--datadir="
_USUAL_FOLDER = "/var/lib/mysql"


@rule(
    "stores-run-once",
    severity=Severity.HIGH,
    remedy="Set replicas: 1, without an autoscaler: instances behind one Service that know nothing of each other each "
    "have a part of the data. List a store that keeps its instances in step in alsoAllowed, as namespace/name.",
    options=(Option("alsoAllowed", (), "Stores whose instances are kept in step, as namespace/name."),),
)
def stores_run_once(stack: StackView, options: Options) -> Iterator[Finding]:
    """Redis, MySQL and Pulsar in the stack are one instance each, no more and no fewer."""
    for workload in stack.in_role(Role.REDIS, Role.MYSQL, Role.PULSAR):
        scale = stack.scale(workload)
        if (scale.least, scale.most) == (1, 1):
            continue
        name = f"{workload.namespace}/{workload.resource.object_name}"
        if scale.least < 1 or name not in options.words("alsoAllowed"):
            count = f"{scale.least} to {scale.most}" if scale.least != scale.most else str(scale.least)
            yield Finding(workload.resource, f"has {'unknown' if scale.most is None else count} instances")


@rule(
    "stores-keep-their-data",
    severity=Severity.HIGH,
    remedy="Mount a volume that outlives pods where the data is (volumeClaimTemplates, or a persistentVolumeClaim), "
    "writable, and keep it when instances are taken away (persistentVolumeClaimRetentionPolicy whenScaled: Retain).",
)
def stores_keep_their_data(stack: StackView, _: Options) -> Iterator[Finding]:
    """What Elasticsearch, MySQL and Pulsar in the stack store is there after their pods are gone."""
    for workload in stack.in_role(*_KEEPING):
        wanted = _KEEPING[stack.role(workload)]
        known = [container for container in workload.serving if container.program is wanted]
        if not any(_keeps(workload, container) for container in known or workload.serving):
            yield Finding(workload.resource, "keeps its data where it goes with the pod")
        policy = workload.resource.spec["persistentVolumeClaimRetentionPolicy"]
        if policy.hidden or (policy["whenScaled"].given and policy["whenScaled"].text != "Retain"):
            yield Finding(workload.resource, "lets the data of an instance go that is taken away")


def _keeps(workload: Workload, container: Container) -> bool:
    claims = {claim.at("metadata", "name").text for claim in workload.resource.spec["volumeClaimTemplates"]}
    claims |= {
        volume["name"].text for volume in workload.pod["volumes"] if volume["persistentVolumeClaim"]["claimName"].text
    }
    mounts = [
        PurePosixPath(mount["mountPath"].text or "")
        for mount in container.properties["volumeMounts"]
        if mount["name"].text in claims - {None} and (not mount["readOnly"].given or mount["readOnly"].flag is False)
    ]
    if container.program is not Program.MYSQL:
        return bool(mounts)
    told = [word.removeprefix(_DATA_FOLDER) for word in container.command_line if word.startswith(_DATA_FOLDER)]
    folder = PurePosixPath(told[-1] if told else _USUAL_FOLDER)
    return any(mount == folder or mount in folder.parents for mount in mounts)


@rule(
    "pods-agree-on-stores",
    severity=Severity.HIGH,
    remedy="Take ELASTIC_HOST, REDIS_HOST, MYSQL_HOST, MYSQL_DATABASE, PULSAR_HOST and PULSAR_TENANT from one source "
    "for all API pods and workers: what collectors store elsewhere, nobody finds.",
)
def pods_agree_on_stores(stack: StackView, _: Options) -> Iterator[Finding]:
    """Collectors store where the console looks and workers work."""
    first: dict[str, tuple[Workload, object]] = {}
    for workload, container in (*api_containers(stack), *worker_containers(stack)):
        for name, found in (*_places(stack, workload, container), *_parts(container)):
            other, expected = first.setdefault(name, (workload, found))
            if found != expected:
                yield Finding(workload.resource, f"uses another {name} than {other.label}")


def _places(stack: StackView, workload: Workload, container: Container) -> Iterator[tuple[str, object]]:
    """The stores that are used, where they can be told; that a port is wrong, or the store is none, others say."""
    found: dict[str, set[str]] = {}
    for role, host, _ in store_addresses(container):
        service = stack.service_at(host, workload.namespace)
        pods = stack.selected(service) if service else ()
        if all(stack.role(store) is role for store in pods) and not is_local(host):
            named = {store.resource.urn for store in pods} if service else {host.lower().rstrip(".")}
            found.setdefault(role.value, set()).update(named)
    yield from found.items()


def _parts(container: Container) -> Iterator[tuple[str, object]]:
    for host, parts in _PARTS.items():
        for name, usual in parts.items() if host in container.environment else ():
            variable = container.environment.get(name)
            # What cannot be seen is like nothing else.
            yield name, usual if variable is None else variable.value or object()
