"""Networks as resources spell them."""

from ipaddress import ip_network

from model.networks import Network


def parse(text: str) -> Network | None:
    """The network that `text` is, or None."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
