"""Which Services a cloud serves, at which addresses, by which nodes."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from tools.nodes.cloud.client import Object
from tools.nodes.cloud.services import Entry, Host, assigned, entries, hosts

_NETWORK = IPv4Network("203.0.113.0/29")
_FIRST, _SECOND, _THIRD = list(_NETWORK.hosts())[:3]


def _service(name: str = "track", ingress: list[Object] | None = None, **spec: object) -> Object:
    return {
        "metadata": {"namespace": "tracardi", "name": name, "uid": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 443, "protocol": "TCP"}], **spec},
        "status": {"loadBalancer": {"ingress": ingress} if ingress else {}},
    }


def _entry(uid: str, address: IPv4Address | None = None) -> Entry:
    return Entry("tracardi", uid, uid, address, (("tcp", 443),), None)


def _node(name: str = "node-a", address: str = "10.89.0.11", **labels: str) -> Object:
    addresses = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]
    return {"metadata": {"name": name, "labels": labels}, "status": {"addresses": addresses}}


def test_a_service_is_read_with_its_address_and_ports() -> None:
    [entry] = entries([_service(ingress=[{"ip": str(_FIRST), "ipMode": "VIP"}])])

    assert (str(entry), entry.address, entry.ports) == ("tracardi/track", _FIRST, (("tcp", 443),))
    assert entry.path == "/api/v1/namespaces/tracardi/services/track"


@pytest.mark.parametrize("spec", [("type", "ClusterIP"), ("loadBalancerClass", "example.test/other")])
def test_services_that_are_nobody_s_or_another_s_are_left_alone(spec: tuple[str, str]) -> None:
    service = _service()
    service["spec"].update([spec])

    assert entries([service]) == []


@pytest.mark.parametrize(("policy", "port"), [("Local", 31000), ("Cluster", None)])
def test_only_the_policy_local_asks_nodes_about_the_service(policy: str, port: int | None) -> None:
    [entry] = entries([_service(externalTrafficPolicy=policy, healthCheckNodePort=31000)])

    assert entry.health_port == port


@pytest.mark.parametrize("ingress", [{"hostname": "lb.example.test"}, {"ip": "2001:db8::1"}])
def test_an_address_of_another_kind_is_no_address(ingress: Object) -> None:
    assert entries([_service(ingress=[ingress])])[0].address is None


def test_nodes_without_an_address_or_excluded_are_no_hosts() -> None:
    excluded = _node("node-b", **{"node.kubernetes.io/exclude-from-external-load-balancers": ""})
    joining: Object = {"metadata": {"name": "node-c"}}

    assert hosts([_node(), excluded, joining, _node("node-d", "2001:db8::11")]) == [
        Host("node-a", IPv4Address("10.89.0.11"))
    ]


def test_every_service_gets_an_address_of_its_own() -> None:
    assert assigned([_entry("a"), _entry("b")], {}, _NETWORK) == {"a": _FIRST, "b": _SECOND}


def test_what_the_status_says_is_kept_and_given_to_nobody_else() -> None:
    assert assigned([_entry("new"), _entry("old", _FIRST)], {}, _NETWORK) == {"new": _SECOND, "old": _FIRST}


def test_an_address_that_was_given_is_kept_before_the_status_says_so() -> None:
    assert assigned([_entry("other"), _entry("late")], {"late": _FIRST}, _NETWORK) == {"other": _SECOND, "late": _FIRST}


def test_the_status_has_the_last_word_about_who_has_an_address() -> None:
    chosen = assigned([_entry("given"), _entry("said", _FIRST)], {"given": _FIRST}, _NETWORK)

    assert chosen == {"given": _SECOND, "said": _FIRST}


def test_an_address_is_given_again_when_its_service_is_gone() -> None:
    assert assigned([_entry("new")], {"gone": _FIRST}, _NETWORK) == {"new": _FIRST}


def test_two_services_that_claim_one_address_do_not_both_get_it() -> None:
    assert assigned([_entry("a", _SECOND), _entry("b", _SECOND)], {}, _NETWORK) == {"a": _SECOND, "b": _FIRST}


def test_an_address_of_elsewhere_is_replaced() -> None:
    assert assigned([_entry("a", IPv4Address("192.0.2.1"))], {}, _NETWORK) == {"a": _FIRST}


def test_where_no_address_is_left_none_is_given() -> None:
    chosen = assigned([_entry(str(number)) for number in range(7)], {}, _NETWORK)

    assert list(chosen.values()) == [*_NETWORK.hosts()]
    assert chosen["2"] == _THIRD
    assert "6" not in chosen
