"""Where TLS reaches all the way, balancers send requests to nobody but instances that prove who they are."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import trustme

from model.ports import Port
from model.roles import Role
from settings.root import Settings
from tests.dataplane.clients.hello import TLS10, TLS11, TLS12, Chosen, Refused, Server
from tests.dataplane.clients.raw import Exchange, exchange
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod
from tests.dataplane.cluster.objects import Objects
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.authorities import Serving, Signed, signed
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.installation.variants import (
    await_entry,
    deployment,
    one_more,
    text_of,
    unselected,
    with_secret,
    with_text,
)
from tests.dataplane.scenarios.steady import Steady, steady
from tests.measured import Measured
from tests.unit.engine import JsonObject, Recording

_SUITES = frozenset({0xC02B, 0xC02C, 0xCCA9})
_DOWN_SECONDS = 20.0
"""`inter 2s fall 3`, on a machine that is busy starting pods."""
_ENDS_SECONDS = 20.0
_ENDING = "ends while it runs"
_MORE = 20
_FAR = 30

_BEHIND = {
    Role.TRACK_BALANCER: Role.TRACK_API,
    Role.GUI_API_BALANCER: Role.GUI_API,
    Role.GUI_BALANCER: Role.GUI,
}
_PATHS = {Role.TRACK_BALANCER: "/tracker/", Role.GUI_API_BALANCER: "/healthcheck", Role.GUI_BALANCER: "/page"}
_GOOD = 2
_EDGE = small(track__replicas={"min": 2, "max": 8}, track__routes=["tracker"], guiApi__replicas=8, gui__replicas=8)
_Recorded = Callable[[dict[str, Any]], tuple[Settings, Recording]]


@pytest.fixture(scope="module")
def site(sites: Sites) -> Site:
    """All three entries, with two instances each and slots for many more."""
    site = sites({**_EDGE, "tracardi:certificates": {"source": "generated", "encryption": "full"}}, dns_seconds=0.2)
    for balancer, instance in _BEHIND.items():
        site.run(instance, _GOOD)
        site.run(balancer, 1)
    for balancer in _BEHIND:
        await_entry(site, balancer)
    return site


@dataclass(frozen=True)
class Impostors:
    """Pods behind an entry that balancers must not send requests to, by what is wrong with each."""

    pods: dict[str, Pod]
    requests: Steady
    """What visitors got from before the first one was there until after the last one was found out."""
    found_out: list[int] = field(default_factory=list)
    """How many requests were answered by then."""


_KINDS = ("another name", "expired", "not yet valid", "another authority", "plain")


def _certificates(serving: Serving) -> dict[str, Signed]:
    authority, hosts = serving.authority, serving.hosts
    return {
        "another name": signed(authority, [hosts[0].replace(".", "-other.", 1), "localhost"]),
        "expired": signed(authority, hosts, begins=-_FAR, ends=-1 / 24),
        "not yet valid": signed(authority, hosts, begins=1 / 24, ends=_FAR),
        "another authority": signed(trustme.CA(), hosts),
        _ENDING: signed(authority, hosts, ends=_ENDS_SECONDS / 86_400),
    }


def _plain(site: Site, role: Role, edge: Objects) -> JsonObject:
    """As instances are where TLS ends at the balancers."""
    manifest = next(each for each in edge.of_kind("Deployment") if each["metadata"]["name"] == role.value)
    if role is not Role.GUI:
        return manifest
    text = edge.config_map(manifest["metadata"]["namespace"], role.value)["nginx.conf"]
    return with_text(manifest, "configuration", "nginx.conf", text, site)


@pytest.fixture(scope="module")
def impostors(site: Site, recorded: _Recorded) -> Iterator[dict[Role, Impostors]]:
    """One of each kind behind each entry, come one after the other while visitors send requests."""
    edge = Objects(recorded(_EDGE)[1])
    with ExitStack() as pods, ExitStack() as visitors:
        came = {role: Impostors({}, visitors.enter_context(steady(site, role, _PATHS[role]))) for role in _BEHIND}
        for kind in (_ENDING, *_KINDS):
            for balancer, instance in _BEHIND.items():
                if kind == "plain":
                    manifest = _plain(site, instance, edge)
                else:
                    data = _certificates(Serving(site, instance))[kind]
                    manifest = with_secret(deployment(site, instance), "tls", data, site)
                came[balancer].pods[kind] = pods.enter_context(one_more(site, instance, manifest, waits=False))
            for balancer, those in came.items():
                if kind == _ENDING:
                    until(lambda those=those: _asked(those, _ENDING), those.pods[kind].log, _DOWN_SECONDS)  # type: ignore[misc]  # mypy infers no type for a default
                else:
                    _await(site, balancer, known=_GOOD + len(those.pods), up=_GOOD + 1)
        for balancer, those in came.items():
            _await(site, balancer, known=_GOOD + len(those.pods), up=_GOOD, seconds=_ENDS_SECONDS + _DOWN_SECONDS)
            those.found_out.append(len(those.requests.answered))
        until(
            lambda: all(len(each.requests.answered) > each.found_out[0] + _MORE for each in came.values()),
            lambda: "no more requests",
            _DOWN_SECONDS,
        )
        visitors.close()
        yield came


def _asked(impostors: Impostors, kind: str) -> bool:
    pod = impostors.pods[kind]
    return pod.name in impostors.requests.instances or '"GET /page"' in pod.log()


def _metrics(site: Site, role: Role, balancer: Pod, path: str = "/metrics") -> Exchange:
    host = site.host(role)
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    port, tls = int(Port.BALANCER_METRICS), trusting(site.authority)
    return exchange(site.world.router, balancer.address, port, request, tls, host)


def _servers(site: Site, role: Role, balancer: Pod | None = None) -> dict[str, list[str]]:
    """The server slots that hold an address, by their state."""
    pod = balancer or site.cluster.workloads[role].pods[0]
    told = _metrics(site, role, pod).answer.body.decode()
    found = re.findall(
        r'^haproxy_server_(?:check_)?status\{proxy="instances",server="(\w+)",state="(\w+)"\} 1$', told, re.MULTILINE
    )
    return {state: sorted(server for server, of in found if of == state) for _, state in found}


def _await(
    site: Site, role: Role, *, known: int, up: int, balancer: Pod | None = None, seconds: float = _DOWN_SECONDS
) -> None:
    """Wait until the balancer knows so many instances, and takes at most `up` of them for healthy."""

    def counted() -> bool:
        servers = _servers(site, role, balancer)
        healthy, others = len(servers.get("UP", ())), len(servers.get("DOWN", ()))
        return healthy + others == known and healthy <= up

    until(counted, lambda: f"{role}: {_servers(site, role, balancer)}", seconds)


@pytest.mark.parametrize("role", _BEHIND)
def test_whoever_does_not_prove_its_name_gets_no_request_and_costs_none(
    site: Site, impostors: dict[Role, Impostors], role: Role, measured: Measured
) -> None:
    came = impostors[role]
    good = {pod.name for pod in site.cluster.workloads[_BEHIND[role]].pods[:_GOOD]}

    failed, sent = came.requests.bad, len(came.requests.answered)
    measured(f"{role}: failed requests while impostors came", f"{len(failed)} of {sent}")
    assert not failed
    assert not [kind for kind in _KINDS if _asked(came, kind)]
    if role is not Role.GUI_BALANCER:
        assert came.requests.instances == good | {came.pods[_ENDING].name}


@pytest.mark.parametrize("role", [Role.TRACK_BALANCER, Role.GUI_API_BALANCER])
def test_an_instance_whose_certificate_ends_while_it_runs_gets_no_more_requests(
    impostors: dict[Role, Impostors], role: Role
) -> None:
    came = impostors[role]
    found_out, ending = came.found_out[0], came.pods[_ENDING].name

    assert ending in {instance for _, instance in came.requests.answered[:found_out]}
    # One may have been on its way.
    assert ending not in {instance for _, instance in came.requests.answered[found_out + 1 :]}


@pytest.mark.parametrize("role", _BEHIND)
def test_they_are_down_for_balancers_though_kubernetes_takes_them_for_ready(
    site: Site, impostors: dict[Role, Impostors], role: Role
) -> None:
    servers = _servers(site, role)

    assert all(pod.ready for pod in impostors[role].pods.values())
    assert len(servers["DOWN"]) == len(impostors[role].pods)
    assert servers["DOWN"] == servers["L6RSP"], "not TLS was the reason"


def test_without_verification_most_of_them_would_get_requests(site: Site, impostors: dict[Role, Impostors]) -> None:
    role = Role.TRACK_BALANCER
    manifest = unselected(deployment(site, role))
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    text = re.sub(r"verify required .* alpn http/1.1 ", "verify none alpn http/1.1 ", text)
    assert "verify none" in text

    with one_more(site, role, with_text(manifest, "configuration", "haproxy.cfg", text, site)) as balancer:
        known = _GOOD + len(impostors[role].pods)
        _await(site, role, known=known, up=known - 1, balancer=balancer)
        assert len(_servers(site, role, balancer)["DOWN"]) == 1, "the one that speaks no TLS"


@pytest.mark.parametrize("role", _BEHIND.values())
def test_instances_speak_nothing_older_than_tls_1_2_and_no_weak_suite(site: Site, role: Role) -> None:
    pod = site.cluster.workloads[role].pods[0]
    server = Server(site.world.router, pod.address, int(Port.HTTP), Serving(site, role).hosts[0])

    assert isinstance(server.greet(TLS10), Refused)
    assert isinstance(server.greet(TLS11), Refused)
    assert isinstance(server.greet(TLS12), Chosen)
    assert server.suites(TLS12) == _SUITES


@pytest.mark.parametrize("role", _BEHIND.values())
def test_instances_answer_nothing_without_tls(site: Site, role: Role) -> None:
    pod = site.cluster.workloads[role].pods[0]
    request = b"GET /env-config.js HTTP/1.1\r\nHost: localhost\r\n\r\n"

    said = exchange(site.world.router, pod.address, int(Port.HTTP), request)

    # nginx says what is wrong, and nothing else.
    assert said.statuses == ([400] if role is Role.GUI else [])


@pytest.mark.parametrize("role", _BEHIND)
def test_metrics_are_told_over_tls_alone(site: Site, role: Role) -> None:
    pod = site.cluster.workloads[role].pods[0]
    plain = exchange(site.world.router, pod.address, int(Port.BALANCER_METRICS), b"GET /metrics HTTP/1.0\r\n\r\n")

    assert plain.received == b""
    assert _metrics(site, role, pod, "/healthz").answer.status == 200
    assert _metrics(site, role, pod, "/").answer.status == 404
