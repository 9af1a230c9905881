"""The one builder of pods: the only place that knows hardening, spread, probes, draining and tolerations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from model.images import Image
from model.lifecycle import DRAIN_SECONDS, GRACE_SECONDS, LOST_NODE_SECONDS, Probe
from model.limits import MIN_NODES
from model.roles import Role
from settings.installation import Profile
from settings.platform import PlatformSettings

TMP = "/tmp"  # noqa: S108 - a volume of each pod's own, the only place that most may write to

USER = 65532
"""User and group of every container whose image does not insist on one of its own."""

_DISK_REQUEST = "64Mi"
_DISK_LIMIT = "1Gi"
"""For logs and scratch volumes: above the sum of any pod's, with the 250 MiB of logs that some nodes keep of each."""


@dataclass(frozen=True)
class Resources:
    """What a container asks for and may not exceed. CPU has no limit: throttling turns load into latency."""

    cpu: str
    memory: str
    memory_limit: str


@dataclass(frozen=True)
class Check:
    """What a probe asks: an HTTP path on a port, a connection, or a command inside the container."""

    path: str | None = None
    port: int | None = None
    tls: bool = False
    """Whether the port speaks TLS; the kubelet does not verify the certificate."""
    tcp_port: int | None = None
    command: tuple[str, ...] = ()

    def probe(self, timing: Probe) -> k8s.core.v1.ProbeArgs:
        """The kubelet probe that asks this with `timing`."""
        return k8s.core.v1.ProbeArgs(
            http_get=k8s.core.v1.HTTPGetActionArgs(path=self.path, port=self.port, scheme="HTTPS" if self.tls else None)
            if self.path and self.port
            else None,
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port=self.tcp_port) if self.tcp_port else None,
            exec_=k8s.core.v1.ExecActionArgs(command=list(self.command)) if self.command else None,
            period_seconds=timing.period,
            timeout_seconds=timing.timeout,
            failure_threshold=timing.failures,
        )


@dataclass(frozen=True)
class SecretKey:
    """A value that a container finds under `key` of the Secret `name`."""

    name: str
    key: str


@dataclass(frozen=True)
class Mount:
    """A volume as a container sees it."""

    volume: str
    path: str
    read_only: bool = True


@dataclass(frozen=True)
class Container:
    """A container; `environment` maps each variable to its value or to the Secret that holds it."""

    name: str
    image: Image
    resources: Resources
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    working_dir: str | None = None
    environment: Mapping[str, str | SecretKey] = field(default_factory=dict)
    environment_from: tuple[str, ...] = ()
    """Names of ConfigMaps whose keys become variables."""
    ports: Mapping[str, int] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    startup: k8s.core.v1.ProbeArgs | None = None
    readiness: k8s.core.v1.ProbeArgs | None = None
    liveness: k8s.core.v1.ProbeArgs | None = None
    drains: bool = False
    """Whether the container waits before it stops, because others still send requests to it."""
    stop: tuple[str, ...] = ()
    """What ends the container, where the usual signal does not do so safely."""


