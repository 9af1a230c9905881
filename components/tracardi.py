"""Tracardi: the whole installation, in the order in which its parts may come up."""

from dataclasses import dataclass
from functools import partial

import pulumi

from components.api import ApiConfiguration, ApiConfigurationArgs
from components.certificates import (
    Authority,
    CertificateAuthority,
    CertificateAuthorityArgs,
    Issuer,
    ProvidedSecret,
)
from components.context import Context, context_of
from components.credentials import Credentials, CredentialsArgs
from components.data_services import DataServices, DataServicesArgs
from components.egress import egress, reached_by_address
from components.gui_api_cluster import GuiApiCluster, GuiApiClusterArgs
from components.gui_cluster import GuiCluster, GuiClusterArgs
from components.haproxy import Upstream
from components.installation import Installation, InstallationArgs, stored_in
from components.keeping import Keeping
from components.kubernetes import digest
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.namespaces import Namespaces, NamespacesArgs
from components.network_policies import NetworkPolicies, NetworkPoliciesArgs
from components.preflight import Preflight, PreflightArgs
from components.role_secrets import RoleSecrets, RoleSecretsArgs
from components.service_worker import ServiceWorker, ServiceWorkerArgs
from components.track_cluster import TrackCluster, TrackClusterArgs
from model.index_shape import index_shape
from model.roles import Role, Tier
from model.routes import routes
from settings.balancer import BalancerSettings, Mode
from settings.root import Settings
from settings.services import ServiceSettings


@dataclass(frozen=True)
class TracardiArgs:
    """The installation as `settings` describe it; `kept` names the Secrets that an earlier life left in the cluster."""

    settings: Settings
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Entry:
    """A cluster's balancer: `upstream` under the name `host`, made once `after` is there."""

    role: Role
    host: str
    upstream: Upstream
    settings: BalancerSettings
    issuer: Issuer
    after: pulumi.Resource


