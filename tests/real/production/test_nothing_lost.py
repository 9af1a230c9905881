"""Events from the internet while an installation is changed, and while parts of it break: what becomes of each.

No client repeats anything. What is planned fails no request; what breaks fails few; what was accepted is never lost.
"""

import http
import json
import secrets
import time

import httpx
import pytest

from model.releases import DEFAULT_RELEASE
from tests.cluster.live import JsonObject, is_ready
from tests.dataplane.clients.http import Client
from tests.dataplane.clients.raw import Line
from tests.dataplane.clients.trust import trusting
from tests.measured import Measured
from tests.real.images import REGISTRY
from tests.real.load import Account, Traffic, traffic
from tests.real.load.changes import PATIENCE, delete, restart, settle, tag
from tests.real.load.pods import name, node, pods, ready, restarts, roles_on
from tests.real.load.stored import elected_master
from tests.real.site import Installation
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.own_nodes("breaks nodes, and connects from outside"), pytest.mark.timeout(600)]

_API, _BALANCER = "track-api", "track-balancer"
_API_IMAGE, _GUI_IMAGE, _APM_IMAGE = (f"{REGISTRY}/tracardi/{name}" for name in ("tracardi-api", "tracardi-gui", "apm"))
_BEFORE_SECONDS = 3.0
_AFTER_SECONDS = 5.0
_DNS_SECONDS = 60.0
"""A look-up keeps to the server that its first question went to, and gives up after two questions of 5 s each."""
_POWER_SECONDS = 90.0
"""Elasticsearch counts a node out after three checks of 10 s each. Where it was the elected master, the next one waits
30 s more for what that node is to confirm. Kubernetes, and clients of a balancer there, are quicker."""
_LIKE_NOW_SECONDS = 1.0
"""How much a moment of the test and one of the load may differ on a busy machine."""


def _nothing_failed(account: Account) -> None:
    assert account.outcome.sent > 0
    assert not account.lost, account.explained()
    assert not account.failed.records, account.explained()
    assert not account.twice, account.explained()


def test_pods_that_are_deleted_one_after_the_other_fail_no_request(
    production: Installation, measured: Measured
) -> None:
    with traffic(production) as load:
        time.sleep(_BEFORE_SECONDS)
        for role in (_API, _BALANCER):
            for pod in pods(production, role):
                delete(production, role, pod)
        settle(production)
        time.sleep(_AFTER_SECONDS)

    account = load.account()
    measured("each collector and each balancer deleted", account)
    _nothing_failed(account)


def test_drained_nodes_fail_no_request(production: Installation, measured: Measured) -> None:
    places, evicted, left = _without_single_stores(production), set[str](), set[str]()
    with traffic(production) as load:
        time.sleep(_BEFORE_SECONDS)
        for place in places:
            evicted |= roles_on(production, place)
            production.kubectl(
                "drain", place, "--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={PATIENCE}s"
            )
            left |= roles_on(production, place)
            production.kubectl("uncordon", place)
            settle(production)
        time.sleep(_AFTER_SECONDS)

    account = load.account()
    measured(f"{len(places)} nodes drained ({len(evicted)} roles), one after the other, and back", account)
    # Each has three pods on four nodes, so one of any two nodes has it.
    assert {_API, "elasticsearch"} <= evicted
    assert not left
    _nothing_failed(account)


