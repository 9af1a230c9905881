"""Which addresses outside the installation its pods may connect to, as the settings say."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from model.graph import USERS_OF_OTHERS_STORES, Destination
from model.ports import Port
from model.roles import Role
from model.service import Need
from settings.network import EgressSettings
from settings.root import Settings
from settings.types import is_address


def egress(settings: Settings) -> Mapping[Role, tuple[Destination, ...]]:
    """The destinations of each role: the stores that others run, and what the stack allows besides."""
    stores = tuple(external_stores(settings))
    besides = {Role.TRACK_API: settings.track.egress, Role.GUI_API: settings.gui_api.egress}
    services = settings.services
    return {
        **{role: (*stores, *(_allowed(besides[role]) if role in besides else ())) for role in USERS_OF_OTHERS_STORES},
        **{
            Role(name): (
                *external_stores(settings, row.needs),
                *(_allowed(services[name].egress) if name in services else ()),
            )
            for name, row in settings.selected_services.items()
        },
    }


def external_stores(settings: Settings, needs: frozenset[Need] = frozenset(Need)) -> Iterator[Destination]:
    """Where the stores are that others run, as far as somebody needs them."""
    data = settings.data
    elasticsearch = data.elasticsearch.external
    if elasticsearch is not None and Need.ELASTICSEARCH in needs:
        ports = sorted({urlsplit(url).port or Port.PUBLIC_HTTPS for url in elasticsearch.urls})
        yield from (Destination(network, port) for network in elasticsearch.networks for port in ports)
    redis = data.redis.external
    if redis is not None and Need.REDIS in needs:
        yield from (Destination(network, redis.port or Port.REDIS) for network in redis.networks)
    mysql = data.mysql.external if data.mysql is not None else None
    if mysql is not None and Need.MYSQL in needs:
        yield from (Destination(network, mysql.port or Port.MYSQL) for network in mysql.networks)
    pulsar = settings.pulsar.external if settings.pulsar is not None else None
    if pulsar is not None and Need.PULSAR in needs:
        ports = sorted({pulsar.port, pulsar.api_port})
        yield from (Destination(network, port) for network in pulsar.networks for port in ports)


def reached_by_address(settings: Settings) -> frozenset[Role]:
    """Roles whose pods find all that they connect to by its address, and so ask DNS nothing."""
    return frozenset() if any(not is_address(host) for host in _hosts(settings)) else frozenset({Role.PREFLIGHT})


def _hosts(settings: Settings) -> Iterator[str]:
    """Hosts of the stores that others run."""
    data = settings.data
    if data.elasticsearch.external is not None:
        yield from (urlsplit(url).hostname or "" for url in data.elasticsearch.external.urls)
    if data.redis.external is not None:
        yield data.redis.external.host
    if data.mysql is not None and data.mysql.external is not None:
        yield data.mysql.external.host
    if settings.pulsar is not None and settings.pulsar.external is not None:
        yield from (settings.pulsar.external.host, settings.pulsar.external.api_host)


def _allowed(settings: EgressSettings) -> Iterator[Destination]:
    return (Destination(destination.cidr, destination.port) for destination in settings.allow)
