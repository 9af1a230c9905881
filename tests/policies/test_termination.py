"""Termination: the pack refuses pods that end while requests are on their way to them or in their hands."""

import pytest

from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

RULE = "pods-drain-before-they-end"
TRACK = "Deployment tracardi-track/track-api"
BALANCER = "Deployment tracardi-track/track-balancer"
_LEAVES = "--leave-seconds=8"


def _leaving(container: JsonObject, seconds: int) -> None:
    words = container["args"]
    words[words.index(_LEAVES)] = f"--leave-seconds={seconds}"


@refused(RULE, f"{BALANCER} serves on for 0 s once it is to end, not 5 s, in container haproxy")
def test_a_balancer_that_ends_at_once(state: State) -> None:
    del state.container("track-balancer")["lifecycle"]


@refused(RULE, f"{TRACK} is killed 20 s after it is to end, and may need 31 s in container api")
def test_a_pod_that_is_killed_amid_requests(state: State) -> None:
    state.pod("track-api")["terminationGracePeriodSeconds"] = 20


@refused(RULE, f"{TRACK} serves on for 2 s once it is to end, not 5 s, in container api")
def test_an_instance_that_leaves_too_soon(state: State) -> None:
    container = state.container("track-api")
    container["lifecycle"]["preStop"]["sleep"]["seconds"] = 2
    _leaving(container, 0)


@refused(RULE, "serves on for 20 s once it is to end, not 25 s, in container", options={RULE: {"serveSeconds": 25}})
def test_a_time_that_is_configured(state: State) -> None:
    state.pod("gui")["terminationGracePeriodSeconds"] = 60
    for name in ("track-api", "gui-api"):
        state.container(name)["lifecycle"]["preStop"]["sleep"]["seconds"] = 17
    for name in ("track-balancer", "gui-balancer", "gui-api-balancer"):
        state.container(name)["lifecycle"]["preStop"]["sleep"]["seconds"] = 25
    state.container("gui")["lifecycle"]["preStop"]["sleep"]["seconds"] = 20


@accepted(RULE)
def test_an_instance_that_leaves_by_itself(state: State) -> None:
    del state.container("track-api")["lifecycle"]


@accepted(RULE)
def test_a_pod_with_the_usual_time(state: State) -> None:
    del state.pod("gui")["terminationGracePeriodSeconds"]


@accepted(RULE, options={RULE: {"serveSeconds": 0, "requestSeconds": 0}})
def test_times_that_nobody_asks_for(state: State) -> None:
    del state.container("track-balancer")["lifecycle"]
    state.pod("track-balancer")["terminationGracePeriodSeconds"] = 0


@pytest.mark.parametrize(
    "hook",
    [
        {"exec": {"command": ["sleep", "5"]}},
        {"exec": {"command": ["/bin/sleep", "5s"]}},
        {"exec": {"command": ["sh", "-c", "sleep 5"]}},
        {"exec": {"command": ["/bin/bash", "-e", "-c", "kill -USR1 1; sleep 5"]}},
        {"exec": {"command": ["sh", "-c", "sleep 2 && touch /tmp/leaving && sleep 3"]}},
    ],
)
def test_a_hook_that_waits(prod: State, hook: JsonObject) -> None:
    prod.container("track-balancer")["lifecycle"] = {"preStop": hook}

    assert RULE not in analyse(prod)


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        ({"sleep": {"seconds": 4}}, "4 s"),
        ({"sleep": {}}, "an unknown time"),
        ({"sleep": {"seconds": UNKNOWN}}, "an unknown time"),
        ({"exec": {"command": ["sh", "-c", "sleep 5 &"]}}, "0 s"),
        ({"exec": {"command": ["sh", "-c", "sleep 5 & true"]}}, "0 s"),
        ({"exec": {"command": ["sh", "-c", "true || sleep 5"]}}, "0 s"),
        ({"exec": {"command": ["sh", "-c", "echo sleep 5"]}}, "0 s"),
        ({"exec": {"command": ["echo", "sleep", "5"]}}, "0 s"),
        ({"exec": {"command": ["sleep", UNKNOWN]}}, "an unknown time"),
        ({"exec": {"command": []}}, "an unknown time"),
        ({"httpGet": {"path": "/leave", "port": 8404}}, "an unknown time"),
        (UNDECRYPTED, "an unknown time"),
    ],
)
def test_a_hook_that_does_not_wait_or_nobody_can_tell(prod: State, hook: JsonObject | str, seconds: str) -> None:
    prod.container("track-balancer")["lifecycle"] = {"preStop": hook}

    (message,) = analyse(prod)[RULE]
    assert f"{BALANCER} serves on for {seconds} once it is to end, not 5 s, in container haproxy" in message


def test_a_lifecycle_that_cannot_be_seen(prod: State) -> None:
    prod.container("track-balancer")["lifecycle"] = UNKNOWN

    (message,) = analyse(prod)[RULE]
    assert "serves on for an unknown time" in message


@pytest.mark.parametrize("grace", [UNKNOWN, UNDECRYPTED, "45"])
def test_a_time_that_cannot_be_seen(prod: State, grace: str) -> None:
    prod.pod("gui")["terminationGracePeriodSeconds"] = grace

    (message,) = analyse(prod)[RULE]
    assert "is killed an unknown time after it is to end" in message


def test_an_instance_that_leaves_for_longer_than_its_pod_may_take(prod: State) -> None:
    container = prod.container("track-api")
    container["args"] = [*container["args"], "--leave-seconds", "40"]

    (message,) = analyse(prod)[RULE]
    assert f"{TRACK} is killed 45 s after it is to end, and may need 63 s" in message


def test_an_instance_that_leaves_for_a_time_that_is_no_number(prod: State) -> None:
    container = prod.container("track-api")
    container["args"] = [*container["args"], "--leave-seconds=soon"]

    (message,) = analyse(prod)[RULE]
    assert f"{TRACK} serves on for an unknown time" in message


def test_the_last_of_several_arguments_counts(prod: State) -> None:
    container = prod.container("track-api")
    del container["lifecycle"]
    container["args"] = [*container["args"], "--leave-seconds=1"]

    (message,) = analyse(prod)[RULE]
    assert f"{TRACK} serves on for 1 s" in message
