"""ElasticsearchCluster: the nodes that hold events, profiles and sessions; TLS and authentication everywhere."""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.certificates import (
    CertificateAuthority,
    CertificateAuthorityArgs,
    ServingCertificate,
    ServingCertificateArgs,
    tls_secret,
)
from components.context import Context
from components.keeping import Keeping
from components.kubernetes import digest, metadata
from components.pods import (
    TMP,
    Check,
    Container,
    Mount,
    Pod,
    Resources,
    SecretKey,
    config_volume,
    scratch,
    secret_volume,
)
from components.rendering import render
from components.stateful import DATA, StatefulStore, StatefulStoreArgs, node_hosts, node_names
from model.credentials import Credential
from model.images import Software
from model.lifecycle import Probe
from model.limits import MIN_ELASTICSEARCH_NODES
from model.ports import Port
from model.roles import Role
from settings.data import ElasticsearchSettings
from settings.types import amount

PROGRAMS = Path(__file__).with_name("programs")
_HOME = "/usr/share/elasticsearch"
_USER = 1000
_SHUTDOWN_SECONDS = 120
"""A node hands its primaries over before it stops."""
_READY = Probe(period=5, timeout=5, failures=3)
_START = Probe(period=5, timeout=5, failures=60)
_ALIVE = Probe(period=20, timeout=10, failures=6)


@dataclass(frozen=True)
class ElasticsearchClusterArgs:
    """The nodes as `settings` describe them."""

    context: Context
    settings: ElasticsearchSettings
    keeping: Keeping


class ElasticsearchCluster(pulumi.ComponentResource):
    """Elasticsearch nodes, each of which holds data and votes."""

    authority: pulumi.Output[str]
    """PEM of the authority that signed the nodes' certificate."""

    def __init__(self, name: str, args: ElasticsearchClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:ElasticsearchCluster", name, opts=opts)
        context, role = args.context, Role.ELASTICSEARCH
        child = pulumi.ResourceOptions(parent=self)
        hosts = node_hosts(context, role, args.settings.nodes)
        authority = CertificateAuthority(
            f"{name}-authority", CertificateAuthorityArgs(f"{context.installation} Elasticsearch"), opts=child
        )
        certificate = ServingCertificate(
            f"{name}-certificate",
            ServingCertificateArgs(
                context=context,
                role=role,
                hosts=(context.host(role), *hosts, "localhost"),
                authority=authority.authority,
                client=True,
            ),
            opts=child,
        )
        files = {
            "elasticsearch.yml": render(
                "elasticsearch.yml.j2",
                cluster=context.installation,
                seed_hosts=hosts,
                allow_mmap=args.settings.allow_mmap,
            ),
            **{script: (PROGRAMS / f"elasticsearch-{script}").read_text() for script in ("prepare.sh", "ready.sh")},
        }
        configuration = k8s.core.v1.ConfigMap(
            f"{name}-configuration", metadata=metadata(context, role), data=files, opts=child
        )
        StatefulStore(
            f"{name}-nodes",
            StatefulStoreArgs(
                context=context,
                pod=_pod(args, digest(*files.values())),
                ports={"https": Port.ELASTICSEARCH, "transport": Port.ELASTICSEARCH_TRANSPORT},
                storage=args.settings.storage,
                keeping=args.keeping,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[configuration, certificate]),
        )
        self.authority = authority.certificate
        self.register_outputs({"authority": self.authority})


def heap_mebibytes(memory: str) -> int:
    """Half of a node's memory, in MiB; the other half is for files that Lucene reads."""
    return int(amount(memory) / 2 / 1024**2)


def _pod(args: ElasticsearchClusterArgs, configuration_digest: str) -> Pod:
    context, settings = args.context, args.settings
    image = context.image(Software.ELASTICSEARCH)
    shared = (Mount(DATA, "/var/lib/elasticsearch", read_only=False), Mount("scripts", "/etc/tracardi"))
    prepare = Container(
        name="prepare",
        image=image,
        resources=Resources(cpu="100m", memory="64Mi", memory_limit="128Mi"),
        command=("sh", "/etc/tracardi/prepare.sh"),
        environment={
            # The nodes that were there at the beginning; later ones only ever join.
            "INITIAL_MASTER_NODES": ",".join(
                node_names(Role.ELASTICSEARCH, min(settings.nodes, MIN_ELASTICSEARCH_NODES))
            )
        },
        mounts=(*shared, Mount("config", "/prepared", read_only=False)),
    )
    heap = heap_mebibytes(settings.memory)
    started, ready = (Check(command=("sh", "/etc/tracardi/ready.sh", stage)) for stage in ("started", "ready"))
    elasticsearch = Container(
        name="elasticsearch",
        image=image,
        resources=Resources(cpu=settings.cpu, memory=settings.memory, memory_limit=settings.memory),
        environment={
            "ES_JAVA_OPTS": (
                f"-Xms{heap}m -Xmx{heap}m"
                # The image logs garbage collection into files of up to 2 GB, more than a pod may write to its node.
                " -Xlog:disable -Xlog:all=warning:stderr:utctime,level,tags"
            ),
            "ES_TMPDIR": f"{_HOME}{TMP}",
            # A single node has nowhere to put replicas. With several, a rolling update waits for them: it takes the
            # next node down only when no shard depends on it alone.
            "READY_STATUS": "yellow" if settings.nodes == 1 else "green",
            "ELASTIC_PASSWORD": SecretKey(context.credentials_secret(Role.ELASTICSEARCH), Credential.ELASTICSEARCH),
        },
        ports={"https": Port.ELASTICSEARCH, "transport": Port.ELASTICSEARCH_TRANSPORT},
        mounts=(
            *shared,
            Mount("config", f"{_HOME}/config", read_only=False),
            Mount("certificates", f"{_HOME}/config/certs"),
            Mount("logs", f"{_HOME}/logs", read_only=False),
            Mount("tmp", f"{_HOME}{TMP}", read_only=False),
        ),
        startup=started.probe(_START),
        readiness=ready.probe(_READY),
        liveness=Check(tcp_port=Port.ELASTICSEARCH).probe(_ALIVE),
    )
    return Pod(
        role=Role.ELASTICSEARCH,
        containers=(elasticsearch,),
        init_containers=(prepare,),
        instances=settings.nodes,
        volumes=(
            config_volume("scripts", Role.ELASTICSEARCH.value),
            secret_volume("certificates", tls_secret(Role.ELASTICSEARCH)),
            scratch("config", "16Mi"),
            scratch("logs", "256Mi"),
            scratch("tmp", "256Mi"),
        ),
        user=_USER,
        # The image's files belong to the group root.
        group=0,
        grace_seconds=_SHUTDOWN_SECONDS,
        stateless=False,
        # Old and new nodes count alike: two on one server would go together, and the quorum with them.
        revision_label=None,
        checksums={"configuration": configuration_digest},
    )
