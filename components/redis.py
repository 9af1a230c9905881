"""RedisStore: locks, tokens and caches. A single instance, because Tracardi knows neither Sentinel nor Cluster."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.kubernetes import digest, metadata
from components.pods import Check, Container, Mount, Pod, Resources, SecretKey, config_volume, secret_volume
from components.rendering import render
from components.stateful import DATA, StatefulStore, StatefulStoreArgs
from model.credentials import Credential
from model.images import REDIS
from model.lifecycle import LIVENESS, READINESS
from model.ports import Port
from model.roles import Role
from settings.data import StoreSettings
from settings.types import amount

_MEMORY_FOR_DATA = 0.75
"""Share of the container's memory; the rest is for the copy that is made while the log is rewritten."""


@dataclass(frozen=True)
class RedisStoreArgs:
    """Redis as `settings` describe it."""

    context: Context
    settings: StoreSettings


class RedisStore(pulumi.ComponentResource):
    """One Redis instance with a password and a volume."""

    def __init__(self, name: str, args: RedisStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:RedisStore", name, opts=opts)
        configuration = render(
            "redis.conf.j2",
            port=int(Port.REDIS),
            maxmemory_mebibytes=int(amount(args.settings.memory) * _MEMORY_FOR_DATA / 1024**2),
        )
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration",
            metadata=metadata(args.context, Role.REDIS),
            data={"redis.conf": configuration},
            opts=pulumi.ResourceOptions(parent=self),
        )
        StatefulStore(
            f"{name}-store",
            StatefulStoreArgs(
                context=args.context,
                pod=_pod(args, digest(configuration)),
                ports={"redis": Port.REDIS},
                storage=args.settings.storage,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config_map]),
        )
        self.register_outputs({})


def _pod(args: RedisStoreArgs, configuration_digest: str) -> Pod:
    context, memory = args.context, args.settings.memory
    answers = Check(command=("sh", "-c", 'test "$(redis-cli ping)" = PONG'))
    secret = context.credentials_secret(Role.REDIS)
    redis = Container(
        name="redis",
        image=REDIS,
        resources=Resources(cpu="100m", memory=memory, memory_limit=memory),
        command=("redis-server", "/etc/tracardi/redis.conf"),
        environment={"REDISCLI_AUTH": SecretKey(secret, Credential.REDIS)},
        ports={"redis": Port.REDIS},
        mounts=(
            Mount(DATA, "/data", read_only=False),
            Mount("configuration", "/etc/tracardi"),
            Mount("credentials", "/run/secrets/redis"),
        ),
        readiness=answers.probe(READINESS),
        liveness=answers.probe(LIVENESS),
    )
    return Pod(
        role=Role.REDIS,
        containers=(redis,),
        volumes=(
            config_volume("configuration", Role.REDIS.value),
            secret_volume("credentials", secret, {"auth.conf": "auth.conf"}),
        ),
        stateless=False,
        revision_label="controller-revision-hash",
        checksums={"configuration": configuration_digest},
    )
