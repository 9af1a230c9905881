"""What holds for every pod."""

from collections import Counter
from collections.abc import Iterator

from components.context import context_of
from model.credentials import used_by
from model.graph import out_of
from model.index_shape import index_shape, shapes_indices
from model.limits import MIN_NODES
from model.roles import Role
from settings.root import Settings
from tests.unit.engine import JsonObject, Recording, Registered
from tests.unit.invariants.view import (
    Reference,
    available,
    containers,
    pod_references,
    provided,
    role,
    title,
)

Faults = Iterator[str]

API_ROLES = frozenset({Role.TRACK_API, Role.GUI_API})
_JOBS = frozenset({Role.PREFLIGHT, Role.INSTALLATION})
_RESTRICTED_VOLUMES = frozenset({"configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim"})


def every_role_has_its_pods(recording: Recording, settings: Settings) -> Faults:
    """What the settings ask for runs, and nothing else does."""
    expected = context_of(settings).roles
    found = [role(workload) for workload in recording.workloads()]
    if sorted(found) != sorted(expected):
        yield f"there are pods of {sorted(found)}, and there should be of {sorted(expected)}"
    for workload in recording.workloads():
        name, who = workload.object_name, role(workload)
        if name != who and not (workload.inputs["kind"] == "Job" and name.startswith(f"{who}-")):
            yield f"{title(workload)} runs pods of {who}"


def pods_are_restricted(recording: Recording, _: Settings) -> Faults:
    """Pods keep Pod Security's `restricted` level, get no token, and write to volumes only."""
    for workload in recording.workloads():
        pod, who = workload.pod, title(workload)
        security = pod.get("securityContext", {})
        if not security.get("runAsNonRoot") or not security.get("runAsUser"):
            yield f"{who} may run as root"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"} or "sysctls" in security:
            yield f"{who} has other system calls than the runtime's default"
        if {"hostNetwork", "hostPID", "hostIPC"} & pod.keys():
            yield f"{who} shares its node's namespaces"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{who} gets a token"
        for volume in pod.get("volumes", ()):
            if not _RESTRICTED_VOLUMES & volume.keys():
                yield f"{who} has the volume {volume}"
        for container in containers(workload):
            yield from _restricted(f"{who} {container['name']}", container)


def _restricted(who: str, container: JsonObject) -> Faults:
    security = dict(container.get("securityContext", {}))
    expected = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    if security != expected:
        yield f"{who} has the security context {security}"
    if any("hostPort" in port or "hostIP" in port for port in container.get("ports", ())):
        yield f"{who} listens on its node"
    if not {"memory", "ephemeral-storage"} <= container.get("resources", {}).get("limits", {}).keys():
        yield f"{who} has no limits"


def pods_find_what_they_refer_to(recording: Recording, settings: Settings) -> Faults:
    """Nothing that a pod needs at its start is missing."""
    there = available(recording, settings)
    for workload in recording.workloads():
        for reference in pod_references(workload):
            keys = there.get(reference.place)
            if keys is None or not reference.keys <= keys:
                yield f"{reference}, and there is none"
        claims = (claim["metadata"]["name"] for claim in workload.spec.get("volumeClaimTemplates", ()))
        volumes = [*(volume["name"] for volume in workload.pod.get("volumes", ())), *claims]
        mounted = {mount["name"] for container in containers(workload) for mount in container.get("volumeMounts", ())}
        if sorted(mounted) != sorted(volumes):
            yield f"{title(workload)} mounts {sorted(mounted)} and has {sorted(volumes)}"


def pods_see_their_own_secrets(recording: Recording, settings: Settings) -> Faults:
    """Each pod sees the secrets of its role, and of others the authority that it verifies them with."""
    mysql, commercial = settings.uses_mysql, settings.installation.commercial
    roles = context_of(settings).roles
    for workload in recording.workloads():
        who = role(workload)
        for reference in pod_references(workload):
            if reference.kind == "Secret" and not _own(reference, who, settings):
                yield f"{reference}, which is not for {who}"
    for secret in recording.of_kind("Secret"):
        if secret.object_name.endswith("-credentials"):
            owner = Role(secret.object_name.removesuffix("-credentials"))
            derived = {"auth.conf"} if owner is Role.REDIS else set()
            expected = {key.value for key in used_by(owner, mysql=mysql, commercial=commercial, roles=roles)} | derived
            if secret.inputs["data"].keys() != expected:
                yield f"{title(secret)} holds {sorted(secret.inputs['data'])} for {owner}"


