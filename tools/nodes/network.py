"""The links and routes of the machine: a bridge for the nodes, and the networks outside the cluster."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from tools.errors import ToolError
from tools.nodes.addresses import ENTRIES, NODES, OUTSIDES, PODS, ROUTER, SERVICES, Node, Outside
from tools.nodes.programs import debian, run

_BRIDGE = "nodes"
# A host of the internet that is asked for nothing that it serves refuses at once.
_RULES = """\
table inet machine {{
  chain input {{
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    icmp type echo-request accept
    # Of the control plane nothing but its API server: etcd asks nobody for credentials.
    iifname "{bridge}" tcp dport {port} accept
    reject
  }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    # What a provider's network does not carry: cluster addresses, from outside and to outside.
    iifname {{ {outsides} }} ip daddr {{ {inner} }} ct state new reject
  }}
}}
"""


class Network:
    """What is done to links and routes, in the network namespace of the calling process."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def lay(self, port: int) -> None:
        """Make the bridge and the outside networks; the API server listens on `port`."""
        self._settle()
        self._ip(
            "link set lo up",
            f"link add {_BRIDGE} address 02:00:00:00:00:01 type bridge",
            f"address add {ROUTER}/{NODES.prefixlen} dev {_BRIDGE}",
            f"link set {_BRIDGE} up",
        )
        for outside in OUTSIDES:
            self._outside(outside)
        outsides = ", ".join(f'"{outside.name}"' for outside in OUTSIDES)
        inner = f"{NODES}, {PODS}, {SERVICES}"
        rules = _RULES.format(bridge=_BRIDGE, port=port, outsides=outsides, inner=inner)
        run([*debian(self._root, "usr/sbin/nft"), "-f", "-"], rules)

    def connect(self, node: Node, others: Iterable[Node]) -> None:
        """Make the node's network namespace, with routes to the pods of all others, and plug it in."""
        run([*self._command, "netns", "add", node.name])
        self._ip(
            f"link add {node.name} type veth peer name eth0 netns {node.name}",
            f"link set {node.name} master {_BRIDGE} up",
            f"route replace {node.pods} via {node.address} dev {_BRIDGE}",
        )
        self._ip(
            "link set lo up",
            f"address add {node.address}/{NODES.prefixlen} dev eth0",
            "link set eth0 up",
            f"route add default via {ROUTER} dev eth0",
            *(f"route add {other.pods} via {other.address} dev eth0" for other in others if other != node),
            # Each pod has a route of its own: who asks for one that has gone is told so, and does not wait.
            f"route add unreachable {node.pods}",
            place=node.name,
        )
        run([*self._entering(node.name), "sh", "-c", _settings()])

    def disconnect(self, node: Node) -> None:
        """Pull the node's plug: no packet of it, not even a farewell, gets out any more."""
        self._ip(f"link set {node.name} down")

    def forget(self, node: Node) -> None:
        """Give up the node's network namespace, with every rule in it. Harmless where there is none."""
        # By itself the link goes only with the last process of the node, which may take a moment to die.
        with contextlib.suppress(ToolError):
            self._ip(f"link delete {node.name}")
        if (Path("/run/netns") / node.name).exists():
            run([*self._command, "netns", "delete", node.name])

    def _outside(self, outside: Outside) -> None:
        name, length = outside.name, outside.network.prefixlen
        run([*self._command, "netns", "add", name])
        self._ip(
            f"link add {name} type veth peer name eth0 netns {name}",
            f"address add {outside.router}/{length} dev {name}",
            f"link set {name} up",
        )
        self._ip(
            "link set lo up",
            f"address add {outside.client}/{length} dev eth0",
            "link set eth0 up",
            # The entries, and everything else, so that what must not be reached can be tried.
            f"route add default via {outside.router} dev eth0",
            place=name,
        )

    def _settle(self) -> None:
        run(["sh", "-c", _settings()])
        # Nobody has these addresses: what is sent to one without a rule is refused.
        self._ip(f"route add unreachable {ENTRIES} metric 9999")

    @property
    def _command(self) -> list[str]:
        return debian(self._root, "usr/sbin/ip")

    def _ip(self, *lines: str, place: str = "") -> None:
        inside = ["-netns", place] if place else []
        run([*self._command, *inside, "-batch", "-"], "".join(f"{line}\n" for line in lines))

    def _entering(self, name: str) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{name}", "--"]


def _settings() -> str:
    """A shell's commands for a namespace that forwards, and that judges no packet by the way it came."""
    values = {
        "net/ipv4/ip_forward": 1,
        "net/ipv4/conf/all/rp_filter": 0,
        "net/ipv4/conf/default/rp_filter": 0,
        "net/ipv4/conf/all/send_redirects": 0,
        "net/ipv4/conf/default/send_redirects": 0,
    }
    return "; ".join(f"echo {value} > /proc/sys/{name}" for name, value in values.items())
