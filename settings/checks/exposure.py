"""Who may reach what, between sections of the settings."""

from model.limits import (
    WIDEST_TRUSTED_PREFIX_V4,
    WIDEST_TRUSTED_PREFIX_V6,
)
from model.networks import Network, too_wide
from settings.base import Refusal, Refusals
from settings.certificates import CertificateSettings, CertificateSource
from settings.clusters import GuiApiSettings, GuiSettings, TrackSettings
from settings.data import DataSettings
from settings.network import NetworkSettings
from settings.services import ServicesSettings

_WIDEST = f"no wider than /{WIDEST_TRUSTED_PREFIX_V4} (IPv4) or /{WIDEST_TRUSTED_PREFIX_V6} (IPv6)"


def _not_the_internet(path: tuple[str, ...], networks: tuple[Network, ...], why: str, remedy: str) -> Refusals:
    limit = f"{_WIDEST}: {why}"
    alone = [index for index, network in enumerate(networks) if too_wide([network])]
    for index in alone:
        yield Refusal((*path, index), str(networks[index]), limit, remedy)
    union = too_wide(network for index, network in enumerate(networks) if index not in alone)
    if union is not None:
        yield Refusal(path, f"networks that add up to {union}", limit, remedy)


def trusted_networks_are_not_the_internet(network: NetworkSettings) -> Refusals:
    """Neither one trusted network nor several together are as good as the whole internet."""
    yield from _not_the_internet(
        ("network", "trusted"),
        network.trusted,
        "the GUI and its API are for trusted networks only",
        "List the networks of your offices and VPNs.",
    )


def declared_proxies_are_known(track: TrackSettings, gui_api: GuiApiSettings, gui: GuiSettings) -> Refusals:
    """Who may tell client addresses by the PROXY protocol can pretend to be anybody."""
    for name, balancer in (("track", track.balancer), ("guiApi", gui_api.balancer), ("gui", gui.balancer)):
        yield from _not_the_internet(
            (name, "balancer", "service", "proxyProtocol"),
            balancer.service.proxy_protocol,
            "whoever speaks the PROXY protocol from there can claim any client address",
            "List the addresses of the cloud's balancer.",
        )


def egress_is_limited(track: TrackSettings, gui_api: GuiApiSettings, services: ServicesSettings) -> Refusals:
    """What pods may reach is a list of destinations, not the internet."""
    places = {("track",): track.egress, ("guiApi",): gui_api.egress}
    for place, egress in (places | {("services", name): each.egress for name, each in services.items()}).items():
        for index, destination in enumerate(egress.allow):
            if too_wide([destination.cidr]):
                yield Refusal(
                    (*place, "egress", "allow", index, "cidr"),
                    str(destination.cidr),
                    f"{_WIDEST}: a pod that is taken over could send everything everywhere",
                    "List the destinations, or an egress proxy of yours that knows them.",
                )


def external_stores_are_somewhere(data: DataSettings) -> Refusals:
    """The networks of an external store are its own."""
    stores = {"elasticsearch": data.elasticsearch, "redis": data.redis, "mysql": data.mysql, "pulsar": data.pulsar}
    for name, store in stores.items():
        if store is not None and store.external is not None:
            yield from _not_the_internet(
                ("data", name, "external", "networks"),
                store.external.networks,
                "API pods may reach what is listed here",
                "List the networks of the service.",
            )


def allow_lists_see_client_addresses(gui_api: GuiApiSettings, gui: GuiSettings) -> Refusals:
    """A source allow list judges by the client's address, not by a node's."""
    for name, balancer in (("guiApi", gui_api.balancer), ("gui", gui.balancer)):
        if not balancer.shows_clients:
            yield Refusal(
                (name, "balancer", "service", "externalTrafficPolicy"),
                balancer.service.external_traffic_policy,
                "Local, or proxyProtocol: otherwise every client has the address of a node, and the list of trusted "
                "networks is worth nothing",
                "Set it to Local.",
            )
        if balancer.service.mistakes_node_ports:
            yield Refusal(
                (name, "balancer", "service", "externalTrafficPolicy"),
                balancer.service.external_traffic_policy,
                "Local, where node ports are open and proxyProtocol is set: their connections come from a node's "
                "address, which may be one of those that can claim any client address",
                "Set it to Local, or do without node ports.",
            )


def host_names_differ(track: TrackSettings, gui_api: GuiApiSettings, gui: GuiSettings) -> Refusals:
    """Each balancer has a name, and so a certificate, of its own."""
    owners: dict[str, str] = {}
    for name, host in (("track", track.host), ("guiApi", gui_api.host), ("gui", gui.host)):
        if host is None:
            continue
        if host in owners:
            yield Refusal(
                (name, "host"),
                host,
                f"different from tracardi:{owners[host]}.host: the clusters are reached from different networks",
                "Give it a host name of its own.",
            )
        owners.setdefault(host, name)


def the_console_s_certificate_is_provided(gui: GuiSettings, certificates: CertificateSettings) -> Refusals:
    """Each entry has a certificate, and each certificate an entry."""
    if certificates.source is not CertificateSource.PROVIDED or certificates.secrets is None:
        return
    path, secret = ("certificates", "secrets", "gui"), certificates.secrets.gui
    if gui.enabled and secret is None:
        yield Refusal(path, None, f"needed: a Secret for tracardi:gui.host, {gui.host}", "Name it.")
    if not gui.enabled and secret is not None:
        yield Refusal(path, secret, "unused: tracardi:gui.enabled is false", "Remove it.")


def provided_secrets_differ(certificates: CertificateSettings) -> Refusals:
    """The console and its API are in one namespace, and each has a certificate of its own."""
    secrets = certificates.secrets
    if secrets is not None and secrets.gui == secrets.gui_api:
        yield Refusal(
            ("certificates", "secrets", "gui"),
            secrets.gui,
            "different from tracardi:certificates.secrets.guiApi: a stolen key then opens one host name only",
            "Name a Secret of its own.",
        )