@dataclass(frozen=True)
class Pod:
    """A pod of `role`. `instances` is how many nodes it must be spread over in production."""

    role: Role
    containers: tuple[Container, ...]
    instances: int = 1
    init_containers: tuple[Container, ...] = ()
    sidecars: tuple[Container, ...] = ()
    """Containers that start before all others, in this order, and stop after them."""
    volumes: tuple[k8s.core.v1.VolumeArgs, ...] = ()
    user: int = USER
    group: int | None = None
    """Primary group, where the image's files are for a group other than the user's own."""
    grace_seconds: int = GRACE_SECONDS
    stateless: bool = True
    revision_label: str | None = "pod-template-hash"
    """Label that tells pods of one revision from the next, so that a rolling update spreads each by itself."""
    restart_policy: str | None = None
    checksums: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Digest of each configuration that pods read only at their start; a change rolls them. Never of a secret."""


def scratch(name: str, size: str) -> k8s.core.v1.VolumeArgs:
    """An empty writable volume that may hold `size` at most."""
    return k8s.core.v1.VolumeArgs(name=name, empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(size_limit=size))


def config_volume(name: str, config_map: str) -> k8s.core.v1.VolumeArgs:
    """The keys of a ConfigMap as files."""
    return k8s.core.v1.VolumeArgs(name=name, config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map))


def secret_volume(name: str, secret: str, files: Mapping[str, str] | None = None) -> k8s.core.v1.VolumeArgs:
    """The keys of a Secret as files: all of them, or those in `files` under the paths given there."""
    items = [k8s.core.v1.KeyToPathArgs(key=key, path=path) for key, path in (files or {}).items()]
    return k8s.core.v1.VolumeArgs(
        name=name,
        # Readable for the pod's own group (fsGroup) and nobody else.
        secret=k8s.core.v1.SecretVolumeSourceArgs(secret_name=secret, default_mode=0o440, items=items or None),
    )


def pod_template(context: Context, pod: Pod) -> k8s.core.v1.PodTemplateSpecArgs:
    """The pod template of `pod`, hardened to Pod Security's `restricted` level."""
    platform = context.platform
    annotations = {**platform.annotations, **{f"checksum/{name}": value for name, value in pod.checksums.items()}}
    return k8s.core.v1.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(
            labels={**platform.labels, **context.labels(pod.role)}, annotations=annotations or None
        ),
        spec=k8s.core.v1.PodSpecArgs(
            service_account_name=pod.role.value,
            automount_service_account_token=False,
            # A Service named "redis" would inject REDIS_PORT=tcp://..., which stops Tracardi 0.8 at import.
            enable_service_links=False,
            security_context=k8s.core.v1.PodSecurityContextArgs(
                run_as_non_root=True,
                run_as_user=pod.user,
                run_as_group=pod.user if pod.group is None else pod.group,
                fs_group=pod.user,
                fs_group_change_policy="OnRootMismatch",
                seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
            ),
            containers=[_container(container, ends=pod.restart_policy is not None) for container in pod.containers],
            init_containers=[
                *(_container(container, restart_policy="Always") for container in pod.sidecars),
                *(_container(container) for container in pod.init_containers),
            ]
            or None,
            volumes=list(pod.volumes) or None,
            topology_spread_constraints=_spread(context, pod),
            termination_grace_period_seconds=pod.grace_seconds,
            restart_policy=pod.restart_policy,
            tolerations=_tolerations(platform, pod) or None,
            node_selector=platform.node_selector or None,
            priority_class_name=platform.priority_class,
            image_pull_secrets=[k8s.core.v1.LocalObjectReferenceArgs(name=name) for name in platform.image_pull_secrets]
            or None,
        ),
    )


def _container(
    container: Container, restart_policy: str | None = None, *, ends: bool = False
) -> k8s.core.v1.ContainerArgs:
    resources = container.resources
    return k8s.core.v1.ContainerArgs(
        name=container.name,
        image=str(container.image),
        restart_policy=restart_policy,
        image_pull_policy="IfNotPresent",
        # Pulumi shows this message of a Job's pod that failed, and nothing of its log.
        termination_message_policy="FallbackToLogsOnError" if ends else None,
        command=list(container.command) or None,
        args=list(container.arguments) or None,
        working_dir=container.working_dir,
        env=[_variable(name, value) for name, value in container.environment.items()] or None,
        env_from=[
            k8s.core.v1.EnvFromSourceArgs(config_map_ref=k8s.core.v1.ConfigMapEnvSourceArgs(name=name))
            for name in container.environment_from
        ]
        or None,
        ports=[k8s.core.v1.ContainerPortArgs(name=name, container_port=port) for name, port in container.ports.items()]
        or None,
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name=mount.volume, mount_path=mount.path, read_only=mount.read_only)
            for mount in container.mounts
        ]
        or None,
        resources=k8s.core.v1.ResourceRequirementsArgs(
            requests={"cpu": resources.cpu, "memory": resources.memory, "ephemeral-storage": _DISK_REQUEST},
            # Without a limit, what one pod writes to its node evicts others.
            limits={"memory": resources.memory_limit, "ephemeral-storage": _DISK_LIMIT},
        ),
        security_context=k8s.core.v1.SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
        ),
        startup_probe=container.startup,
        readiness_probe=container.readiness,
        liveness_probe=container.liveness,
        lifecycle=_lifecycle(container),
    )


