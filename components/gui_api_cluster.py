"""GuiApiCluster: Tracardi API instances that serve the GUI, for trusted networks only."""

from dataclasses import dataclass

import pulumi

from components.api import HEALTH_PATH, ApiPodArgs, api_pod
from components.certificates import Issuer
from components.context import Context
from components.endpoints import DataEndpoints
from components.haproxy import Upstream
from components.instance_tls import instance_certificate
from components.stateless import StatelessWorkload, StatelessWorkloadArgs
from model.lifecycle import INSTALLATION_GRACE_SECONDS, SURGE
from model.ports import Port
from model.roles import Role
from settings.clusters import GuiApiSettings


@dataclass(frozen=True)
class GuiApiClusterArgs:
    """The GUI API as `settings` describe it, on top of `data`."""

    context: Context
    settings: GuiApiSettings
    index_digest: str
    data: DataEndpoints
    internal: Issuer | None = None
    """Who signs the certificate that instances serve; None where TLS ends at the balancers."""


class GuiApiCluster(pulumi.ComponentResource):
    """The API for the console, its users and the installation Job."""

    upstream: Upstream
    """Where a balancer and the installation Job find the instances."""

    def __init__(self, name: str, args: GuiApiClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:GuiApiCluster", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        certificate = instance_certificate(name, args.context, Role.GUI_API, args.internal, child)
        secret = certificate.secret if certificate else None
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
                        data=args.data,
                        certificate=secret,
                        grace_seconds=INSTALLATION_GRACE_SECONDS,
                    )
                ),
                port=Port.HTTP,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=certificate.resources if certificate else None),
        )
        self.upstream = Upstream(
            host=args.context.host(Role.GUI_API),
            port=Port.HTTP,
            slots=args.settings.replicas + SURGE,
            health_path=HEALTH_PATH,
            ca_secret=secret,
        )
        self.register_outputs({"host": self.upstream.host})
