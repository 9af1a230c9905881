"""How Tracardi runs: the pack refuses several workers for each pod, and contexts in which a role does not work."""

import pytest

from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State

TRACK = "Deployment tracardi-track/track-api"
GUI_API = "Deployment tracardi-console/gui-api"


def start(state: State, *command: str, workload: str = "track-api") -> None:
    """Let the API start with `command`; without one, as its image decides."""
    container = state.container(workload)
    container.pop("args", None)
    container.pop("command", None)
    if command:
        container["command"] = list(command)


@refused("production-context-fits-the-role", f"{TRACK} is the track API and has no PRODUCTION=yes in container api")
def test_collectors_in_staging(state: State) -> None:
    state.set_variable("track-api", "PRODUCTION", value="no")


@refused("production-context-fits-the-role", TRACK)
def test_collectors_in_staging_by_default(state: State) -> None:
    state.drop_variable("track-api", "PRODUCTION")


@refused("production-context-fits-the-role", TRACK)
def test_a_yes_that_tracardi_does_not_take_for_one(state: State) -> None:
    state.set_variable("track-api", "PRODUCTION", value="true")


@refused("production-context-fits-the-role", f"{GUI_API} is the GUI API and has no PRODUCTION=no")
def test_a_console_that_manages_no_users(state: State) -> None:
    state.set_variable("gui-api", "PRODUCTION", value="yes")


@refused("production-context-fits-the-role", GUI_API)
def test_a_context_that_cannot_be_seen(state: State) -> None:
    state.set_variable("gui-api", "PRODUCTION", value=UNDECRYPTED)


@accepted("production-context-fits-the-role")
def test_a_console_with_the_default_context(state: State) -> None:
    state.drop_variable("gui-api", "PRODUCTION")


@refused("one-worker-per-pod", f"{TRACK} starts several workers in container api")
def test_several_workers(state: State) -> None:
    start(state, "uvicorn", "app.main:application", "--workers=4")


@refused("one-worker-per-pod", "starts as its image decides and has no WEB_CONCURRENCY=1")
def test_workers_as_the_image_decides(state: State) -> None:
    start(state)


@refused("one-worker-per-pod", "may start several workers by WEB_CONCURRENCY")
def test_several_workers_by_a_variable(state: State) -> None:
    start(state, "uvicorn", "app.main:application")
    state.set_variable("track-api", "WEB_CONCURRENCY", value="4")


@refused("one-worker-per-pod", "may start several workers: a shell starts more than one program")
def test_a_shell_with_a_script(state: State) -> None:
    start(state, "sh", "-c", "for i in 1 2; do uvicorn app.main:application & done; wait")


@accepted("one-worker-per-pod")
def test_the_image_with_one_worker_by_a_variable(state: State) -> None:
    start(state)
    state.set_variable("track-api", "WEB_CONCURRENCY", value="1")


@pytest.mark.parametrize(
    "command",
    [
        ("uvicorn", "app.main:application", "--workers", "1"),
        ("uvicorn", "app.main:application"),
        ("/opt/venv/bin/uvicorn", "app.main:application", "--workers=4", "--workers=1"),
        ("gunicorn", "-w", "1", "-k", "uvicorn.workers.UvicornWorker", "app.main:application"),
        ("gunicorn", "-w1", "app.main:application"),
        ("sh", "-c", "exec uvicorn app.main:application --workers 1"),
        ("python3", "-m", "uvicorn", "app.main:application"),
    ],
)
def test_commands_that_start_one_worker(prod: State, command: tuple[str, ...]) -> None:
    start(prod, *command)

    assert "one-worker-per-pod" not in analyse(prod, configuration("prod"))


@pytest.mark.parametrize(
    "command",
    [
        ("uvicorn", "app.main:application", "--workers", "2"),
        ("uvicorn", "app.main:application", "--workers=1", "--workers=2"),
        ("uvicorn", "app.main:application", "--workers"),
        ("gunicorn", "-w4", "app.main:application"),
        ("sh", "-c", "uvicorn app.main:application --workers 1 & uvicorn app.main:application"),
        ("hypercorn", "app.main:application"),
        ("python3", "/app/serve.py"),
        ("uvicorn", UNKNOWN),
        ("$(PROGRAM)", "--workers=1"),
    ],
)
def test_commands_that_may_start_several(prod: State, command: tuple[str, ...]) -> None:
    start(prod, *command)

    assert "one-worker-per-pod" in analyse(prod, configuration("prod"))


@refused("one-worker-per-pod", "starts more than the application, by --reload")
def test_an_application_that_is_watched(state: State) -> None:
    start(state, "uvicorn", "app.main:application", "--workers=1", "--reload")
