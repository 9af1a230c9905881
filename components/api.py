"""What the two API clusters share: one image, one command, and everything in their environment but their role."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.endpoints import DataEndpoints
from components.instance_tls import CERTIFICATE, KEY, TLS_MOUNT, tls_volume
from components.kubernetes import digest
from components.pods import TMP, Check, Container, Mount, Pod, Resources, SecretKey, config_volume, scratch
from components.store_access import ELASTICSEARCH_CA, store_checksums, store_environment, store_volumes
from components.tunnel import TUNNELS, tunnel_checksum, tunnel_files, tunnel_sidecars, tunnel_volumes
from model.capacity import INSTANCE_MILLICORES
from model.credentials import Credential
from model.images import Software
from model.index_shape import index_shape
from model.lifecycle import (
    API_LIVENESS,
    GRACE_SECONDS,
    INSTANCE_KEEP_ALIVE_SECONDS,
    LEAVE_SECONDS,
    READINESS,
    STARTUP_PERIOD_SECONDS,
    Probe,
)
from model.ports import Port
from model.roles import Role, Tier
from settings.environment import Environment
from settings.index import IndexSettings

HEALTH_PATH = "/healthcheck"
"""Answers 200 while the event loop runs and asks no dependency, as long as no Authorization header is sent."""

INDEX_SHAPE = "index-shape"
"""ConfigMap with the variables that must be equal in every pod; one in each namespace, from one source."""

API_PROGRAM = "api-program"
"""ConfigMap with the program that serves the API."""

_SERVE = Path(__file__).with_name("programs") / "serve.py"
_PROGRAM_FOLDER = "/etc/tracardi/program"

_FLAGS = {
    Role.TRACK_API: {
        "EXPOSE_GUI_API": "no",
        "PRODUCTION": "yes",
        "SAVE_LOGS": "no",
    },
    Role.GUI_API: {
        "EXPOSE_GUI_API": "yes",
        # User management works on an empty index otherwise, so that no password could be changed.
        "PRODUCTION": "no",
        "SAVE_LOGS": "yes",
    },
}


@dataclass(frozen=True)
class ApiPodArgs:
    """API pods of `role` that use `data`."""

    context: Context
    role: Role
    instances: int
    environment: Environment
    index_digest: str
    data: DataEndpoints
    certificate: str | None = None
    """Secret with the certificate that instances serve; None where TLS ends at the balancers."""
    grace_seconds: int = GRACE_SECONDS


def api_pod(args: ApiPodArgs) -> Pod:
    """A pod that runs one worker of Tracardi's API."""
    context, release = args.context, args.context.release
    encrypted = args.certificate is not None
    health = Check(path=HEALTH_PATH, port=Port.HTTP, tls=encrypted)
    volumes = dict(_volumes(args))
    api = Container(
        name="api",
        image=context.image(Software.API),
        resources=Resources(cpu=f"{INSTANCE_MILLICORES}m", memory="256Mi", memory_limit="512Mi"),
        # The image of 0.8 starts a worker for each core of the node; this is one in any release.
        command=(release.python, f"{_PROGRAM_FOLDER}/{_SERVE.name}"),
        arguments=tuple(_arguments(args)),
        working_dir=release.start_folder,
        environment={"LOGGING_LEVEL": "warning", **args.environment, **_environment(args)},
        environment_from=(INDEX_SHAPE,),
        ports={"https" if encrypted else "http": Port.HTTP},
        mounts=tuple(volumes),
        startup=health.probe(
            Probe(STARTUP_PERIOD_SECONDS, timeout=5, failures=release.start_seconds // STARTUP_PERIOD_SECONDS)
        ),
        readiness=health.probe(READINESS),
        liveness=health.probe(API_LIVENESS),
        drains=True,
    )
    return Pod(
        role=args.role,
        containers=(api,),
        instances=args.instances,
        sidecars=tunnel_sidecars(context, args.data),
        volumes=(*volumes.values(), *tunnel_volumes(args.data)),
        grace_seconds=args.grace_seconds,
        checksums=_checksums(args),
    )


def _arguments(args: ApiPodArgs) -> Iterator[str]:
    yield "--application=app.main:application"
    yield "--host=0.0.0.0"
    yield f"--port={int(Port.HTTP)}"
    yield f"--health={HEALTH_PATH}"
    yield f"--keep-alive={INSTANCE_KEEP_ALIVE_SECONDS}"
    yield f"--leave-seconds={LEAVE_SECONDS}"
    if args.certificate is not None:
        yield f"--certificate={CERTIFICATE}"
        yield f"--key={KEY}"


def _volumes(args: ApiPodArgs) -> Iterator[tuple[Mount, k8s.core.v1.VolumeArgs]]:
    yield Mount("tmp", TMP, read_only=False), scratch("tmp", "64Mi")
    yield from store_volumes(args.data)
    yield Mount("program", _PROGRAM_FOLDER), config_volume("program", API_PROGRAM)
    if args.certificate is not None:
        yield TLS_MOUNT, tls_volume(args.certificate)


def _checksums(args: ApiPodArgs) -> dict[str, pulumi.Input[str]]:
    """What a pod reads at its start only. Certificates are not among it: those are read again when they change."""
    return {
        "index-shape": args.index_digest,
        **store_checksums(args.data),
        "program": digest(_serve_program()),
        **tunnel_checksum(args.data),
    }


def _environment(args: ApiPodArgs) -> dict[str, str | SecretKey]:
    secret = args.context.credentials_secret(args.role)
    return {
        **_FLAGS[args.role],
        "API_DOCS": "no",
        "DEMO": "no",
        "TRACK_DEBUG": "no",
        "USE_X_FORWARDED_IP": "x-forwarded-for",
        "HOME": TMP,
        "PYTHONDONTWRITEBYTECODE": "1",
        "INSTALLATION_TOKEN": SecretKey(secret, Credential.INSTALLATION_TOKEN),
        "AUTO_PROFILE_MERGING": SecretKey(secret, Credential.PROFILE_MERGING),
        # Not even empty in open source, whose images look for what only a licence is for.
        **({"LICENSE": SecretKey(secret, Credential.LICENCE)} if args.context.release.licensed else {}),
        **store_environment(args.data, secret),
    }


def _serve_program() -> str:
    return _SERVE.read_text(encoding="utf-8")


@dataclass(frozen=True)
class ApiConfigurationArgs:
    """What API pods of every namespace read."""

    context: Context
    index: IndexSettings
    data: DataEndpoints


class ApiConfiguration(pulumi.ComponentResource):
    """The ConfigMaps that API pods read: the same in each namespace, from one source."""

    def __init__(self, name: str, args: ApiConfigurationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:ApiConfiguration", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        for tier in (Tier.TRACK, Tier.CONSOLE):
            for kind, data in _config_maps(args):
                k8s.core.v1.ConfigMap(
                    f"{name}-{tier}-{kind}",
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        name=kind, namespace=args.context.namespace(tier), labels=args.context.common_labels()
                    ),
                    data=data,
                    opts=child,
                )
        self.register_outputs({})


def _config_maps(args: ApiConfigurationArgs) -> Iterator[tuple[str, Mapping[str, pulumi.Input[str]]]]:
    yield INDEX_SHAPE, index_shape(args.index)
    authority = args.data.elasticsearch.authority
    if authority is not None:
        yield ELASTICSEARCH_CA, {"ca.crt": authority}
    if tunnels := tunnel_files(args.data):
        yield TUNNELS, tunnels
    yield API_PROGRAM, {_SERVE.name: _serve_program()}
