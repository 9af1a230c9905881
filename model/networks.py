"""Networks that an allow list names, and whether they are as good as the whole internet."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from model.limits import WIDEST_TRUSTED_PREFIX_V4, WIDEST_TRUSTED_PREFIX_V6

Network = IPv4Network | IPv6Network


def too_wide(networks: Iterable[Network]) -> Network | None:
    """A network, or a union of several, that is wider than anybody's own; None where there is none."""
    known = tuple(networks)
    merged: list[Network] = [
        *collapse_addresses(network for network in known if isinstance(network, IPv4Network)),
        *collapse_addresses(network for network in known if isinstance(network, IPv6Network)),
    ]
    return next((network for network in merged if network.prefixlen < _widest(network)), None)


def _widest(network: Network) -> int:
    return WIDEST_TRUSTED_PREFIX_V4 if isinstance(network, IPv4Network) else WIDEST_TRUSTED_PREFIX_V6