def _own(reference: Reference, who: Role, settings: Settings) -> bool:
    own = {f"{who}-credentials", f"{who}-tls", f"{who}-backend-tls", provided(settings).get(who)}
    # Whoever it is may connect to.
    verified = {f"{edge.target}-tls" for edge in out_of(who, frozenset(Role))}
    return reference.name in own or (reference.name in verified and reference.keys == {"ca.crt"})


def every_secret_serves_somebody(recording: Recording, _: Settings) -> Faults:
    """No secret lies around: a pod or a Gateway uses it, or it is kept for a later life of the stack."""
    used = {reference.place for workload in recording.workloads() for reference in pod_references(workload)}
    for gateway in recording.of_kind("Gateway"):
        for listener in gateway.spec["listeners"]:
            for chosen in listener.get("tls", {}).get("certificateRefs", ()):
                used.add(("Secret", gateway.namespace, chosen["name"]))
    for secret in recording.of_kind("Secret"):
        kept = secret.retained and secret.object_name.startswith("kept-")
        if not kept and ("Secret", secret.namespace, secret.object_name) not in used:
            yield f"{title(secret)} is of no use to anybody"


def api_pods_share_one_index_shape(recording: Recording, settings: Settings) -> Faults:
    """Every writer computes index names from the same variables."""
    expected = index_shape(settings.index)
    shapes = [each for each in recording.of_kind("ConfigMap") if each.object_name == "index-shape"]
    if [shape.inputs["data"] for shape in shapes] != [expected, expected]:
        yield f"{len(shapes)} ConfigMaps are not the settings' index shape"
    checksums = set()
    for workload in _api(recording):
        checksums.add(workload.spec["template"]["metadata"]["annotations"].get("checksum/index-shape"))
        container = workload.container("api")
        if container.get("envFrom") != [{"configMapRef": {"name": "index-shape"}}]:
            yield f"{title(workload)} reads {container.get('envFrom')}"
        for name in workload.environment("api"):
            if shapes_indices(name):
                yield f"{title(workload)} sets {name} by itself"
    if len(checksums) != 1 or None in checksums:
        yield f"pods roll by different shapes: {checksums}"


def only_the_gui_api_serves_the_gui(recording: Recording, _: Settings) -> Faults:
    """The collectors are closed by flag, and the last word is that flag."""
    for workload in _api(recording):
        told = workload.environment("api").get("EXPOSE_GUI_API")
        if told != ("yes" if role(workload) is Role.GUI_API else "no"):
            yield f"{title(workload)} has EXPOSE_GUI_API={told}"


def variables_are_set_once(recording: Recording, _: Settings) -> Faults:
    """Of two variables of one name the last would win."""
    for workload in recording.workloads():
        for container in containers(workload):
            count = Counter(variable["name"] for variable in container.get("env", ()))
            twice = [name for name, times in count.items() if times > 1]
            if twice:
                yield f"{title(workload)} {container['name']} sets {twice} twice"


def pods_are_spread_as_far_as_they_reach(recording: Recording, settings: Settings) -> Faults:
    """Production requires a domain for each instance that always runs, but not for the fourth of those without data."""
    autoscalers = {
        each.spec["scaleTargetRef"]["name"]: each.spec for each in recording.of_kind("HorizontalPodAutoscaler")
    }
    for workload in recording.workloads():
        if workload.inputs["kind"] in {"Job", "CronJob"}:
            continue
        instances = workload.spec["replicas"]
        scaled = autoscalers.get(workload.object_name)
        if scaled and not instances == scaled["minReplicas"] <= scaled["maxReplicas"]:
            yield f"{title(workload)} begins with {instances}, and is scaled by {scaled}"
        by_node = next(
            each
            for each in workload.pod["topologySpreadConstraints"]
            if each["topologyKey"] == "kubernetes.io/hostname"
        )
        required = by_node.get("minDomains")
        strict = by_node["whenUnsatisfiable"] == "DoNotSchedule"
        enough = min(instances, MIN_NODES) if workload.inputs["kind"] == "Deployment" else instances
        wanted = enough if settings.production and instances > 1 else None
        if required != wanted or strict != (wanted is not None):
            yield f"{title(workload)} has {instances} instances and the spread {by_node}"


def _api(recording: Recording) -> Iterator[Registered]:
    return (workload for workload in recording.workloads() if role(workload) in API_ROLES)
