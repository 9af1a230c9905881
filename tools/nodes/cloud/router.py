"""The kernel's side of the balancer, in the network namespace of the calling process."""

import json
from collections.abc import Iterable
from ipaddress import IPv4Address
from pathlib import Path

from tools.nodes.cloud.rules import mark
from tools.nodes.programs import debian, run

_PREFERENCE = 900
"""Of the rules that lead a marked packet to its node: before the main table."""


class Router:
    """Owns one table of rules, and a routing table for each node."""

    def __init__(self, root: Path) -> None:
        self._nft = debian(root, "usr/sbin/nft")
        self._ip = debian(root, "usr/sbin/ip")
        self._text = ""
        self._known: set[IPv4Address] = set()

    def apply(self, rules: str, nodes: Iterable[IPv4Address]) -> None:
        """Make these rules the only ones, and see that there is a way to each node.

        The way to a node that is gone stays, for the connections that it may still serve. Raises ToolError.
        """
        wanted = set(nodes)
        if not wanted <= self._known:
            self._lead(wanted)
            self._known |= wanted
        if rules != self._text:
            run([*self._nft, "-f", "-"], rules)
            self._text = rules

    def _lead(self, nodes: set[IPv4Address]) -> None:
        listed = json.loads(run([*self._ip, "-json", "rule", "show"]))
        led = {int(rule["fwmark"], 16) for rule in listed if rule["priority"] == _PREFERENCE}
        ways = [f"route replace default via {node} table {mark(node)}\n" for node in sorted(nodes)]
        new = sorted({mark(node) for node in nodes} - led)
        rules = [f"rule add preference {_PREFERENCE} fwmark {number} lookup {number}\n" for number in new]
        run([*self._ip, "-batch", "-"], "".join(ways + rules))
