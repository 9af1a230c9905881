"""When a balancer gets clients: once an instance has answered its probe; then for good, though instances go."""

import contextlib
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

import pytest

from model.encryption import Encryption
from model.lifecycle import READINESS
from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.answers import Answer
from tests.dataplane.clients.raw import exchange
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.authorities import Serving, signed
from tests.dataplane.installation.entries import Entry, unhindered, up, without_instances
from tests.dataplane.installation.providers import Plugins
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.installation.variants import await_entry, deployment, one_more, text_of, with_secret, with_text
from tests.dataplane.scenarios.renewals import Logs
from tests.unit.engine import JsonObject

_ROLE = Role.TRACK_BALANCER
_STARTS_SECONDS = 10.0
_CHECKED_SECONDS = 15.0
"""DNS is asked each second, instances every 2 s; on a machine that is busy starting pods."""
_NOTICED_SECONDS = READINESS.period * READINESS.failures
"""After so long, the kubelet knows of a pod that is not ready."""
_CHECKS = re.compile(r'^haproxy_server_check_status\{proxy="instances",server="\w+",state="(\w+)"\} 1$', re.MULTILINE)
_NO_CONNECTION, _NO_PROOF, _BAD_ANSWER = "L4TOUT", "L6RSP", "L7STS"
"""HAProxy's words for what became of a check."""


@pytest.fixture(scope="module", params=list(Encryption))
def site(request: pytest.FixtureRequest, sites: Sites) -> Site:
    """No pods yet."""
    certificates = {"source": "generated", "encryption": request.param.value}
    site = sites(small(certificates=certificates), dns_seconds=0.2, service_seconds=0.2)
    site.run(Role.TRACK_API, 0)
    site.run(_ROLE, 0)
    return site


def _instance(site: Site, manifest: JsonObject | None = None) -> contextlib.AbstractContextManager[Pod]:
    """Kubernetes takes it for ready, and DNS knows it."""
    return one_more(site, Role.TRACK_API, manifest or deployment(site, Role.TRACK_API))


@contextmanager
def _balancer(site: Site, manifest: JsonObject | None = None) -> Iterator[Pod]:
    """It answers its liveness probe."""
    with one_more(site, _ROLE, manifest or deployment(site, _ROLE), waits=False) as balancer:

        def alive() -> bool:
            with contextlib.suppress(OSError):
                return _says(site, balancer, "/healthz").status == HTTPStatus.OK
            return False

        until(alive, balancer.log, _STARTS_SECONDS)
        yield balancer


def _rewritten(site: Site, old: str, new: str) -> JsonObject:
    """A balancer whose configuration says something else."""
    manifest = deployment(site, _ROLE)
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    assert text.count(old) == 1, text
    return with_text(manifest, "configuration", "haproxy.cfg", text.replace(old, new), site)


def _says(site: Site, balancer: Pod, path: str) -> Answer:
    host = site.host(_ROLE)
    tls = trusting(site.authority) if site.settings.certificates.encryption is Encryption.FULL else None
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    return exchange(site.world.router, balancer.address, int(Port.BALANCER_METRICS), request, tls, host).answer


def _startup(site: Site, balancer: Pod) -> int:
    return _says(site, balancer, "/startupz").status


def _await_check(site: Site, balancer: Pod, outcome: str) -> None:
    def found() -> list[str]:
        return _CHECKS.findall(_says(site, balancer, "/metrics").body.decode())

    until(lambda: outcome in found(), lambda: str(found()), _CHECKED_SECONDS)


def test_a_balancer_that_has_met_no_instance_is_alive_and_has_not_started(site: Site) -> None:
    with _balancer(site) as balancer:
        assert _startup(site, balancer) == HTTPStatus.SERVICE_UNAVAILABLE


def test_a_balancer_is_ready_once_it_reaches_an_instance(site: Site) -> None:
    with _balancer(site) as balancer:
        without_instances(balancer)
        with _instance(site):
            _await_check(site, balancer, _NO_CONNECTION)
            before = _startup(site, balancer), balancer.ready
            unhindered(balancer)
            site.cluster.workloads[_ROLE].wait([balancer])
            after = _startup(site, balancer)

    assert before == (HTTPStatus.SERVICE_UNAVAILABLE, False)
    assert after == HTTPStatus.OK


def test_an_instance_that_answers_its_probe_badly_makes_no_balancer_ready(site: Site) -> None:
    asks_for_another_page = _rewritten(site, " uri /healthcheck ", " uri /none ")

    with _instance(site), _balancer(site, asks_for_another_page) as balancer:
        _await_check(site, balancer, _BAD_ANSWER)

        assert _startup(site, balancer) == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("site", [Encryption.FULL], indirect=True)
def test_an_instance_that_does_not_prove_its_name_makes_no_balancer_ready(site: Site) -> None:
    authority = Serving(site, Role.TRACK_API).authority
    impostor = with_secret(deployment(site, Role.TRACK_API), "tls", signed(authority, ["localhost"]), site)

    with _instance(site, impostor), _balancer(site) as balancer:
        _await_check(site, balancer, _NO_PROOF)

        assert _startup(site, balancer) == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("site", [Encryption.EDGE], indirect=True)
def test_a_balancer_whose_instances_are_all_gone_stays_ready_and_tells_clients(site: Site) -> None:
    hasty = _rewritten(site, " inter 2s fall 3 ", " inter 200ms fall 1 ")

    with ExitStack() as instances:
        instances.enter_context(_instance(site))
        with _balancer(site, hasty) as balancer:
            await_entry(site, _ROLE)
            instances.close()
            until(lambda: not up(balancer), balancer.log, _CHECKED_SECONDS)

            assert balancer.ready
            with Entry(site).client(site.visitor) as client:
                assert client.track("too-late").status_code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("site", [Encryption.EDGE], indirect=True)
def test_a_balancer_that_reloads_while_no_instance_answers_stays_ready(site: Site, plugins: Plugins) -> None:
    serving, manifest = Serving(site, _ROLE), deployment(site, _ROLE)
    looks = {"name": "SUPERVISE_SECONDS", "value": "1"}
    manifest["spec"]["template"]["spec"]["containers"][0].setdefault("env", []).append(looks)

    with _instance(site), _balancer(site, manifest) as balancer:
        site.cluster.workloads[_ROLE].wait([balancer])
        without_instances(balancer)
        logs = Logs([balancer])
        site.cluster.renew(serving.namespace, serving.secret, serving.rotated(plugins))
        # Until it has ended, the worker from before may answer.
        logs.await_words("Former worker")
        deadline = time.monotonic() + _NOTICED_SECONDS
        while time.monotonic() < deadline:
            assert balancer.ready, balancer.log()
            time.sleep(1)

        # What the new worker would say by itself.
        assert _startup(site, balancer) == HTTPStatus.SERVICE_UNAVAILABLE
