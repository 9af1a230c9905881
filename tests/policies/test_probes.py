"""Probes: the pack refuses containers that nobody asks, and questions that mean nothing or never end."""

import pytest

from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

RULE = "containers-are-probed"
TRACK = "Deployment tracardi-track/track-api"


@refused(RULE, f"{TRACK} has no readinessProbe in container api")
def test_a_container_that_nobody_asks(state: State) -> None:
    del state.container("track-api")["readinessProbe"]


@refused(RULE, "has no livenessProbe in container watcher")
def test_a_sidecar_that_nobody_asks(state: State) -> None:
    pod = state.pod("gui")
    sidecar = {**pod["containers"][0], "name": "watcher", "restartPolicy": "Always"}
    pod["initContainers"] = [{key: value for key, value in sidecar.items() if key != "livenessProbe"}]


@refused(RULE, f"{TRACK} has a readinessProbe that asks nothing in container api")
def test_a_question_that_is_always_answered(state: State) -> None:
    state.container("track-api")["readinessProbe"] = {"exec": {"command": ["true"]}}


@refused(RULE, f"{TRACK} has a livenessProbe that gives up after 1000 s, not 900 s in container api")
def test_a_container_that_may_hang_for_long(state: State) -> None:
    state.container("track-api")["livenessProbe"]["failureThreshold"] = 100


@accepted(RULE)
def test_questions_of_other_kinds(state: State) -> None:
    container = state.container("track-api")
    container["readinessProbe"] = {"tcpSocket": {"port": "http"}}
    container["livenessProbe"] = {"grpc": {"port": 8080}, "periodSeconds": 30, "failureThreshold": 30}
    container["startupProbe"] = {"exec": {"command": ["sh", "-c", "test -f /tmp/ready && true"]}}


@accepted(RULE, options={RULE: {"livenessSeconds": 1000}})
def test_a_time_that_is_configured(state: State) -> None:
    state.container("track-api")["livenessProbe"]["failureThreshold"] = 100


@pytest.mark.parametrize(
    "probe",
    [
        UNDECRYPTED,
        {},
        {"exec": {}},
        {"exec": UNKNOWN},
        {"exec": {"command": []}},
        {"exec": {"command": UNKNOWN}},
        {"exec": {"command": ["cat", UNKNOWN]}},
        {"exec": {"command": ["/bin/true"]}},
        {"exec": {"command": ["echo", "ok"]}},
        {"exec": {"command": ["sh", "-c", "true"]}},
        {"exec": {"command": ["/bin/sh", "-c", ""]}},
        {"exec": {"command": ["/bin/bash", "-e", "-c", " exit 0 "]}},
        {"exec": {"command": ["sh", "-c", ":"]}},
        {"exec": {"command": ["sh", "-c", "redis-cli ping || true"]}},
        {"exec": {"command": ["sh", "-c", "redis-cli ping; exit 0;"]}},
        {"httpGet": {"path": "/"}},
        {"httpGet": {"path": "/", "port": UNKNOWN}},
        {"tcpSocket": {"port": 80}, "httpGet": {"port": 80}},
    ],
)
def test_a_question_that_means_nothing(prod: State, probe: JsonObject | str) -> None:
    prod.container("track-api")["readinessProbe"] = probe

    (message,) = analyse(prod)[RULE]
    assert f"{TRACK} has a readinessProbe that asks nothing" in message


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("readinessProbe", {"periodSeconds": 21}),
        ("readinessProbe", {"timeoutSeconds": 3600}),
        ("readinessProbe", {"failureThreshold": UNKNOWN}),
        ("readinessProbe", {"failureThreshold": "3"}),
        ("livenessProbe", {"initialDelaySeconds": 86400}),
        ("startupProbe", {"failureThreshold": 999999}),
    ],
)
def test_a_question_that_is_asked_for_too_long(prod: State, name: str, change: JsonObject) -> None:
    prod.container("track-api")[name].update(change)

    (message,) = analyse(prod)[RULE]
    assert f"{TRACK} has a {name} that gives up after" in message


def test_what_kubernetes_adds_counts(prod: State) -> None:
    prod.container("track-api")["readinessProbe"] = {"tcpSocket": {"port": 8080}, "failureThreshold": 7}

    (message,) = analyse(prod)[RULE]
    assert "gives up after 70 s" in message


def test_a_sidecar_whose_ports_cannot_be_seen_may_have_some(prod: State) -> None:
    pod = prod.pod("gui")
    sidecar = {**pod["containers"][0], "name": "watcher", "restartPolicy": "Always", "ports": UNKNOWN}
    sidecar["startupProbe"] = sidecar.pop("readinessProbe")
    pod["initContainers"] = [sidecar]

    assert "has no readinessProbe in container watcher" in "\n".join(analyse(prod)[RULE])


def test_a_container_that_may_be_a_sidecar_is_asked_as_well(prod: State) -> None:
    pod = prod.pod("gui")
    sidecar = {**pod["containers"][0], "name": "watcher", "restartPolicy": UNKNOWN}
    pod["initContainers"] = [{key: value for key, value in sidecar.items() if key != "livenessProbe"}]

    assert "has no livenessProbe in container watcher" in "\n".join(analyse(prod)[RULE])
