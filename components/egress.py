"""Which addresses outside the installation its pods may connect to, as the settings say."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from model.graph import Destination
from model.ports import Port
from model.roles import Role
from settings.network import EgressSettings
from settings.root import Settings


def egress(settings: Settings) -> Mapping[Role, tuple[Destination, ...]]:
    """The destinations of each role: the stores that others run, and what the stack allows besides."""
    stores = tuple(external_stores(settings))
    return {
        Role.TRACK_API: (*stores, *_allowed(settings.track.egress)),
        Role.GUI_API: (*stores, *_allowed(settings.gui_api.egress)),
    }


def external_stores(settings: Settings) -> Iterator[Destination]:
    """Where the stores are that others run."""
    data = settings.data
    elasticsearch = data.elasticsearch.external
    if elasticsearch is not None:
        ports = sorted({urlsplit(url).port or Port.PUBLIC_HTTPS for url in elasticsearch.urls})
        yield from (Destination(network, port) for network in elasticsearch.networks for port in ports)
    redis = data.redis.external
    if redis is not None:
        yield from (Destination(network, redis.port or Port.REDIS) for network in redis.networks)
    mysql = data.mysql.external if data.mysql is not None else None
    if mysql is not None:
        yield from (Destination(network, mysql.port or Port.MYSQL) for network in mysql.networks)


def _allowed(settings: EgressSettings) -> Iterator[Destination]:
    return (Destination(destination.cidr, destination.port) for destination in settings.allow)