class Tracardi(pulumi.ComponentResource):
    """A Tracardi installation.

    Order: data services, the check of those that others run, what makes them ready, GUI API, installation, services and
    track cluster, and the public balancer last. `/install` is open on every API until the installation has run, and
    events that arrive before it are lost.
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
        keeping = Keeping(keep=settings.keeps_data, protect=settings.keeps_data and settings.production)
        index_digest = digest(*(f"{key}={value}" for key, value in sorted(index_shape(settings.index).items())))

        namespaces = Namespaces(f"{name}-namespaces", NamespacesArgs(context, keeping), self._after())
        credentials = Credentials(
            f"{name}-credentials",
            CredentialsArgs(context, settings.credentials, keeping, args.kept, settings.installation.licence),
            self._after(namespaces),
        )
        # Until what others run has been checked, nothing changes for pods that use it: those that are there go on, and
        # so do new ones of theirs.
        first = frozenset(role for role in context.roles if role.tier is Tier.DATA or role is Role.PREFLIGHT)
        connected = partial(
            NetworkPoliciesArgs,
            context,
            settings.network,
            {
                Role.TRACK_BALANCER: settings.track.balancer,
                Role.GUI_API_BALANCER: settings.gui_api.balancer,
                Role.GUI_BALANCER: settings.gui.balancer,
            },
            egress(settings),
            without_names=reached_by_address(settings),
            prefix=f"{name}-namespaces",
            formerly=namespaces,
        )
        shown = partial(
            RoleSecretsArgs, context, credentials.values, prefix=f"{name}-credentials", formerly=credentials
        )
        store_policies = NetworkPolicies(f"{name}-store-policies", connected(roles=first), self._after(namespaces))
        store_secrets = RoleSecrets(f"{name}-store-secrets", shown(roles=first), self._after(credentials))
        data = DataServices(
            f"{name}-data",
            DataServicesArgs(context, settings.data, keeping),
            self._after(store_policies, store_secrets),
        )
        checked: list[pulumi.Resource] = [namespaces, credentials]
        if Role.PREFLIGHT in context.roles:
            preflight = Preflight(
                f"{name}-preflight",
                PreflightArgs(context, settings.others_stores, data.endpoints, store_secrets.secrets[Role.PREFLIGHT]),
                self._after(store_policies, store_secrets),
            )
            checked.append(preflight)
        rest = context.roles - first
        policies = NetworkPolicies(f"{name}-policies", connected(roles=rest), self._after(*checked))
        secrets = RoleSecrets(f"{name}-secrets", shown(roles=rest), self._after(*checked))
        configuration = ApiConfiguration(
            f"{name}-api",
            ApiConfigurationArgs(context, settings.index, data.endpoints),
            self._after(*checked),
        )
        ready = (data, configuration, policies, secrets)
        services = {
            service: ServiceWorkerArgs(
                context, row, settings.services.get(service, ServiceSettings()), index_digest, data.endpoints
            )
            for service, row in settings.selected_services.items()
        }
        prepared = [
            ServiceWorker(f"{name}-{service}", each, self._after(*ready))
            for service, each in services.items()
            if each.row.prepares
        ]
        inside = self._inside(name, context, settings)
        internal = settings.certificates.internal_issuer or inside if context.encrypted else None
        gui_api = GuiApiCluster(
            f"{name}-gui-api",
            GuiApiClusterArgs(context, settings.gui_api, index_digest, data.endpoints, internal),
            self._after(*ready, *prepared),
        )
        installation = Installation(
            f"{name}-installation",
            InstallationArgs(
                context, settings.installation, gui_api.upstream, stored_in(settings.data, settings.index)
            ),
            self._after(gui_api),
        )
        track = TrackCluster(
            f"{name}-track",
            TrackClusterArgs(context, settings.track, index_digest, data.endpoints, internal),
            self._after(installation),
        )
        for service, each in services.items():
            if not each.row.prepares:
                ServiceWorker(f"{name}-{service}", each, self._after(installation))
        issuers = self._issuers(name, context, settings)
        entries = {
            "track": _Entry(
                Role.TRACK_BALANCER,
                settings.track.host,
                track.upstream,
                settings.track.balancer,
                issuers["track"],
                track,
            ),
            "guiApi": _Entry(
                Role.GUI_API_BALANCER,
                settings.gui_api.host,
                gui_api.upstream,
                settings.gui_api.balancer,
                issuers["guiApi"],
                policies,
            ),
        }
        if settings.gui.enabled and settings.gui.host is not None:
            gui = GuiCluster(
                f"{name}-gui",
                GuiClusterArgs(context, settings.gui, settings.gui_api.host, internal),
                self._after(policies),
            )
            entries["gui"] = _Entry(
                Role.GUI_BALANCER,
                settings.gui.host,
                gui.upstream,
                settings.gui.balancer,
                issuers["gui"],
                policies,
            )

        trusted = tuple(map(str, settings.network.trusted))
        self.entries = {}
        for key, entry in entries.items():
            public = entry.role is Role.TRACK_BALANCER
            self.entries[key] = LoadBalancer(
                f"{name}-{entry.role}",
                LoadBalancerArgs(
                    context=context,
                    role=entry.role,
                    host=entry.host,
                    upstream=entry.upstream,
                    settings=entry.settings,
                    issuer=entry.issuer,
                    internal=inside,
                    routes=routes(frozenset(settings.track.routes)) if public else (),
                    trusted=() if public else trusted,
                ),
                self._after(entry.after),
            )
        self.admin_password = credentials.admin_password
        self.namespaces = namespaces.names
        self.register_outputs({"admin_password": self.admin_password, "namespaces": self.namespaces})

    def _after(self, *components: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(components))

    def _authority(self, name: str, context: Context, purpose: str) -> CertificateAuthority:
        return CertificateAuthority(
            f"{name}-{purpose}-authority",
            CertificateAuthorityArgs(f"{context.installation} {purpose}"),
            self._after(),
        )

    def _issuers(self, name: str, context: Context, settings: Settings) -> dict[str, Issuer]:
        """Who issues the certificate that browsers see, for each entry."""
        self.certificate_authority = None
        certificates, keys = settings.certificates, ("track", "guiApi", "gui")
        if certificates.secrets is not None:
            provided = certificates.secrets
            secrets = {"track": provided.track, "guiApi": provided.gui_api, "gui": provided.gui}
            return {key: ProvidedSecret(secret) for key, secret in secrets.items() if secret is not None}
        if certificates.issuer is not None:
            return dict.fromkeys(keys, certificates.issuer)
        generated = self._authority(name, context, "entries")
        self.certificate_authority = generated.certificate
        return dict.fromkeys(keys, generated.authority)

    def _inside(self, name: str, context: Context, settings: Settings) -> Authority | None:
        """Signs what only the installation and its Gateways see; None where there is nothing to sign."""
        certificates = settings.certificates
        gateway = Mode.GATEWAY in (entry.balancer.mode for entry in (settings.track, settings.gui_api, settings.gui))
        pods = context.encrypted and certificates.internal_issuer is None
        return self._authority(name, context, "inside").authority if gateway or pods else None
