"""Who has which address, and that nobody has another's."""

from ipaddress import IPv4Network
from itertools import combinations

from tools.nodes import addresses


def test_no_two_networks_overlap() -> None:
    outside = [network.network for network in addresses.OUTSIDES]
    known = [addresses.NODES, addresses.PODS, addresses.SERVICES, addresses.ENTRIES, *outside]

    assert not [(one, other) for one, other in combinations(known, 2) if one.overlaps(other)]


def test_three_nodes_are_one_in_each_zone() -> None:
    three = addresses.nodes(3)

    assert [(node.name, node.zone, str(node.address)) for node in three] == [
        ("node-a", "zone-a", "10.89.0.11"),
        ("node-b", "zone-b", "10.89.0.12"),
        ("node-c", "zone-c", "10.89.0.13"),
    ]


def test_more_nodes_than_zones_have_names_addresses_and_pods_of_their_own() -> None:
    seven = addresses.nodes(7)

    assert [node.name for node in seven] == ["node-a", "node-b", "node-c", "node-a2", "node-b2", "node-c2", "node-a3"]
    assert len({node.address for node in seven}) == 7
    assert not [one for one, other in combinations(seven, 2) if one.pods.overlaps(other.pods)]
    assert all(node.pods.subnet_of(addresses.PODS) and node.address in addresses.NODES for node in seven)


def test_a_client_outside_and_its_router_are_in_its_network_and_differ() -> None:
    for outside in addresses.OUTSIDES:
        assert outside.router in outside.network
        assert outside.client in outside.network
        assert outside.router != outside.client


def test_outside_addresses_are_those_reserved_for_examples() -> None:
    reserved = {IPv4Network("192.0.2.0/24"), IPv4Network("198.51.100.0/24"), IPv4Network("203.0.113.0/24")}

    assert {addresses.ENTRIES, *(outside.network for outside in addresses.OUTSIDES)} == reserved
