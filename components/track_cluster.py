"""TrackCluster: Tracardi API instances that collect events and do nothing else."""

from dataclasses import dataclass

import pulumi

from components.api import HEALTH_PATH, ApiPodArgs, api_pod
from components.certificates import Issuer
from components.context import Context
from components.endpoints import DataEndpoints
from components.haproxy import Upstream
from components.instance_tls import instance_certificate
from components.stateless import Autoscaling, StatelessWorkload, StatelessWorkloadArgs
from model.lifecycle import SURGE
from model.ports import Port
from model.roles import Role
from settings.clusters import TrackSettings


@dataclass(frozen=True)
class TrackClusterArgs:
    """The collectors as `settings` describe them, on top of `data`."""

    context: Context
    settings: TrackSettings
    index_digest: str
    data: DataEndpoints
    internal: Issuer | None = None
    """Who signs the certificate that instances serve; None where TLS ends at the balancers."""


class TrackCluster(pulumi.ComponentResource):
    """Public event collectors.

    Everything but event collection is closed by flag here, and closed again by the balancer in front: the flag alone
    leaves 33 operations open (docs/decisions/0002-separation-in-layers.md).
    """

    upstream: Upstream
    """Where a balancer finds the instances."""

    def __init__(self, name: str, args: TrackClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:TrackCluster", name, opts=opts)
        replicas, child = args.settings.replicas, pulumi.ResourceOptions(parent=self)
        certificate = instance_certificate(name, args.context, Role.TRACK_API, args.internal, child)
        secret = certificate.secret if certificate else None
        StatelessWorkload(
            f"{name}-api",
            StatelessWorkloadArgs(
                context=args.context,
                pod=api_pod(
                    ApiPodArgs(
                        context=args.context,
                        role=Role.TRACK_API,
                        instances=replicas.min,
                        environment=args.settings.environment,
                        index_digest=args.index_digest,
                        data=args.data,
                        certificate=secret,
                    )
                ),
                port=Port.HTTP,
                autoscaling=Autoscaling(replicas.max, args.settings.cpu_target_percent)
                if replicas.max > replicas.min
                else None,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=certificate.resources if certificate else None),
        )
        self.upstream = Upstream(
            host=args.context.host(Role.TRACK_API),
            port=Port.HTTP,
            slots=replicas.max + SURGE,
            health_path=HEALTH_PATH,
            ca_secret=secret,
        )
        self.register_outputs({"host": self.upstream.host})
