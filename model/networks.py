"""Networks that an allow list names, and whether they are as good as the whole internet."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from model.limits import MOST_OF_WIDEST_NETWORKS, WIDEST_TRUSTED_PREFIX_V4, WIDEST_TRUSTED_PREFIX_V6

Network = IPv4Network | IPv6Network

_EMBEDDING = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv6 spellings of IPv4 addresses: the last four bytes are the address."""


def too_wide(
    networks: Iterable[Network],
    widest_v4: int = WIDEST_TRUSTED_PREFIX_V4,
    widest_v6: int = WIDEST_TRUSTED_PREFIX_V6,
) -> Network | None:
    """A network, or one around several, that is wider than anybody's own; None where there is none.

    Networks are wider than anybody's own if one of them, or several side by side, have a prefix shorter than
    `widest_v4` or `widest_v6`, or if all of them together are as large as many of the widest.
    """
    known = tuple(_told_as_ipv4(network) for network in networks)
    merged: tuple[tuple[Sequence[Network], int], ...] = (
        (tuple(collapse_addresses(network for network in known if isinstance(network, IPv4Network))), widest_v4),
        (tuple(collapse_addresses(network for network in known if isinstance(network, IPv6Network))), widest_v6),
    )
    return next((wide for found, widest in merged for wide in _wider(found, widest)), None)


def _wider(merged: Sequence[Network], widest: int) -> Iterator[Network]:
    yield from (network for network in merged if network.prefixlen < widest)
    if merged and sum(network.num_addresses for network in merged) > MOST_OF_WIDEST_NETWORKS << (
        merged[0].max_prefixlen - widest
    ):
        yield _around(merged)


def _around(networks: Sequence[Network]) -> Network:
    """The smallest network that holds all of `networks`."""
    around, last = networks[0], networks[-1]
    while last.network_address not in around:
        around = around.supernet()
    return around


def _told_as_ipv4(network: Network) -> Network:
    if isinstance(network, IPv4Network):
        return network
    for embedding in _EMBEDDING:
        if network.subnet_of(embedding):
            return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - embedding.prefixlen))
    return network
