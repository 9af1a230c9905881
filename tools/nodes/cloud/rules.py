"""The router's rules, as text: which connections go by which node."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

TABLE = "cloud"
_MARKS = 0xC10000

# Before routing, and after connection tracking has looked up what a packet belongs to.
_TABLE = """\
table inet {table} {{
}}
delete table inet {table}
table inet {table} {{
  chain arriving {{
    type filter hook prerouting priority mangle; policy accept;
    ip daddr {network} jump entering
  }}
  chain entering {{
    ct state invalid drop
    # A connection stays with its node: a repeated first packet has its mark already.
    ct state new ct mark 0 jump choosing
    ct mark != 0 meta mark set ct mark accept
    meta l4proto tcp reject with tcp reset
    reject
  }}
  chain choosing {{
{choices}  }}
{spreads}}}
"""


@dataclass(frozen=True)
class Spread:
    """An address whose connections are spread over nodes; without nodes it refuses them."""

    address: IPv4Address
    ports: tuple[tuple[str, int], ...]
    nodes: tuple[IPv4Address, ...]


def mark(node: IPv4Address) -> int:
    """The mark of packets that go by a node, which is also the number of its routing table.

    It follows from the address, so that a connection keeps its way whoever wrote the rules. No two nodes may share the
    last two bytes of their addresses.
    """
    return _MARKS | int(node) & 0xFFFF


def text(network: IPv4Network, spreads: Sequence[Spread]) -> str:
    """Rules for nft that replace the whole table at once; the same for the same spreads."""
    able = [(f"spread-{number}", spread) for number, spread in enumerate(spreads) if spread.ports and spread.nodes]
    keys = [
        f"{spread.address} . {protocol} . {port} : goto {chain}"
        for chain, spread in able
        for protocol, port in spread.ports
    ]
    choices = f"    ip daddr . meta l4proto . th dport vmap {{ {', '.join(keys)} }}\n" if keys else ""
    chains = "".join(f"  chain {chain} {{\n    {_choice(spread)}\n  }}\n" for chain, spread in able)
    return _TABLE.format(table=TABLE, network=network, choices=choices, spreads=chains)


def _choice(spread: Spread) -> str:
    marks = [f"{mark(node):#x}" for node in spread.nodes]
    if len(marks) == 1:
        return f"ct mark set {marks[0]}"
    numbered = ", ".join(f"{number} : {each}" for number, each in enumerate(marks))
    # In turn: a short test sees every node.
    return f"ct mark set numgen inc mod {len(marks)} map {{ {numbered} }}"
