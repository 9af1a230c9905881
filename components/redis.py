"""RedisStore: locks, tokens and caches. A single instance, because Tracardi knows neither Sentinel nor Cluster."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.keeping import Keeping
from components.kubernetes import digest, metadata
from components.pods import Check, Container, Mount, Pod, Resources, config_volume, secret_volume
from components.rendering import render
from components.stateful import DATA, StatefulStore, StatefulStoreArgs
from components.store_certificate import FOLDER, StoreCertificate, StoreCertificateArgs
from model.credentials import Credential
from model.images import Software
from model.lifecycle import LIVENESS, READINESS, Probe
from model.ports import Port
from model.roles import Role
from settings.data import RedisSettings
from settings.types import amount

_START = Probe(period=5, timeout=5, failures=60)
_SECRETS = "/run/secrets/redis"
_MEMORY_FOR_DATA = 0.75
"""Share of the container's memory; the rest is for the copy that is made while the log is rewritten."""


@dataclass(frozen=True)
class RedisStoreArgs:
    """Redis as `settings` describe it."""

    context: Context
    settings: RedisSettings
    keeping: Keeping


class RedisStore(pulumi.ComponentResource):
    """One Redis instance with a password and a volume; with a tunnel, one that speaks nothing but TLS."""

    authority: pulumi.Output[str] | None
    """PEM that tunnels verify it with; None where there is no tunnel."""

    def __init__(self, name: str, args: RedisStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:RedisStore", name, opts=opts)
        context, settings = args.context, args.settings
        child = pulumi.ResourceOptions(parent=self)
        certificate = (
            StoreCertificate(f"{name}-certificate", StoreCertificateArgs(context, Role.REDIS), opts=child)
            if settings.tunnel
            else None
        )
        configuration = render(
            "redis.conf.j2",
            port=int(Port.REDIS),
            maxmemory_mebibytes=int(amount(settings.memory) * _MEMORY_FOR_DATA / 1024**2),
            certificate_folder=FOLDER if certificate else None,
        )
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration",
            metadata=metadata(context, Role.REDIS),
            data={"redis.conf": configuration},
            opts=child,
        )
        StatefulStore(
            f"{name}-store",
            StatefulStoreArgs(
                context=context,
                pod=_pod(args, digest(configuration), certificate),
                ports={"redis": Port.REDIS},
                storage=settings.storage,
                keeping=args.keeping,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config_map, *([certificate] if certificate else [])]),
        )
        self.authority = certificate.authority if certificate else None
        self.register_outputs({})


def _pod(args: RedisStoreArgs, configuration_digest: str, certificate: StoreCertificate | None) -> Pod:
    context, memory = args.context, args.settings.memory
    tls = f" --tls --cacert {FOLDER}/ca.crt -h localhost" if certificate else ""
    # The password from its file: a variable would be in the environment of whatever runs in the container.
    ping = f'REDISCLI_AUTH="$(cat {_SECRETS}/{Credential.REDIS})" redis-cli{tls} ping'
    answers = Check(command=("sh", "-c", f'test "$({ping})" = PONG'))
    secret = context.credentials_secret(Role.REDIS)
    redis = Container(
        name="redis",
        image=context.image(Software.REDIS),
        resources=Resources(cpu="100m", memory=memory, memory_limit=memory),
        command=("redis-server", "/etc/tracardi/redis.conf"),
        ports={"redis": Port.REDIS},
        mounts=(
            Mount(DATA, "/data", read_only=False),
            Mount("configuration", "/etc/tracardi"),
            Mount("credentials", _SECRETS),
            *((certificate.mount,) if certificate else ()),
        ),
        # While its log is read back, it answers every question with "loading".
        startup=answers.probe(_START),
        readiness=answers.probe(READINESS),
        liveness=answers.probe(LIVENESS),
    )
    return Pod(
        role=Role.REDIS,
        containers=(redis,),
        volumes=(
            config_volume("configuration", Role.REDIS.value),
            secret_volume("credentials", secret),
            *((certificate.volume,) if certificate else ()),
        ),
        stateless=False,
        revision_label="controller-revision-hash",
        checksums={
            "configuration": configuration_digest,
            **({"certificate": certificate.checksum} if certificate else {}),
        },
    )