def test_a_new_image_fails_no_request(production: Installation, measured: Measured) -> None:
    """And another certificate with it: each deployment gives the entries one."""
    other = f"{DEFAULT_RELEASE}-{int(time.time())}"
    # The console's and the services' too: they have to be of the API's own build.
    for image in (_API_IMAGE, _GUI_IMAGE, _APM_IMAGE):
        tag(production, f"{image}:{DEFAULT_RELEASE}", f"{image}:{other}")
    production.change(
        platform__images__api__tag=other,
        platform__images__gui__tag=other,
        services__apm__image__tag=other,
    )
    with traffic(production) as load:
        time.sleep(_BEFORE_SECONDS)
        began = load.now()
        production.up()
        took = load.now() - began
        settle(production)
        time.sleep(_AFTER_SECONDS)

    account = load.account()
    measured(f"new image ({took:.0f} s)", account)
    for role, image in ((_API, _API_IMAGE), ("gui-api", _API_IMAGE), ("gui", _GUI_IMAGE), ("apm", _APM_IMAGE)):
        assert {pod["spec"]["containers"][0]["image"] for pod in pods(production, role)} == {f"{image}:{other}"}
    _nothing_failed(account)


def test_balancers_that_are_restarted_fail_no_request(production: Installation, measured: Measured) -> None:
    before = {name(pod) for pod in pods(production, _BALANCER)}
    with traffic(production) as load:
        time.sleep(_BEFORE_SECONDS)
        restart(production, "track", [_BALANCER])
        restart(production, "console", ["gui-api-balancer", "gui-balancer"])
        settle(production)
        time.sleep(_AFTER_SECONDS)

    account = load.account()
    measured("every balancer restarted", account)
    assert not before & {name(pod) for pod in pods(production, _BALANCER)}
    _nothing_failed(account)


def test_a_renewed_certificate_is_served_and_fails_no_request(production: Installation, measured: Measured) -> None:
    before = restarts(production)
    old = _served(production)
    with traffic(production) as load:
        time.sleep(_BEFORE_SECONDS)
        production.provide_certificates()
        began = load.now()
        wait_until("all balancers to serve another certificate", lambda: not _served(production) & old, seconds=300)
        took = load.now() - began
        time.sleep(_AFTER_SECONDS)

    account = load.account()
    measured(f"certificate renewed (served after {took:.0f} s)", account)
    assert restarts(production) == before
    _nothing_failed(account)


def test_a_changed_password_of_the_administrator_fails_no_request(production: Installation, measured: Measured) -> None:
    """The passwords of stores cannot be changed yet, and their counters are refused."""
    usual = production.secret("console", "installation-credentials", "admin-password")
    other = secrets.token_urlsafe(24)
    with traffic(production) as load, production.client_of("guiApi", production.machine.trusted) as console:
        time.sleep(_BEFORE_SECONDS)
        for old, new in ((usual, other), (other, usual)):
            token = _token(production, console, old)
            _change_password(console, token, new)
            with pytest.raises(httpx.HTTPStatusError):
                _token(production, console, old)
            # A token outlives the password that it was got for, unless its owner logs out.
            assert _account(console, token).status_code == http.HTTPStatus.OK
            console.post("/user/logout", headers=_bearer(token))
            assert _account(console, token).status_code != http.HTTPStatus.OK
            _token(production, console, new)
        time.sleep(_AFTER_SECONDS)

    account = load.account()
    measured("administrator's password changed, and back", account)
    _nothing_failed(account)


def test_a_killed_collector_fails_no_more_than_it_worked_on(production: Installation, measured: Measured) -> None:
    victim = pods(production, _API)[0]
    with traffic(production) as load:
        time.sleep(_BEFORE_SECONDS)
        killed = load.now()
        production.machine.kill(victim)
        wait_until("it to be started again", lambda: restarts(production)[_API] > 0, seconds=PATIENCE)
        settle(production)
        time.sleep(_AFTER_SECONDS)
    # One that was never started again takes its place.
    delete(production, _API, victim)

    account = load.account()
    measured("collector killed (-9)", account)
    assert not account.lost, account.explained()
    late = account.failed.where(lambda record: not _under_way(killed, record.at, record.until))
    assert not late.records, account.explained()


