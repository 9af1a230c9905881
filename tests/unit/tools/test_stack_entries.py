from pathlib import Path

import pytest

from tests.unit.tools.stack_bench import Bench
from tools.stack import commands, process
from tools.stack.session import Session

# As Pulumi 3.250.0 with the Kubernetes plugin 4.25.0 says it.
CREATING = """\
Diagnostics:
  kubernetes:core/v1:Service (tracardi-dev-gui-api-balancer-entry):
    error: 1 error occurred:
    \t* resource "urn:pulumi:dev::tracardi::tracardi:index:Tracardi$tracardi:index:LoadBalancer$kubernetes:core/v1:\
Service::tracardi-dev-gui-api-balancer-entry" was successfully created, but the Kubernetes API server reported that \
it failed to fully initialize or become live: timed out waiting for the condition

  pulumi:pulumi:Stack (tracardi-dev):
    error: update failed

Resources:
    + 125 created
    4 errored
"""
UPDATING = """\
Diagnostics:
  pulumi:pulumi:Stack (tracardi-dev):
    error: update failed

  kubernetes:core/v1:Service (tracardi-dev-track-balancer-entry):
    error: 1 error occurred:
    \t* the Kubernetes API server reported that "tracardi-dev-track/track-balancer-entry" failed to fully initialize \
or become live: timed out waiting for the condition

  kubernetes:core/v1:Service (tracardi-dev-gui-balancer-entry):
    error: 1 error occurred:
    \t* the Kubernetes API server reported that "tracardi-dev-console/gui-balancer-entry" failed to fully initialize \
or become live: timed out waiting for the condition
"""
REFUSED = """\
Diagnostics:
  kubernetes:core/v1:Service (tracardi-dev-track-balancer-entry):
    error: resource tracardi-dev-track/track-balancer-entry was not successfully created by the Kubernetes API server: \
services "track-balancer-entry" is forbidden: exceeded quota: services

  kubernetes:apps/v1:Deployment (tracardi-dev-track-balancer-pods-deployment):
    error: 1 error occurred:
    \t* the Kubernetes API server reported that "tracardi-dev-track/track-balancer" failed to fully initialize or \
become live: timed out waiting for the condition
"""


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


@pytest.fixture
def session(stand: Bench) -> Session:
    return stand.session()


@pytest.mark.parametrize(
    ("said", "entries"),
    [
        (CREATING, ["tracardi-dev-gui-api-balancer-entry (tracardi:guiApi.balancer.service.type)"]),
        (
            UPDATING,
            [
                "tracardi-dev-gui-balancer-entry (tracardi:gui.balancer.service.type)",
                "tracardi-dev-track-balancer-entry (tracardi:track.balancer.service.type)",
            ],
        ),
    ],
)
def test_entries_without_an_address_are_named_with_their_settings_and_the_remedies(
    stand: Bench, session: Session, said: str, entries: list[str]
) -> None:
    stand.answer("up", said, 255)

    assert commands.up(session, stand.told.append) == 255

    told = "\n".join(stand.told)
    assert [line.strip() for line in stand.told if line.endswith(".service.type)")] == entries
    assert "Nothing on the embedded cluster tracardi gives out addresses" in told
    assert "MetalLB" in told
    assert "cloud-provider-kind" in told
    assert "Pulumi.dev.yaml to NodePort, or to ClusterIP" in told
    assert stand.told[-1] == "make up: failed; Pulumi says above why"


def test_other_failures_are_not_put_down_to_a_missing_load_balancer(stand: Bench, session: Session) -> None:
    stand.answer("up", REFUSED, 255)

    commands.up(session, stand.told.append)

    assert stand.told == ["make up: failed; Pulumi says above why"]


def test_whoever_interrupts_the_wait_for_an_address_is_not_lectured(
    stand: Bench, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "run", lambda *_: process.Outcome(255, CREATING, interrupted=True))

    commands.up(session, stand.told.append)

    assert len(stand.told) == 1
