"""Secrets renewed by others reach the serving processes, and no client notices.

What is measured begins when the files in the pods have changed. The kubelet brings a changed Secret there within about
a minute, which is not simulated; together it is well inside the five minutes that are promised.
"""

import time
from contextlib import ExitStack

import pytest
import trustme

from model.ports import Port
from model.roles import Role, Tier
from tests.dataplane.clients.raw import Line
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.authorities import Serving, Signed, signed
from tests.dataplane.installation.entries import bad, unhindered, without_dns
from tests.dataplane.installation.providers import Plugins, provide
from tests.dataplane.installation.sites import small
from tests.dataplane.scenarios.renewals import SLACK_SECONDS, Logs, Renewals, leaf
from tests.measured import Measured

_LOOKS_SECONDS = {Role.TRACK_BALANCER: 10, Role.TRACK_API: 15, Role.GUI: 10}
"""How often each looks at its files: supervise.sh and serve.py."""
_RATE = 60
_AWAY_SECONDS = 3.0
_AGAIN_SECONDS = 0.5
_RESOLVER_SECONDS = 20.0
"""libc asks again after 5 s, for several names."""
_SECRETS = {"track": "track-web", "guiApi": "api-web", "gui": "gui-web"}
_FULL = small(
    certificates={"source": "provided", "secrets": _SECRETS, "encryption": "full"},
    track__routes=["tracker"],
    track__balancer__requestsPerSecond=100_000,
)
_REFUSALS = {Role.TRACK_BALANCER: "[ALERT]", Role.TRACK_API: "keeps the certificate it has", Role.GUI: "[emerg]"}
"""What each says of a certificate that it cannot use."""


class Provided:
    """Renewals of a public certificate that others provide, and of inner ones that the program makes."""

    def __init__(self, sites: Sites, *, quick: bool) -> None:
        site = sites(_FULL)
        self.authority = trustme.CA()
        provide(site.objects, site.settings, self.authority)
        self.renewals = Renewals(site, self.authority.cert_pem.bytes().decode(), quick)
        self.namespace = str(site.recording.outputs["namespaces"][Tier.TRACK])

    def another(self) -> Signed:
        """A public certificate that nobody has seen yet."""
        return signed(self.authority, [self.renewals.host])

    def renew(self, role: Role, data: Signed) -> None:
        """Put `data` into the Secret of `role`, and into its pods."""
        cluster, serving = self.renewals.site.cluster, Serving(self.renewals.site, role)
        if role is Role.TRACK_BALANCER:
            cluster.renew(self.namespace, _SECRETS["track"], data)
        else:
            cluster.renew(serving.namespace, serving.secret, data)


@pytest.fixture(scope="module")
def usual(sites: Sites) -> Provided:
    """Everything looks as often as the program has it."""
    return Provided(sites, quick=False)


@pytest.fixture(scope="module")
def quick(sites: Sites) -> Provided:
    """Everything looks every second."""
    return Provided(sites, quick=True)


def test_renewed_certificates_are_served_in_time_while_requests_go_on(
    usual: Provided, plugins: Plugins, measured: Measured
) -> None:
    renewals = usual.renewals
    renewed = {
        Role.TRACK_BALANCER: usual.another(),
        Role.GUI: Serving(renewals.site, Role.GUI).rotated(plugins),
        Role.TRACK_API: Serving(renewals.site, Role.TRACK_API).rotated(plugins),
    }
    loads = {
        "kept HTTP/1.1": renewals.load(),
        "HTTP/2": renewals.load(http2=True),
        "new connections": renewals.load(reuse=False),
    }
    with ExitStack() as visitors:
        runs = {kind: visitors.enter_context(load.running(_RATE)) for kind, load in loads.items()}
        began = time.monotonic()
        for role, data in renewed.items():
            usual.renew(role, data)
        for role, data in renewed.items():
            took = renewals.await_shown(role, data, _LOOKS_SECONDS[role] + SLACK_SECONDS) - began
            measured(f"renewed certificate of {role}: seconds at most until served", f"{took:.1f}")

    for kind, run in runs.items():
        outcome = run.outcome()
        measured(f"renewal, {kind}: failed requests", f"{bad(outcome).sent} of {outcome.sent}")
        assert not bad(outcome).records, str(outcome)


@pytest.mark.parametrize("kind", ["kept", "http2", "new"])
def test_many_renewals_in_a_row_cost_no_request(quick: Provided, kind: str, measured: Measured) -> None:
    load = quick.renewals.load(http2=kind == "http2", reuse=kind != "new")
    with load.running(2 * _RATE) as run:
        for _ in range(3):
            data = quick.another()
            quick.renew(Role.TRACK_BALANCER, data)
            quick.renewals.await_shown(Role.TRACK_BALANCER, data)

    outcome = run.outcome()
    measured(f"three renewals, {kind}: failed requests", f"{bad(outcome).sent} of {outcome.sent}")
    assert not bad(outcome).records, str(outcome)
    # A worker that has just begun knows one address for all slots.
    assert min(outcome.instances.values()) > outcome.sent / 3, str(outcome.instances)
    assert len(outcome.instances) == len(quick.renewals.pods(Role.TRACK_API))