def test_a_node_that_loses_its_power_fails_requests_for_a_while_only(
    production: Installation, measured: Measured
) -> None:
    places, machine = _without_single_stores(production), production.machine
    (master,) = [node(pod) for pod in pods(production, "elasticsearch") if name(pod) == elected_master(production)]
    place = max(places, key=lambda each: (each == master, _BALANCER in roles_on(production, each)))
    what = "node with Elasticsearch's elected master" if place == master else "node"
    with traffic(production) as load:
        time.sleep(_BEFORE_SECONDS)
        off = load.now()
        machine.switch_off(place)
        wait_until(f"{place} to be taken for lost", lambda: not machine.is_ready(place), seconds=PATIENCE)
        silent = load.now() - off
        _await_good_events(load, seconds=10)
        machine.switch_on(place)
        settle(production)
        time.sleep(_AFTER_SECONDS)

    account = load.account()
    last = max((record.at - off for record in account.failed.records), default=0.0)
    measured(f"{what} without power (noticed after {silent:.0f} s)", account)
    measured(f"{what} without power: last request that failed", f"sent after {last:.0f} s")
    assert not account.lost, account.explained()
    late = account.failed.begun(after=off + _POWER_SECONDS)
    assert not late.records, account.explained()


def test_a_killed_dns_server_fails_requests_for_a_moment_only(production: Installation, measured: Measured) -> None:
    path = "/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns"
    with traffic(production) as load:
        time.sleep(_BEFORE_SECONDS)
        killed = load.now()
        production.machine.kill(production.client.items(path)[0])
        time.sleep(_AFTER_SECONDS)
        wait_until("DNS to be back", lambda: all(map(is_ready, production.client.items(path))), seconds=PATIENCE)
        _await_good_events(load, seconds=_AFTER_SECONDS)

    account = load.account()
    measured("one DNS server of three killed (-9)", account)
    assert not account.lost, account.explained()
    late = account.failed.begun(after=killed + _DNS_SECONDS)
    assert not late.records, account.explained()


def _without_single_stores(production: Installation) -> list[str]:
    """The nodes with neither Redis nor MySQL, whose loss is an outage: two at least.

    Raises:
        AssertionError: there are fewer.
    """
    taken = {node(pod) for role in ("redis", "mysql") for pod in pods(production, role)}
    free = [place for place in production.machine.nodes if place not in taken]
    assert len(free) > 1
    return free


def _served(production: Installation) -> set[bytes]:
    """The certificates that the balancers of the public entry serve."""
    tls, host = trusting(production.authority), production.host("track")
    found: set[bytes] = set()
    for pod in ready(production, _BALANCER):
        place = production.machine.pod(pod)
        with Line(place, place.address, 8443, tls=tls, server_name=host) as line:
            found.add(line.handshake().certificate)
    return found


def _await_good_events(load: Traffic, seconds: float) -> None:
    """Wait until whatever was sent for so long has been accepted."""

    def good() -> bool:
        recent = load.outcome().begun(after=load.now() - seconds)
        return recent.sent > 0 and set(recent.statuses) == {http.HTTPStatus.OK} and not recent.failed

    wait_until(f"{seconds:.0f} s without a failure", good, seconds=PATIENCE)


def _under_way(moment: float, at: float, until: float) -> bool:
    return at - _LIKE_NOW_SECONDS <= moment <= until + _LIKE_NOW_SECONDS


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _account(console: Client, token: str) -> httpx.Response:
    return console.get("/user-account", headers=_bearer(token))


def _token(production: Installation, console: Client, password: str) -> str:
    email = production.configuration["tracardi:installation"]["adminEmail"]
    body = str(httpx.QueryParams({"username": email, "password": password})).encode()
    answer = console.post("/user/token", headers={"Content-Type": "application/x-www-form-urlencoded"}, content=body)
    return str(answer.raise_for_status().json()["access_token"])


def _change_password(console: Client, token: str, password: str) -> None:
    known: JsonObject = _account(console, token).raise_for_status().json()
    content = json.dumps({"password": password, "full_name": known["full_name"]}).encode()
    console.post("/user-account", headers=_bearer(token), content=content).raise_for_status()
