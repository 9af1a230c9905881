"""GuiApiCluster: Tracardi API instances that serve the GUI, for trusted networks only."""

from dataclasses import dataclass

import pulumi

from components.api import HEALTH_PATH, ApiPodArgs, api_pod
from components.context import Context
from components.haproxy import Upstream
from components.stateless import StatelessWorkload, StatelessWorkloadArgs
from model.lifecycle import INSTALLATION_GRACE_SECONDS, SURGE
from model.ports import Port
from model.roles import Role
from settings.clusters import GuiApiSettings


@dataclass(frozen=True)
class GuiApiClusterArgs:
    """The GUI API as `settings` describe it."""

    context: Context
    settings: GuiApiSettings
    index_digest: str


class GuiApiCluster(pulumi.ComponentResource):
    """The API for the console, its users and the installation Job."""

    upstream: Upstream
    """Where a balancer and the installation Job find the instances."""

    def __init__(self, name: str, args: GuiApiClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:GuiApiCluster", name, opts=opts)
        StatelessWorkload(
            f"{name}-api",
            StatelessWorkloadArgs(
                context=args.context,
                pod=api_pod(
                    ApiPodArgs(
                        context=args.context,
                        role=Role.GUI_API,
                        instances=args.settings.replicas,
                        environment=args.settings.environment,
                        index_digest=args.index_digest,
                        grace_seconds=INSTALLATION_GRACE_SECONDS,
                    )
                ),
                port=Port.HTTP,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.upstream = Upstream(
            host=args.context.host(Role.GUI_API),
            port=Port.HTTP,
            slots=args.settings.replicas + SURGE,
            health_path=HEALTH_PATH,
        )
        self.register_outputs({"host": self.upstream.host})
