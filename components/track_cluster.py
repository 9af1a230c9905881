"""TrackCluster: Tracardi API instances that collect events and do nothing else."""

from dataclasses import dataclass

import pulumi

from components.api import HEALTH_PATH, ApiPodArgs, api_pod
from components.context import Context
from components.haproxy import Upstream
from components.stateless import Autoscaling, StatelessWorkload, StatelessWorkloadArgs
from model.lifecycle import SURGE
from model.ports import Port
from model.roles import Role
from settings.clusters import TrackSettings


@dataclass(frozen=True)
class TrackClusterArgs:
    """The collectors as `settings` describe them."""

    context: Context
    settings: TrackSettings
    index_digest: str


class TrackCluster(pulumi.ComponentResource):
    """Public event collectors.

    Everything but event collection is closed by flag here, and closed again by the balancer in front: the flag alone
    leaves 33 operations open (docs/decisions/0002-separation-in-layers.md).
    """

    upstream: Upstream
    """Where a balancer finds the instances."""

    def __init__(self, name: str, args: TrackClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:TrackCluster", name, opts=opts)
        replicas = args.settings.replicas
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
                    )
                ),
                port=Port.HTTP,
                autoscaling=Autoscaling(replicas.max, args.settings.cpu_target_percent)
                if replicas.max > replicas.min
                else None,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.upstream = Upstream(
            host=args.context.host(Role.TRACK_API),
            port=Port.HTTP,
            slots=replicas.max + SURGE,
            health_path=HEALTH_PATH,
        )
        self.register_outputs({"host": self.upstream.host})
