"""The cloud's balancer: real packets, through a real router, to nodes that tell who they are."""

import errno
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address

import pytest

from tests.dataplane.sandbox import World
from tests.real.cloud.site import (
    DECLARED,
    HEALTH,
    KUBE_PROXY,
    UNDECLARED,
    Site,
    address_of,
    ask,
    connect,
    greeting,
    hear,
)
from tools.debian import root
from tools.nodes.addresses import ENTRIES, INTERNET, nodes

pytestmark = pytest.mark.own_nodes("makes a router and nodes")

_ALL = {node.name for node in nodes(3)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site for all of these tests."""
    with World(root()) as world:
        site = Site(world, tmp_path_factory.mktemp("cloud"))
        site.start()
        yield site
        site.stop()


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """The site, and all nodes well."""
    yield running
    for machine in running.machines.values():
        machine.health.update({KUBE_PROXY: 200, HEALTH: 200})


def test_services_get_addresses_of_their_own_and_give_them_back(site: Site) -> None:
    with site.service("first") as first:
        address = address_of(first)
        with site.service("second") as second:
            assert address in ENTRIES
            assert address_of(second) in ENTRIES
            assert address_of(second) != address
            assert first["status"]["loadBalancer"]["ingress"][0]["ipMode"] == "VIP"
    with site.service("third") as third:
        assert address_of(third) == address


def test_another_provider_s_services_are_left_alone(site: Site) -> None:
    with site.service("theirs", loadBalancerClass="example.test/other") as theirs, site.service("ours"):
        assert address_of(theirs) is None


def test_connections_are_spread_evenly_and_packets_are_not_rewritten(site: Site) -> None:
    with site.service("spread") as service:
        address = str(address_of(service))
        site.serving(service, _ALL)

        heard = [site.client.call(greeting, address).split() for _ in range(12)]

        assert sorted(name for name, _, _ in heard) == sorted([*_ALL] * 4)
        assert {(source, target) for _, source, target in heard} == {(str(INTERNET.client), address)}


def test_a_service_that_keeps_client_addresses_is_served_by_the_nodes_that_say_so(site: Site) -> None:
    with site.service("local", local=True) as local, site.service("cluster") as cluster:
        site.serving(local, _ALL)
        site.machines["node-b"].health[HEALTH] = 503
        site.serving(local, _ALL - {"node-b"})
        assert set(site.spread(cluster, 6)) == _ALL

        site.machines["node-a"].health[KUBE_PROXY] = 500
        site.serving(cluster, _ALL - {"node-a"})

        site.machines["node-b"].health[HEALTH] = 200
        site.serving(local, _ALL)


def test_a_connection_stays_with_its_node_whatever_happens_to_nodes_services_and_cloud(site: Site) -> None:
    with ExitStack() as opened:
        service = opened.enter_context(site.service("sticky", local=True))
        site.serving(service, _ALL)
        address = str(address_of(service))
        connections = [opened.enter_context(site.client.call(connect, address)) for _ in range(6)]
        before = [hear(connection).split()[0] for connection in connections]
        assert set(before) == _ALL

        site.machines["node-c"].health[HEALTH] = 503
        site.serving(service, _ALL - {"node-c"})
        assert [ask(connection) for connection in connections] == before

        site.end_cloud(signal.SIGKILL)
        assert [ask(connection) for connection in connections] == before
        assert set(site.spread(service, 6)) == _ALL - {"node-c"}

        site.start_cloud()
        site.machines["node-c"].health[HEALTH] = 200
        site.serving(service, _ALL)
        assert [ask(connection) for connection in connections] == before
        assert str(address_of(service)) == address


def test_a_restart_of_the_cloud_refuses_nobody(site: Site) -> None:
    with site.service("restarted") as service:
        site.serving(service, _ALL)
        site.end_cloud(signal.SIGKILL)
        told = len(site.said())
        site.start_cloud()

        while "serves" not in site.said()[told:]:
            assert set(site.spread(service, 6)) == _ALL
        assert set(site.spread(service, 6)) == _ALL


def test_a_node_that_is_gone_gets_no_new_connections_and_takes_only_its_own_with_it(site: Site) -> None:
    with site.service("lossy") as service, ExitStack() as opened:
        site.serving(service, _ALL)
        address = str(address_of(service))
        connections = [opened.enter_context(site.client.call(connect, address)) for _ in range(3)]
        owners = {hear(connection).split()[0]: connection for connection in connections}
        site.world.ip("-netns", "node-b", "link", "set", "eth0", "down")
        lost = time.monotonic()
        try:
            # One that has begun stays, even unanswered: its first packet, repeated after a second, goes the same way.
            assert site.spread(service, 3) == {"node-a": 1, "node-c": 1, "nothing": 1}
            site.serving(service, _ALL - {"node-b"})

            assert time.monotonic() - lost < 8
            assert ask(owners["node-a"]) == "node-a"
            assert ask(owners["node-c"]) == "node-c"
        finally:
            site.world.ip("-netns", "node-b", "link", "set", "eth0", "up")
            site.world.ip("-netns", "node-b", "route", "add", "default", "via", "10.89.0.1")
        site.serving(service, _ALL)


def test_what_no_service_declares_is_refused_at_once(site: Site) -> None:
    with site.service("declared") as service:
        site.serving(service, _ALL)
        address = address_of(service)
        assert address is not None
        node = nodes(3)[0].address
        began = time.monotonic()

        assert site.client.call(greeting, str(node), UNDECLARED).split()[0] == "node-a"
        assert site.client.call(greeting, str(address), UNDECLARED) == "refused"
        assert site.client.call(greeting, str(ENTRIES[77]), DECLARED) == "refused"
        assert site.client.call(_datagram, address) == errno.ECONNREFUSED
        assert time.monotonic() - began < 1


def test_a_service_that_no_node_can_serve_refuses(site: Site) -> None:
    with site.service("empty", local=True) as service:
        site.serving(service, _ALL)
        for machine in site.machines.values():
            machine.health[HEALTH] = 503

        site.serving(service, {"refused"})


def test_the_balancer_outlives_the_api_server(site: Site) -> None:
    with site.service("steady", local=True) as service:
        site.serving(service, _ALL)
        site.api.stop()
        try:
            site.until(lambda: "the API server does not answer" in site.said())
            site.machines["node-b"].health[HEALTH] = 503
            site.serving(service, _ALL - {"node-b"})
        finally:
            site.api.start()
        told = len(site.said())
        with site.service("later"):
            site.until(lambda: "later has the address" in site.said()[told:])


def test_a_restart_without_an_api_server_leaves_the_balancer_as_it_is(site: Site) -> None:
    with site.service("orphaned") as service:
        site.serving(service, _ALL)
        site.api.stop()
        try:
            site.end_cloud(signal.SIGKILL)
            told = len(site.said())
            site.start_cloud()
            site.until(lambda: "the API server does not answer" in site.said()[told:])

            assert set(site.spread(service, 6)) == _ALL
        finally:
            site.api.start()


def test_packets_for_nobody_s_service_are_not_touched(site: Site) -> None:
    node = nodes(3)[1]

    assert site.client.call(greeting, str(node.address)) == f"node-b {INTERNET.client} {node.address}"


def test_every_change_is_told_once(site: Site) -> None:
    with site.service("told") as service:
        site.serving(service, _ALL)
    site.until(lambda: "node-c no longer serves tracardi/told" in site.said())

    assert site.said().count("Service tracardi/told has the address") == 1
    assert site.said().count("node-a serves tracardi/told") == 1


def test_sigterm_ends_the_cloud_in_order(site: Site) -> None:
    assert site.end_cloud(signal.SIGTERM) == 0
    site.start_cloud()


def _datagram(address: IPv4Address) -> int | None:
    """The error that a datagram to the Service comes back with, within two seconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.settimeout(2)
        sending.connect((str(address), DECLARED))
        sending.send(b"?")
        try:
            sending.recv(1)
        except OSError as error:
            return error.errno
        return None
