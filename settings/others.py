"""The stores that others run, in one list for whoever decides something about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from model.ports import Port
from model.service import Need
from settings.data import DataSettings, ExternalStore
from settings.installation import InstallationSettings
from settings.types import Cidr


@dataclass(frozen=True)
class OthersStore:
    """A store that somebody else runs, as far as connections to it go."""

    need: Need
    hosts: tuple[str, ...]
    """Names or addresses of all that is connected to."""
    ports: tuple[int, ...]
    """Each once, in order."""
    networks: tuple[Cidr, ...]
    """Networks that its addresses are in."""


def others_stores(installation: InstallationSettings, data: DataSettings) -> Iterator[OthersStore]:
    """The stores that others run, without those that release and edition have no use for."""
    elasticsearch = data.elasticsearch.external
    if elasticsearch is not None:
        urls = [urlsplit(url) for url in elasticsearch.urls]
        yield OthersStore(
            Need.ELASTICSEARCH,
            tuple(url.hostname or "" for url in urls),
            tuple(sorted({url.port or int(Port.PUBLIC_HTTPS) for url in urls})),
            elasticsearch.networks,
        )
    if data.redis.external is not None:
        yield _store(Need.REDIS, data.redis.external, Port.REDIS)
    if installation.facts.uses_mysql and data.mysql is not None and data.mysql.external is not None:
        yield _store(Need.MYSQL, data.mysql.external, Port.MYSQL)
    pulsar = data.pulsar.external if data.pulsar is not None else None
    if installation.commercial and pulsar is not None:
        yield OthersStore(
            Need.PULSAR,
            (pulsar.host, pulsar.api_host),
            tuple(sorted({pulsar.port, pulsar.api_port})),
            pulsar.networks,
        )


def _store(need: Need, store: ExternalStore, usual: Port) -> OthersStore:
    return OthersStore(need, (store.host,), (store.port or int(usual),), store.networks)
