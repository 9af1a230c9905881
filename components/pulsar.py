"""PulsarStore: the queue of the commercial edition, for trials. Broker, storage and metadata in one process."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.keeping import Keeping
from components.kubernetes import digest, metadata
from components.pods import TMP, Check, Container, Mount, Pod, Resources, config_volume, scratch, secret_volume
from components.rendering import render
from components.stateful import DATA, StatefulStore, StatefulStoreArgs, node_hosts
from model.credentials import Credential, used_by
from model.images import Software
from model.lifecycle import LIVENESS, READINESS, Probe
from model.ports import Port
from model.roles import Role
from model.tokens import SUBJECT
from settings.pulsar import PulsarSettings
from settings.types import amount

CLUSTER = "standalone"
"""Name of its cluster: what Tracardi takes without PULSAR_CLUSTER."""
TENANT = "tracardi"
"""Tenant that Tracardi's init makes."""
_HOME = "/pulsar"
_USER = 10000
"""The image's user; its files are for the group root (apache/pulsar docker/pulsar/Dockerfile)."""
_FILE = "/etc/tracardi/standalone.conf"
_SECRETS = "/run/secrets/pulsar"
_STATUS = "/status.html"
"""Answers 200 to everybody as soon as the broker has begun; /admin/v2/brokers/health asks for a token."""
_SHARE_OF_MEMORY = 3 / 8
"""For the heap, and as much for buffers outside it; the rest is the metadata store's and the JVM's own."""
_SHUTDOWN_SECONDS = 90
"""The broker closes its topics for up to 60 s, then the storage writes what it has in memory."""
_START = Probe(period=5, timeout=5, failures=60)


@dataclass(frozen=True)
class PulsarStoreArgs:
    """Pulsar as `settings` describe it."""

    context: Context
    settings: PulsarSettings
    keeping: Keeping


class PulsarStore(pulumi.ComponentResource):
    """One Pulsar that keeps everything on one volume, and lets in whoever shows a token of the stack's own."""

    def __init__(self, name: str, args: PulsarStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:PulsarStore", name, opts=opts)
        context, settings = args.context, args.settings
        child = pulumi.ResourceOptions(parent=self)
        (host,) = node_hosts(context, Role.PULSAR, 1)
        configuration = render(
            "pulsar-standalone.conf.j2",
            cluster=CLUSTER,
            port=int(Port.PULSAR),
            api_port=int(Port.PULSAR_API),
            # The pod's own name, which it finds in its hosts file, and others before it is ready.
            host=host,
            file=_FILE,
            role=SUBJECT,
            secrets=_SECRETS,
            key=Credential.PULSAR_KEY,
            token=Credential.PULSAR,
        )
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration",
            metadata=metadata(context, Role.PULSAR),
            data={"standalone.conf": configuration},
            opts=child,
        )
        StatefulStore(
            f"{name}-store",
            StatefulStoreArgs(
                context=context,
                pod=_pod(args, digest(configuration)),
                ports={"pulsar": Port.PULSAR, "http": Port.PULSAR_API},
                storage=settings.storage,
                keeping=args.keeping,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config_map]),
        )
        self.register_outputs({})


def _pod(args: PulsarStoreArgs, configuration_digest: str) -> Pod:
    context, memory = args.context, args.settings.memory
    secrets = used_by(Role.PULSAR, mysql=context.release.uses_mysql, commercial=True)
    share = int(amount(memory) * _SHARE_OF_MEMORY / 1024**2)
    health = Check(path=_STATUS, port=Port.PULSAR_API)
    pulsar = Container(
        name="pulsar",
        image=context.image(Software.PULSAR),
        resources=Resources(cpu="250m", memory=memory, memory_limit=memory),
        # Neither functions nor their storage: Tracardi's topics only have such names.
        command=(f"{_HOME}/bin/pulsar", "standalone", "--no-functions-worker", "--no-stream-storage"),
        environment={
            "PULSAR_STANDALONE_CONF": _FILE,
            "PULSAR_MEM": f"-Xms{share}m -Xmx{share}m -XX:MaxDirectMemorySize={share}m",
            # The image's own is for a machine of 32 cores, and logs into files of up to 200 MB.
            "PULSAR_GC": "-XX:+UseG1GC -XX:+ExitOnOutOfMemoryError",
            "PULSAR_GC_LOG": "-Xlog:disable -Xlog:all=warning:stderr:utctime,level,tags",
            "PULSAR_EXTRA_OPTS": f"-Dpulsar.allocator.exit_on_oom=true -Djava.io.tmpdir={TMP}",
            "HOME": TMP,
        },
        ports={"pulsar": Port.PULSAR, "http": Port.PULSAR_API},
        mounts=(
            Mount(DATA, f"{_HOME}/data", read_only=False),
            Mount("logs", f"{_HOME}/logs", read_only=False),
            Mount("tmp", TMP, read_only=False),
            Mount("configuration", "/etc/tracardi"),
            Mount("credentials", _SECRETS),
        ),
        startup=health.probe(_START),
        readiness=health.probe(READINESS),
        liveness=health.probe(LIVENESS),
    )
    return Pod(
        role=Role.PULSAR,
        containers=(pulsar,),
        volumes=(
            scratch("logs", "64Mi"),
            # Libraries for this machine are unpacked there before they are loaded.
            scratch("tmp", "256Mi"),
            config_volume("configuration", Role.PULSAR.value),
            # By name, so that a preview tells that there is a key.
            secret_volume("credentials", context.credentials_secret(Role.PULSAR), {key: key for key in secrets}),
        ),
        user=_USER,
        group=0,
        grace_seconds=_SHUTDOWN_SECONDS,
        stateless=False,
        revision_label="controller-revision-hash",
        checksums={"configuration": configuration_digest},
    )
