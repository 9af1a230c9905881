"""Pod Security's level `restricted`, item by item, as of Kubernetes 1.36; and where these rules ask for more.

Of the exceptions that Pod Security makes for Windows and for user namespaces, none is made here.
"""

from collections.abc import Iterator

from policies.pack.values import Value

_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "name",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_ADDED_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
_CONFINED = frozenset({"RuntimeDefault", "Localhost"})
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SELINUX_TYPES = frozenset({"", "container_engine_t", "container_init_t", "container_kvm_t", "container_t"})
_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
"""They touch nothing but the pod's own namespaces."""
_OWN_MOUNTS = frozenset({"None", "HostToContainer"})
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_HANDLERS = (*((probe,) for probe in PROBES), ("lifecycle", "postStart"), ("lifecycle", "preStop"))


def pod_problems(template: Value) -> Iterator[str]:
    """What a pod as a whole may do that it should not; `template` is its metadata and specification."""
    pod = template["spec"]
    for name in _HOST_NAMESPACES:
        if pod[name].on:
            yield f"sets {name}"
    if pod["shareProcessNamespace"].on:
        yield "shows each container the processes of the others"
    for name in ("initContainers", "volumes"):
        if not _listed(pod[name]):
            yield f"has {name} that cannot be seen"
    for volume in pod["volumes"]:
        yield from _volume_problems(volume)
    if pod["ephemeralContainers"].given:
        yield "has ephemeral containers"
    sysctls = pod.at("securityContext", "sysctls")
    if not _listed(sysctls) or any(entry["name"].text not in _SYSCTLS for entry in sysctls):
        yield "sets sysctls"
    yield from _explicit_problems(pod["securityContext"])
    yield from _profile_problems(pod["securityContext"])
    yield from _annotation_problems(template.at("metadata", "annotations"))


def container_problems(pod: Value, container: Value) -> Iterator[str]:
    """What a container of `pod` may do that it should not."""
    own = container["securityContext"]
    yield from _identity_problems(pod["securityContext"], own)
    yield from _privilege_problems(own)
    yield from _profile_problems(own)
    if not _listed(container["ports"]) or any(_more_than_zero(port["hostPort"]) for port in container["ports"]):
        yield "opens a port of its host"
    for path in _HANDLERS:
        handler = container.at(*path)
        if any(handler[kind]["host"].given and handler[kind]["host"].text != "" for kind in ("httpGet", "tcpSocket")):
            yield f"names a host in its {path[-1]}"
    for mount in container["volumeMounts"]:
        if mount["mountPropagation"].given and mount["mountPropagation"].text not in _OWN_MOUNTS:
            yield "shares what it mounts with its host"


def _volume_problems(volume: Value) -> Iterator[str]:
    kinds = {name for name, member in volume.fields.items() if member.given}
    if not kinds:
        yield "mounts a volume that cannot be seen"
    if unusual := sorted(kinds - _VOLUMES):
        yield f"mounts a volume of type {unusual[0]}"


def _explicit_problems(shared: Value) -> Iterator[str]:
    """What Pod Security refuses for the pod, even if every container says otherwise."""
    if shared["runAsNonRoot"].given and shared["runAsNonRoot"].flag is not True:
        yield "lets containers run as root"
    if shared["runAsUser"].given and not _more_than_zero(shared["runAsUser"], hidden=False):
        yield "lets containers run as user 0"
    if shared["seccompProfile"].given and shared["seccompProfile"]["type"].text not in _CONFINED:
        yield "gives containers no seccomp profile"


def _identity_problems(shared: Value, own: Value) -> Iterator[str]:
    def effective(name: str) -> Value:
        return own[name] if own[name].given else shared[name]

    if effective("runAsNonRoot").flag is not True:
        yield "may run as root"
    if effective("runAsUser").given and not _more_than_zero(effective("runAsUser"), hidden=False):
        yield "runs as user 0"
    if effective("seccompProfile")["type"].text not in _CONFINED:
        yield "has no seccomp profile"


def _privilege_problems(own: Value) -> Iterator[str]:
    if own["allowPrivilegeEscalation"].flag is not False:
        yield "may gain privileges"
    if own["readOnlyRootFilesystem"].flag is not True:
        yield "writes to its root file system"
    if own["privileged"].on:
        yield "is privileged"
    if own["procMount"].given and own["procMount"].text != "Default":
        yield "unmasks /proc"
    if "ALL" not in own.at("capabilities", "drop").words:
        yield "keeps capabilities"
    added = own.at("capabilities", "add")
    if not _listed(added) or any(entry.text not in _ADDED_CAPABILITIES for entry in added):
        yield "adds capabilities"


def _profile_problems(context: Value) -> Iterator[str]:
    """What a security context, of a pod or of a container, says of AppArmor, SELinux and Windows."""
    if context["appArmorProfile"].given and context["appArmorProfile"]["type"].text not in _CONFINED:
        yield "has no AppArmor profile"
    selinux = context["seLinuxOptions"]
    named = [selinux[name] for name in ("user", "role") if selinux[name].given]
    other = selinux["type"].given and selinux["type"].text not in _SELINUX_TYPES
    if selinux.hidden or other or any(value.text != "" for value in named):
        yield "has SELinux options that are not a container's"
    if context["windowsOptions"].hidden or context.at("windowsOptions", "hostProcess").on:
        yield "is a process of its host"


def _annotation_problems(annotations: Value) -> Iterator[str]:
    if annotations.hidden:
        yield "has annotations that cannot be seen"
    for name, value in annotations.fields.items():
        text = value.text or ""
        confined = text in {"", "runtime/default"} or text.startswith("localhost/")
        if name.startswith(_APP_ARMOR) and value.given and (value.hidden or not confined):
            yield "has no AppArmor profile"


def _listed(value: Value) -> bool:
    """Whether a list, or nothing, stands here."""
    return not value.given or isinstance(value.raw, list)


def _more_than_zero(value: Value, *, hidden: bool = True) -> bool:
    """Whether a number above zero stands here; `hidden` is the answer for what cannot be seen."""
    if not value.given:
        return False
    return hidden if value.number is None else value.number > 0