def _lifecycle(container: Container) -> k8s.core.v1.LifecycleArgs | None:
    if container.stop:
        return k8s.core.v1.LifecycleArgs(
            pre_stop=k8s.core.v1.LifecycleHandlerArgs(exec_=k8s.core.v1.ExecActionArgs(command=list(container.stop)))
        )
    if container.drains:
        return k8s.core.v1.LifecycleArgs(
            pre_stop=k8s.core.v1.LifecycleHandlerArgs(sleep=k8s.core.v1.SleepActionArgs(seconds=DRAIN_SECONDS))
        )
    return None


def _variable(name: str, value: str | SecretKey) -> k8s.core.v1.EnvVarArgs:
    if isinstance(value, str):
        return k8s.core.v1.EnvVarArgs(name=name, value=value)
    reference = k8s.core.v1.SecretKeySelectorArgs(name=value.name, key=value.key)
    return k8s.core.v1.EnvVarArgs(name=name, value_from=k8s.core.v1.EnvVarSourceArgs(secret_key_ref=reference))


def _spread(context: Context, pod: Pod) -> list[k8s.core.v1.TopologySpreadConstraintArgs] | None:
    if pod.restart_policy is not None:
        return None
    required = context.profile is Profile.PRODUCTION and pod.instances > 1
    selector = k8s.meta.v1.LabelSelectorArgs(match_labels=context.selector(pod.role))
    revision = [pod.revision_label] if pod.revision_label else None
    return [
        k8s.core.v1.TopologySpreadConstraintArgs(
            topology_key="kubernetes.io/hostname",
            max_skew=1,
            when_unsatisfiable="DoNotSchedule" if required else "ScheduleAnyway",
            # Without it, two nodes would do for any number of instances; above it, nodes share evenly.
            min_domains=_nodes(pod) if required else None,
            # Without it, a tainted control-plane node is an empty domain, and every further pod stays Pending.
            node_taints_policy="Honor",
            label_selector=selector,
            match_label_keys=revision,
        ),
        k8s.core.v1.TopologySpreadConstraintArgs(
            topology_key="topology.kubernetes.io/zone",
            max_skew=1,
            when_unsatisfiable="ScheduleAnyway",
            node_taints_policy="Honor",
            label_selector=selector,
            match_label_keys=revision,
        ),
    ]


def _nodes(pod: Pod) -> int:
    """How many nodes the instances of a workload cannot do without; two on one would be lost with the data of both."""
    return min(pod.instances, MIN_NODES) if pod.stateless else pod.instances


def _tolerations(platform: PlatformSettings, pod: Pod) -> list[k8s.core.v1.TolerationArgs]:
    chosen = [
        k8s.core.v1.TolerationArgs(
            key=toleration.key, operator=toleration.operator.value, value=toleration.value, effect=toleration.effect
        )
        for toleration in platform.tolerations
    ]
    lost = [
        k8s.core.v1.TolerationArgs(
            key=f"node.kubernetes.io/{condition}",
            operator="Exists",
            effect="NoExecute",
            toleration_seconds=LOST_NODE_SECONDS,
        )
        for condition in ("not-ready", "unreachable")
    ]
    return chosen + (lost if pod.stateless else [])
