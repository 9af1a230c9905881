"""A stack's own certificates and authorities replaced, by `pulumi up` or by an issuer, while requests go on."""

import time
from contextlib import ExitStack

import pytest
import trustme

from model.roles import Role
from tests.dataplane.clients.run import Run
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.authorities import Serving, Signed, signed
from tests.dataplane.installation.entries import bad
from tests.dataplane.installation.providers import Plugins
from tests.dataplane.installation.sites import small
from tests.dataplane.scenarios.renewals import TAKEN, Logs, Renewals
from tests.measured import Measured

_RATE = 60
_OUTAGE_SECONDS = 20.0
_RECOVERY_SECONDS = 20.0
_WINDOW_SECONDS = 4.0
"""Two rounds of checks."""


@pytest.fixture(scope="module")
def renewals(sites: Sites) -> Renewals:
    """TLS all the way, all certificates of the stack's own."""
    site = sites(
        small(
            certificates={"source": "generated", "encryption": "full"},
            track__balancer__requestsPerSecond=100_000,
        )
    )
    return Renewals(site, site.authority, quick=True)


@pytest.fixture
def instances(renewals: Renewals) -> Serving:
    """The certificate of the instances, whose authority balancers verify them with."""
    return Serving(renewals.site, Role.TRACK_API)


def _renew(renewals: Renewals, serving: Serving, data: Signed) -> None:
    renewals.site.cluster.renew(serving.namespace, serving.secret, data)


def test_the_rotation_counter_replaces_certificates_and_keys_without_a_failed_request(
    renewals: Renewals, plugins: Plugins, measured: Measured
) -> None:
    with ExitStack() as visitors:
        runs = [
            visitors.enter_context(load.running(_RATE))
            for load in (renewals.load(), renewals.load(http2=True), renewals.load(reuse=False))
        ]
        rotated = {role: Serving(renewals.site, role) for role in (Role.TRACK_BALANCER, Role.TRACK_API, Role.GUI)}
        renewed = {role: serving.rotated(plugins) for role, serving in rotated.items()}
        for role, serving in rotated.items():
            _renew(renewals, serving, renewed[role])
        for role, data in renewed.items():
            renewals.await_shown(role, data)

    sent, failed = sum(run.outcome().sent for run in runs), [str(run.outcome()) for run in runs if _failures(run)]
    measured("rotation of generated certificates: failed requests", f"{sum(map(_failures, runs))} of {sent}")
    assert not failed


def _failures(run: Run) -> int:
    return bad(run.outcome()).sent


@pytest.mark.parametrize("first", [Role.TRACK_BALANCER, Role.TRACK_API])
def test_an_authority_renewed_with_its_key_is_noticed_by_nobody_whoever_hears_of_it_first(
    renewals: Renewals, instances: Serving, plugins: Plugins, first: Role, measured: Measured
) -> None:
    data = instances.authority_renewed(plugins)
    second = Role.TRACK_API if first is Role.TRACK_BALANCER else Role.TRACK_BALANCER
    with renewals.load(reuse=False).running(_RATE) as run:
        renewals.site.objects.put_secret(instances.namespace, instances.secret, data)
        for role in (first, second):
            logs = Logs(renewals.pods(role))
            for pod in renewals.pods(role):
                pod.volumes.refresh()
            if role is Role.TRACK_API:
                renewals.await_shown(role, data)
            else:
                logs.await_words(TAKEN)

    measured(f"authority renewed, {first} first: failed requests", f"{_failures(run)} of {run.outcome().sent}")
    assert not _failures(run), str(run.outcome())


def test_another_authority_costs_no_request_where_both_are_trusted_in_between(
    renewals: Renewals, instances: Serving, measured: Measured
) -> None:
    old, other = instances.data, trustme.CA()
    new = signed(other, instances.hosts)
    both = old["ca.crt"] + new["ca.crt"]
    with renewals.load(reuse=False).running(_RATE) as run:
        _trust(renewals, instances, {**old, "ca.crt": both})
        for data in (new, old):
            _renew(renewals, instances, {**data, "ca.crt": both})
            renewals.await_shown(Role.TRACK_API, data)
        _trust(renewals, instances, old)

    measured("another authority, in three steps: failed requests", f"{_failures(run)} of {run.outcome().sent}")
    assert not _failures(run), str(run.outcome())


def _trust(renewals: Renewals, instances: Serving, data: Signed) -> None:
    logs = Logs(renewals.pods(Role.TRACK_BALANCER))
    _renew(renewals, instances, data)
    logs.await_words(TAKEN)


def _second_without_failure(run: Run, after: float) -> bool:
    now = run.now()
    latest = run.outcome().begun(after=max(after, now - 1.5), before=now - 0.5)
    return latest.sent > 0.9 * _RATE and not bad(latest).records


def test_another_authority_at_once_is_an_outage_until_balancers_know_it(
    renewals: Renewals, instances: Serving, measured: Measured
) -> None:
    old, new = instances.data, signed(trustme.CA(), instances.hosts)
    renewals.site.objects.put_secret(instances.namespace, instances.secret, new)
    with renewals.load(reuse=False).running(_RATE) as run:
        for pod in renewals.pods(Role.TRACK_API):
            pod.volumes.refresh()
        until(lambda: run.outcome().statuses[503] > 0, lambda: str(run.outcome()), _OUTAGE_SECONDS)
        known = run.now()
        for pod in renewals.pods(Role.TRACK_BALANCER):
            pod.volumes.refresh()
        until(lambda: _second_without_failure(run, after=known), lambda: str(run.outcome()), _RECOVERY_SECONDS)
        recovered = run.now()
        # One second more, for what was begun at the end.
        time.sleep(_WINDOW_SECONDS + 1)
        _renew(renewals, instances, old)

    later = run.outcome().begun(after=recovered, before=recovered + _WINDOW_SECONDS)
    assert later.sent > 0.9 * _RATE * _WINDOW_SECONDS
    assert not bad(later).records, str(later)
    measured("another authority at once: seconds from its spread to recovery", f"{recovered - known:.1f}")
    measured("another authority at once: failed requests", f"{_failures(run)} of {run.outcome().sent}")
