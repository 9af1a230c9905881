"""The router's rules, as text; that the kernel follows them is shown with packets."""

from ipaddress import IPv4Address, IPv4Network

from tools.nodes.cloud.rules import Spread, mark, text

_NETWORK = IPv4Network("203.0.113.0/24")
_ADDRESS = _NETWORK[1]
_NODES = (IPv4Address("10.89.0.11"), IPv4Address("10.89.0.12"))


def _rules(*nodes: IPv4Address, ports: tuple[tuple[str, int], ...] = (("tcp", 443),)) -> str:
    return text(_NETWORK, [Spread(_ADDRESS, ports, nodes)])


def test_connections_are_taken_in_turn_by_all_nodes() -> None:
    assert "ct mark set numgen inc mod 2 map { 0 : 0xc1000b, 1 : 0xc1000c }" in _rules(*_NODES)


def test_every_port_is_told_with_its_protocol() -> None:
    rules = _rules(*_NODES, ports=(("tcp", 443), ("udp", 443)))

    assert "vmap { 203.0.113.1 . tcp . 443 : goto spread-0, 203.0.113.1 . udp . 443 : goto spread-0 }" in rules


def test_a_node_alone_takes_them_all() -> None:
    assert "ct mark set 0xc1000b" in _rules(_NODES[0])


def test_without_nodes_or_ports_there_is_nowhere_to_go() -> None:
    assert "vmap" not in _rules()
    assert "vmap" not in _rules(*_NODES, ports=())
    assert "vmap" not in text(_NETWORK, [])


def test_marks_follow_from_addresses_alone() -> None:
    assert [mark(node) for node in _NODES] == [0xC1000B, 0xC1000C]


def test_the_same_spreads_make_the_same_rules() -> None:
    assert _rules(*_NODES) == _rules(*_NODES)
    assert _rules(*_NODES) != _rules(_NODES[0])