def test_a_balancer_does_not_reload_into_an_outage_of_dns(quick: Provided, measured: Measured) -> None:
    data, balancer = quick.another(), quick.renewals.pods(Role.TRACK_BALANCER)[0]
    with quick.renewals.load(reuse=False).running(_RATE) as run:
        without_dns(balancer)
        logs = Logs([balancer])
        _bring(quick, balancer, data)
        logs.await_words("sending USR2")
        since = run.now()
        until(lambda: run.now() > since + _AWAY_SECONDS, lambda: "", 2 * _AWAY_SECONDS)
        unhindered(balancer)
        quick.renewals.await_shown(Role.TRACK_BALANCER, data, _RESOLVER_SECONDS, pods=[balancer])
    quick.renew(Role.TRACK_BALANCER, data)

    outcome = run.outcome()
    measured("reload without DNS for 3 s: failed requests", f"{bad(outcome).sent} of {outcome.sent}")
    assert not bad(outcome).records, str(outcome)


def test_a_connection_from_before_carries_its_next_request(quick: Provided) -> None:
    renewals = quick.renewals
    request = f"GET /tracker/ HTTP/1.1\r\nHost: {renewals.host}\r\n\r\n".encode()
    address, port = renewals.pods(Role.TRACK_BALANCER)[0].address, int(Port.BALANCER_HTTPS)
    with Line(renewals.site.visitor, address, port, tls=trusting(renewals.ca), server_name=renewals.host) as connection:
        connection.send(request)
        assert connection.hear().statuses == [200]
        data = quick.another()
        quick.renew(Role.TRACK_BALANCER, data)
        renewals.await_shown(Role.TRACK_BALANCER, data)

        connection.send(request)

        assert connection.hear().statuses == [200, 200]


def _broken(good: Signed, other: Signed) -> dict[str, Signed]:
    return {
        "garbage": {**good, "tls.crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        "a key of another": {**other, "tls.key": good["tls.key"]},
        "a certificate of another": {**good, "tls.crt": other["tls.crt"]},
        "empty": {**good, "tls.crt": b"", "tls.key": b""},
    }


@pytest.mark.parametrize("kind", list(_broken({"tls.crt": b"", "tls.key": b""}, {"tls.crt": b"", "tls.key": b""})))
def test_a_renewal_that_cannot_be_used_is_told_and_left_aside_until_a_good_one_comes(
    quick: Provided, plugins: Plugins, kind: str
) -> None:
    renewals = quick.renewals
    before = _shown(renewals)
    with renewals.load(reuse=False).running(_RATE) as run:
        for role, words in _REFUSALS.items():
            logs = Logs(renewals.pods(role))
            good, other = _next(quick, plugins, role), _next(quick, plugins, role)
            quick.renew(role, _broken(good, other)[kind])
            logs.await_words(words)
        after = _shown(renewals)
        for role in _REFUSALS:
            data = _next(quick, plugins, role)
            quick.renew(role, data)
            renewals.await_shown(role, data)

    assert after == before
    assert not bad(run.outcome()).records, str(run.outcome())


def _shown(renewals: Renewals) -> dict[Role, list[bytes]]:
    """What every pod shows, seen twice in a row: a worker from before a reload may answer one more connection."""
    seen: list[dict[Role, list[bytes]]] = []
    while len(seen) < 2 or seen[-1] != seen[-2]:
        time.sleep(_AGAIN_SECONDS)
        seen.append({role: [renewals.shown(role, pod) for pod in renewals.pods(role)] for role in _REFUSALS})
    return seen[-1]


def _next(provided: Provided, plugins: Plugins, role: Role) -> Signed:
    if role is Role.TRACK_BALANCER:
        return provided.another()
    return Serving(provided.renewals.site, role).rotated(plugins)


def test_a_balancer_that_leaves_takes_a_renewal_and_ends_in_time_even_after_a_broken_one(
    quick: Provided, measured: Measured
) -> None:
    renewals = quick.renewals
    workload, good = renewals.site.cluster.workloads[Role.TRACK_BALANCER], quick.another()
    workload.scale(4)
    renewing, refusing = workload.pods[:2]
    with renewals.load().running(_RATE) as run:
        gone = [workload.delete(pod) for pod in (renewing, refusing)]
        refused = Logs([refusing])
        _bring(quick, refusing, {**good, "tls.key": b""})
        _bring(quick, renewing, good)
        renewals.await_shown(Role.TRACK_BALANCER, good, pods=[renewing])
        refused.await_words(_REFUSALS[Role.TRACK_BALANCER])
        began = time.monotonic()
        assert all(each.wait(renewing.grace_seconds) for each in gone)
    quick.renew(Role.TRACK_BALANCER, good)

    measured("two balancers left amid a renewal: failed requests", f"{bad(run.outcome()).sent} of {run.outcome().sent}")
    measured("they were gone after seconds", f"{time.monotonic() - began:.1f}")
    assert not bad(run.outcome()).records, str(run.outcome())
    assert not [pod.name for pod in (renewing, refusing) if pod.overran]


def _bring(provided: Provided, pod: Pod, data: Signed) -> None:
    provided.renewals.site.objects.put_secret(provided.namespace, _SECRETS["track"], data)
    pod.volumes.refresh()


def test_the_certificate_in_a_secret_is_what_is_compared() -> None:
    authority = trustme.CA()

    assert leaf(signed(authority, ["a.test"])) != leaf(signed(authority, ["a.test"]))
