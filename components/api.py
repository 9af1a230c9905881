"""What the two API clusters share: one image, one command, and everything in their environment but their role."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.pods import TMP, Check, Container, Mount, Pod, Resources, SecretKey, config_volume, scratch
from model.credentials import Credential
from model.index_shape import index_shape
from model.lifecycle import (
    GRACE_SECONDS,
    INSTANCE_KEEP_ALIVE_SECONDS,
    LIVENESS,
    READINESS,
    STARTUP_PERIOD_SECONDS,
    Probe,
)
from model.ports import Port
from model.roles import Role, Tier
from settings.data import IndexSettings
from settings.environment import Environment

HEALTH_PATH = "/healthcheck"
"""Answers 200 while the event loop runs and asks no dependency, as long as no Authorization header is sent."""

INDEX_SHAPE = "index-shape"
"""ConfigMap with the variables that must be equal in every pod; one in each namespace, from one source."""

ELASTICSEARCH_CA = "elasticsearch-ca"
"""ConfigMap with the certificate authority that Elasticsearch's certificate is verified with."""

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
    """API pods of `role`."""

    context: Context
    role: Role
    instances: int
    environment: Environment
    index_digest: str
    grace_seconds: int = GRACE_SECONDS


def api_pod(args: ApiPodArgs) -> Pod:
    """A pod that runs one worker of Tracardi's API."""
    release = args.context.release
    health = Check(path=HEALTH_PATH, port=Port.HTTP)
    api = Container(
        name="api",
        image=release.api,
        resources=Resources(cpu="500m", memory="256Mi", memory_limit="512Mi"),
        # The command of the 0.8 image starts a worker for each core of the node; this one starts one, in any release.
        command=(release.python, "-m", "uvicorn", "app.main:application"),
        arguments=(
            "--host=0.0.0.0",
            f"--port={int(Port.HTTP)}",
            "--workers=1",
            "--proxy-headers",
            # Only the balancer reaches this port, and it replaces what clients claim about their address.
            "--forwarded-allow-ips=*",
            f"--timeout-keep-alive={INSTANCE_KEEP_ALIVE_SECONDS}",
            "--log-level=warning",
        ),
        working_dir=release.application_folder,
        environment={**args.environment, **_environment(args)},
        environment_from=(INDEX_SHAPE,),
        ports={"http": Port.HTTP},
        mounts=(
            Mount("tmp", TMP, read_only=False),
            Mount("elasticsearch-ca", "/etc/tracardi/elasticsearch"),
        ),
        startup=health.probe(
            Probe(STARTUP_PERIOD_SECONDS, timeout=5, failures=release.start_seconds // STARTUP_PERIOD_SECONDS)
        ),
        readiness=health.probe(READINESS),
        liveness=health.probe(LIVENESS),
        drains=True,
    )
    return Pod(
        role=args.role,
        containers=(api,),
        instances=args.instances,
        volumes=(scratch("tmp", "64Mi"), config_volume("elasticsearch-ca", ELASTICSEARCH_CA)),
        grace_seconds=args.grace_seconds,
        checksums={"index-shape": args.index_digest},
    )


def _environment(args: ApiPodArgs) -> dict[str, str | SecretKey]:
    context = args.context
    secret = context.credentials_secret(args.role)
    environment: dict[str, str | SecretKey] = {
        **_FLAGS[args.role],
        "API_DOCS": "no",
        "DEMO": "no",
        "TRACK_DEBUG": "no",
        "LOGGING_LEVEL": "warning",
        "USE_X_FORWARDED_IP": "x-forwarded-for",
        "HOME": TMP,
        "PYTHONDONTWRITEBYTECODE": "1",
        "INSTALLATION_TOKEN": SecretKey(secret, Credential.INSTALLATION_TOKEN),
        "AUTO_PROFILE_MERGING": SecretKey(secret, Credential.PROFILE_MERGING),
        "ELASTIC_HOST": f"https://{context.host(Role.ELASTICSEARCH)}:{int(Port.ELASTICSEARCH)}",
        "ELASTIC_SCHEME": "https",
        "ELASTIC_CA_FILE": "/etc/tracardi/elasticsearch/ca.crt",
        "ELASTIC_VERIFY_CERTS": "yes",
        "ELASTIC_HTTP_AUTH_USERNAME": "elastic",
        "ELASTIC_HTTP_AUTH_PASSWORD": SecretKey(secret, Credential.ELASTICSEARCH),
        "REDIS_HOST": context.host(Role.REDIS),
        # The port inside REDIS_HOST is ignored.
        "REDIS_PORT": str(int(Port.REDIS)),
        "REDIS_PASSWORD": SecretKey(secret, Credential.REDIS),
    }
    if context.release.uses_mysql:
        environment |= {
            "MYSQL_HOST": context.host(Role.MYSQL),
            "MYSQL_PORT": str(int(Port.MYSQL)),
            "MYSQL_DATABASE": "tracardi",
            "MYSQL_USERNAME": "tracardi",
            "MYSQL_PASSWORD": SecretKey(secret, Credential.MYSQL),
        }
    return environment


@dataclass(frozen=True)
class ApiConfigurationArgs:
    """What API pods of every namespace read."""

    context: Context
    index: IndexSettings
    elasticsearch_ca: pulumi.Output[str]


class ApiConfiguration(pulumi.ComponentResource):
    """The ConfigMaps that API pods read: the same in each namespace, from one source."""

    def __init__(self, name: str, args: ApiConfigurationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:ApiConfiguration", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        for tier in (Tier.TRACK, Tier.CONSOLE):
            for kind, data in (
                (INDEX_SHAPE, index_shape(args.index)),
                (ELASTICSEARCH_CA, {"ca.crt": args.elasticsearch_ca}),
            ):
                k8s.core.v1.ConfigMap(
                    f"{name}-{tier}-{kind}",
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        name=kind, namespace=args.context.namespace(tier), labels=args.context.common_labels()
                    ),
                    data=data,
                    opts=child,
                )
        self.register_outputs({})
