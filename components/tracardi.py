"""Tracardi: the whole installation, in the order in which its parts may come up."""

from dataclasses import dataclass

import pulumi

from components.api import ApiConfiguration, ApiConfigurationArgs
from components.certificates import Authority, CertificateAuthority, CertificateAuthorityArgs
from components.context import Context, context_of
from components.credentials import Credentials, CredentialsArgs
from components.data_services import DataServices, DataServicesArgs
from components.gui_api_cluster import GuiApiCluster, GuiApiClusterArgs
from components.gui_cluster import GuiCluster, GuiClusterArgs
from components.haproxy import Upstream
from components.installation import Installation, InstallationArgs
from components.kubernetes import digest
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.namespaces import Namespaces, NamespacesArgs
from components.track_cluster import TrackCluster, TrackClusterArgs
from model.index_shape import index_shape
from model.roles import Role
from model.routes import routes
from settings.balancer import BalancerSettings
from settings.root import Settings
from settings.surroundings import IssuerSettings


@dataclass(frozen=True)
class TracardiArgs:
    """The installation as `settings` describe it."""

    settings: Settings


class Tracardi(pulumi.ComponentResource):
    """A Tracardi installation.

    Order: data services, GUI API, installation, track cluster, and the public balancer last. `/install` is open on
    every API until the installation has run, and events that arrive before it are lost.
    """

    admin_password: pulumi.Output[str]
    """Password of the first administrator, secret."""
    namespaces: dict[str, str]
    """Name of each tier's namespace."""
    entries: dict[str, LoadBalancer]
    """Each cluster's balancer, by the name of the cluster's section in the settings."""
    certificate_authority: pulumi.Output[str] | None
    """PEM to verify the entries with, where their certificates are generated."""

    def __init__(self, name: str, args: TracardiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:Tracardi", name, opts=opts)
        settings = args.settings
        context = context_of(settings)
        index_digest = digest(*(f"{key}={value}" for key, value in sorted(index_shape(settings.index).items())))

        namespaces = Namespaces(f"{name}-namespaces", NamespacesArgs(context, settings.network), self._after())
        credentials = Credentials(f"{name}-credentials", CredentialsArgs(context), self._after(namespaces))
        ready = (namespaces, credentials)
        data = DataServices(f"{name}-data", DataServicesArgs(context, settings.data), self._after(*ready))
        configuration = ApiConfiguration(
            f"{name}-api",
            ApiConfigurationArgs(context, settings.index, data.elasticsearch_authority),
            self._after(namespaces),
        )
        gui_api = GuiApiCluster(
            f"{name}-gui-api",
            GuiApiClusterArgs(context, settings.gui_api, index_digest),
            self._after(data, configuration),
        )
        installation = Installation(
            f"{name}-installation",
            InstallationArgs(context, settings.installation, gui_api.upstream),
            self._after(gui_api),
        )
        track = TrackCluster(
            f"{name}-track", TrackClusterArgs(context, settings.track, index_digest), self._after(installation)
        )
        gui = GuiCluster(f"{name}-gui", GuiClusterArgs(context, settings.gui), self._after(namespaces))

        issuer = self._issuer(name, context, settings)
        trusted = tuple(map(str, settings.network.trusted))

        def balancer(
            role: Role,
            host: str,
            upstream: Upstream,
            of: BalancerSettings,
            after: pulumi.ComponentResource,
        ) -> LoadBalancer:
            public = role is Role.TRACK_BALANCER
            return LoadBalancer(
                f"{name}-{role}",
                LoadBalancerArgs(
                    context=context,
                    role=role,
                    host=host,
                    upstream=upstream,
                    settings=of,
                    issuer=issuer,
                    routes=routes(frozenset(settings.track.routes)) if public else (),
                    trusted=() if public else trusted,
                ),
                self._after(after),
            )

        self.entries = {
            "track": balancer(Role.TRACK_BALANCER, settings.track.host, track.upstream, settings.track.balancer, track),
            "guiApi": balancer(
                Role.GUI_API_BALANCER, settings.gui_api.host, gui_api.upstream, settings.gui_api.balancer, namespaces
            ),
            "gui": balancer(Role.GUI_BALANCER, settings.gui.host, gui.upstream, settings.gui.balancer, namespaces),
        }
        self.admin_password = credentials.admin_password
        self.namespaces = namespaces.names
        self.register_outputs({"admin_password": self.admin_password, "namespaces": self.namespaces})

    def _after(self, *components: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(components))

    def _issuer(self, name: str, context: Context, settings: Settings) -> Authority | IssuerSettings:
        if settings.certificates.issuer is not None:
            self.certificate_authority = None
            return settings.certificates.issuer
        generated = CertificateAuthority(
            f"{name}-entries-authority",
            CertificateAuthorityArgs(f"{context.installation} entries"),
            self._after(),
        )
        self.certificate_authority = generated.certificate
        return generated.authority
