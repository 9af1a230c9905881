"""Which addresses outside the installation its pods may connect to, as the settings say."""

from collections.abc import Iterable, Iterator, Mapping

from model.graph import USERS_OF_OTHERS_STORES, Destination
from model.roles import Role
from settings.network import EgressSettings
from settings.others import OthersStore
from settings.root import Settings
from settings.types import is_address


def egress(settings: Settings) -> Mapping[Role, tuple[Destination, ...]]:
    """The destinations of each role: the stores that others run, and what the stack allows besides."""
    stores = tuple(_stores(settings.others_stores))
    besides = {Role.TRACK_API: settings.track.egress, Role.GUI_API: settings.gui_api.egress}
    services = settings.services
    return {
        **{role: (*stores, *(_allowed(besides[role]) if role in besides else ())) for role in USERS_OF_OTHERS_STORES},
        **{
            Role(name): (
                *_stores(store for store in settings.others_stores if store.need in row.needs),
                *(_allowed(services[name].egress) if name in services else ()),
            )
            for name, row in settings.selected_services.items()
        },
    }


def reached_by_address(settings: Settings) -> frozenset[Role]:
    """Roles whose pods find all that they connect to by its address, and so ask DNS nothing."""
    hosts = [host for store in settings.others_stores for host in store.hosts]
    return frozenset() if any(not is_address(host) for host in hosts) else frozenset({Role.PREFLIGHT})


def _stores(stores: Iterable[OthersStore]) -> Iterator[Destination]:
    return (Destination(network, port) for store in stores for network in store.networks for port in store.ports)


def _allowed(settings: EgressSettings) -> Iterator[Destination]:
    return (Destination(destination.cidr, destination.port) for destination in settings.allow)
