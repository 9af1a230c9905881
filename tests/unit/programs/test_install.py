"""The steps of the installation program, each against a server that behaves like Tracardi."""

import ast
import json
import re
from collections import deque
from pathlib import Path

import pytest

from components.programs import install

from .contract_server import (
    ELASTICSEARCH_DOWN,
    NEW,
    OLD,
    PLUGINS,
    REDIS_DOWN,
    REDIS_REFUSES,
    Fault,
    Reply,
    Server,
    Tracardi,
)
from .job import CANARY, DONE, EMAIL, GAVE_UP, PASSWORD, REFUSED, SHOP, TOKEN, Job, end_of, job_against


@pytest.mark.parametrize("release", [OLD, NEW])
def test_an_empty_system_is_installed_once_and_the_login_proved(job: Job, tracardi: Tracardi, release: str) -> None:
    tracardi.release = release

    outcome = job.run()

    assert outcome.status == DONE
    assert tracardi.admins == {EMAIL: PASSWORD}
    assert [json.loads(request.body) for request in tracardi.requests if request.line == "POST /install"] == [
        {"username": EMAIL, "password": PASSWORD, "token": TOKEN, "needs_admin": True}
    ]
    assert outcome.out.splitlines() == [
        f"the API at {job.url} answers",
        "schema missing, administrator missing: posting /install, which can take minutes",
        "POST /install was answered 200",
        "Tracardi is installed",
        f"{EMAIL} can log in",
        "done: installed, with 0 declared event source(s)",
    ]


def test_a_system_that_an_earlier_run_finished_is_left_alone(job: Job, tracardi: Tracardi) -> None:
    job.mount("event-sources.json", json.dumps([SHOP]))
    first = job.run()
    tracardi.requests.clear()

    second = job.run()

    assert (first.status, second.status) == (DONE, DONE)
    assert "an earlier run has installed Tracardi" in second.out
    assert {request.line for request in tracardi.requests} == {
        "GET /healthcheck",
        "GET /install",
        "POST /user/token",
        "GET /event-source/web-shop",
    }


def test_a_source_added_later_is_saved_without_another_installation(job: Job, installed: Tracardi) -> None:
    installed.sources["production"]["web-shop"] = SHOP
    job.mount("event-sources.json", json.dumps([SHOP | {"id": "app"}, SHOP]))

    assert job.run().status == DONE
    assert installed.asked("POST /install") == 0
    assert installed.asked("POST /event-source") == 1


@pytest.mark.parametrize("sources", [[], [SHOP]])
def test_an_installation_that_a_killed_run_left_without_plugins_is_completed(
    job: Job, installed: Tracardi, sources: list[dict[str, object]]
) -> None:
    installed.plugins.clear()
    job.mount("event-sources.json", json.dumps(sources))

    outcome = job.run()

    assert outcome.status == DONE
    assert installed.asked("POST /install") == 1
    assert installed.asked("POST /user/token") == 1
    assert installed.plugins == PLUGINS
    assert installed.admins == {EMAIL: PASSWORD}


@pytest.mark.parametrize("half", [(True, False), (False, True), (True, None)])
def test_a_half_installed_system_is_completed(
    job: Job, tracardi: Tracardi, half: tuple[bool | None, bool | None]
) -> None:
    tracardi.stages.append(half)

    outcome = job.run()

    assert outcome.status == DONE
    assert tracardi.asked("POST /install") == 1


def test_it_waits_for_an_api_that_is_not_up_yet(tracardi: Tracardi, tmp_path: Path) -> None:
    server = Server(tracardi)
    try:
        with job_against(server.url, tmp_path).start() as process:
            assert process.stdout
            first = process.stdout.readline()
            server.listen()
            outcome = end_of(process, first)
    finally:
        server.stop()

    assert outcome.status == DONE
    assert outcome.out.count("waiting:") == 1
    assert first == "waiting: GET /healthcheck got no answer (Connection refused)\n"


def test_an_api_that_hangs_is_asked_again(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("GET /healthcheck", Fault.SILENCE_AFTER)

    outcome = job.run(TRACARDI_REQUEST_TIMEOUT_SECONDS="0.1")

    assert outcome.status == DONE
    assert "waiting: GET /healthcheck got no answer (TimeoutError)" in outcome.out


def test_it_waits_for_elasticsearch_with_one_line_for_the_whole_time(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("GET /install", *[ELASTICSEARCH_DOWN] * 4)

    outcome = job.run()

    assert outcome.status == DONE
    assert outcome.out.count("waiting:") == 1
    assert "GET /install was answered 500 (ConnectionError(Cannot connect to host elasticsearch:9200))" in outcome.out


def test_a_database_that_fails_during_the_installation_is_waited_for(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("GET /install", ELASTICSEARCH_DOWN, Reply(200, {"schema_ok": False}), ELASTICSEARCH_DOWN)
    tracardi.goes_wrong("POST /install", ELASTICSEARCH_DOWN)

    outcome = job.run()

    assert outcome.status == DONE
    assert tracardi.asked("POST /install") == 2
    assert outcome.out.count("waiting: GET /install was answered 500") == 2


def test_a_wrong_token_is_refused_at_once_with_a_remedy(job: Job, tracardi: Tracardi) -> None:
    job.mount("installation-token", f"{CANARY}-of-another-installation")

    outcome = job.run()

    assert outcome.status == REFUSED
    assert tracardi.asked("POST /install") == 1
    assert (
        "refused: POST /install was answered 403 (Installation forbidden. Invalid installation token.)" in outcome.err
    )
    assert "take both from one Secret" in outcome.err


def test_an_address_that_tracardi_takes_for_no_email_is_refused_at_once(job: Job, tracardi: Tracardi) -> None:
    outcome = job.run(TRACARDI_ADMIN_EMAIL="admin@localhost")

    assert outcome.status == REFUSED
    assert tracardi.asked("POST /install") == 1
    assert "TRACARDI_ADMIN_EMAIL has to be" in outcome.err


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.SILENCE_AFTER, Fault.CUT_AFTER])
def test_an_installation_whose_answer_is_lost_is_confirmed_once_it_has_ended(
    job: Job, tracardi: Tracardi, fault: Fault
) -> None:
    tracardi.goes_wrong("POST /install", fault)
    tracardi.stages.extend([(False, False), (False, False), (True, False), (True, False)])

    outcome = job.run(TRACARDI_INSTALL_TIMEOUT_SECONDS="0.3", TRACARDI_SETTLE_SECONDS="5")

    assert outcome.status == DONE
    assert tracardi.asked("POST /install") == 2
    assert "waiting: POST /install got no answer" in outcome.out
    assert "waiting: the installation may go on (schema present, administrator missing)" in outcome.out
    assert "schema present, administrator present: posting /install" in outcome.out
    assert tracardi.stages == deque(), "the second request was sent before the first had ended"


@pytest.mark.parametrize("fault", [Fault.CRASH, ELASTICSEARCH_DOWN])
def test_an_installation_that_fails_before_its_plugins_is_completed(
    job: Job, installed: Tracardi, fault: Fault | Reply
) -> None:
    installed.plugins.clear()
    installed.goes_wrong("POST /install", fault, fault)

    outcome = job.run()

    assert outcome.status == DONE
    assert installed.asked("POST /install") == 3
    assert installed.plugins == PLUGINS


def test_an_installation_that_is_never_answered_fails_at_the_deadline(job: Job, installed: Tracardi) -> None:
    installed.goes_wrong("POST /install", *[Fault.RESET_AFTER] * 1000)

    outcome = job.run(TRACARDI_DEADLINE_SECONDS="0.4")

    assert outcome.status == GAVE_UP
    assert "waiting: POST /install got no answer (Connection reset by peer); only an answer tells" in outcome.out
    # The last request before the deadline has no time left to be answered, whichever it is, and whoever asked.
    unanswered = r"(POST|GET) /install got no answer|the installation may go on \(GET /install is not answered 200"
    assert re.search(f"at the end: ({unanswered})", outcome.err)


def test_an_installation_goes_on_as_long_as_anything_moves(job: Job, installed: Tracardi) -> None:
    installed.goes_wrong("POST /install", Reply(504))
    installed.stages.extend([(False, False), (True, False)] * 4)

    outcome = job.run(TRACARDI_SETTLE_SECONDS="0.05")

    assert outcome.status == DONE
    assert installed.asked("POST /install") == 2
    assert installed.stages == deque()


def test_an_installation_that_never_began_is_asked_for_again(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("POST /install", Fault.RESET)

    outcome = job.run()

    assert outcome.status == DONE
    assert tracardi.asked("POST /install") == 2


def test_the_installation_may_take_longer_than_any_other_request(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("POST /install", Fault.SLOW)

    outcome = job.run(TRACARDI_REQUEST_TIMEOUT_SECONDS="0.15")

    assert outcome.status == DONE
    assert tracardi.asked("POST /install") == 1
    assert "POST /install was answered 200" in outcome.out


def test_plugins_that_take_longer_than_the_longest_request_are_waited_for(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("POST /install", Fault.SLOW)
    tracardi.stages.extend([(False, False), (True, False)])

    outcome = job.run(TRACARDI_INSTALL_TIMEOUT_SECONDS="0.15")

    assert outcome.status == DONE
    assert "waiting: POST /install got no answer (TimeoutError)" in outcome.out
    assert tracardi.asked("POST /install") == 2


def test_two_programs_at_once_leave_one_installation(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("POST /install", Fault.MEET, Fault.MEET)
    job.mount("event-sources.json", json.dumps([SHOP]))

    with job.start() as first, job.start() as second:
        outcomes = [end_of(first), end_of(second)]

    assert [outcome.status for outcome in outcomes] == [DONE, DONE]
    assert tracardi.asked("POST /install") == 2
    assert tracardi.admins == {EMAIL: PASSWORD}
    assert list(tracardi.sources["production"]) == ["web-shop"]


@pytest.mark.parametrize("release", [OLD, NEW])
def test_an_administrator_with_another_password_is_found_out(job: Job, tracardi: Tracardi, release: str) -> None:
    tracardi.release = release
    tracardi.admins[EMAIL] = "chosen by somebody else"

    outcome = job.run()

    assert "POST /install was answered 200" in outcome.out
    assert outcome.status == REFUSED
    assert "another password or e-mail address already" in outcome.err
    assert "remove it and install anew" in outcome.err
    assert tracardi.admins == {EMAIL: "chosen by somebody else"}


def test_an_installed_system_that_refuses_the_login_is_not_posted_to(job: Job, installed: Tracardi) -> None:
    installed.admins[EMAIL] = "chosen by somebody else"

    outcome = job.run()

    assert outcome.status == REFUSED
    assert "another password or e-mail address already" in outcome.err
    assert installed.asked("POST /install") == 0


def test_a_new_account_may_take_elasticsearch_a_moment_to_show(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("POST /user/token", *[Reply(400, {"detail": "Incorrect username or password."})] * 2)

    assert job.run().status == DONE


@pytest.mark.parametrize("reason", [REDIS_DOWN, REDIS_REFUSES, Reply(503), Fault.RESET])
def test_a_login_that_fails_for_a_database_is_tried_until_it_works(
    job: Job, installed: Tracardi, reason: Fault | Reply
) -> None:
    installed.goes_wrong("POST /user/token", *[reason] * 5)

    outcome = job.run()

    assert outcome.status == DONE
    assert installed.asked("POST /user/token") == 6


def test_an_api_that_does_not_serve_the_gui_is_named_as_the_wrong_one(job: Job, installed: Tracardi) -> None:
    installed.goes_wrong("POST /user/token", Reply(403, {"detail": "Access forbidden"}))

    outcome = job.run()

    assert outcome.status == REFUSED
    assert "EXPOSE_GUI_API=no" in outcome.err


@pytest.mark.parametrize("release", [OLD, NEW])
def test_event_sources_are_created_in_production_and_then_left_alone(
    job: Job, installed: Tracardi, release: str
) -> None:
    installed.release = release
    job.mount("event-sources.json", json.dumps([SHOP, SHOP | {"id": "app/2", "type": "webhook"}]))

    first, second = job.run(), job.run()

    assert (first.status, second.status) == (DONE, DONE)
    assert set(installed.sources["production"]) == {"web-shop", "app/2"}
    assert "staging" not in installed.sources
    assert installed.asked("POST /event-source") == 2
    assert "event source web-shop saved" in first.out
    assert "event source web-shop is as declared" in second.out


@pytest.mark.parametrize(
    ("change", "posts"),
    [({"name": "Shop of old"}, 1), ({"bridge": {"id": "other", "name": "Other"}}, 1), ({"tags": "shop,web"}, 0)],
)
def test_only_a_source_that_differs_from_its_declaration_is_saved(
    job: Job, installed: Tracardi, change: dict[str, object], posts: int
) -> None:
    installed.sources["production"]["web-shop"] = SHOP | change
    job.mount("event-sources.json", json.dumps([SHOP]))

    assert job.run().status == DONE
    assert installed.asked("POST /event-source") == posts


def test_a_session_that_redis_lost_is_replaced(job: Job, installed: Tracardi) -> None:
    installed.goes_wrong("GET /event-source/web-shop", Reply(401, {"detail": "Invalid authentication credentials"}))
    job.mount("event-sources.json", json.dumps([SHOP]))

    assert job.run().status == DONE
    assert installed.asked("POST /user/token") == 2
    assert list(installed.sources["production"]) == ["web-shop"]


def test_an_administrator_who_may_not_save_sources_is_refused(job: Job, installed: Tracardi) -> None:
    installed.goes_wrong("GET /event-source/web-shop", *[Reply(401, {"detail": "Invalid credentials"})] * 9)
    job.mount("event-sources.json", json.dumps([SHOP]))

    outcome = job.run()

    assert outcome.status == REFUSED
    assert "give the administrator the role admin" in outcome.err
    assert installed.asked("POST /user/token") == 3


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(200, {"saved": 0, "errors": ["mapper_parsing_exception"]}), "200 (mapper_parsing_exception)"),
        (Reply(404, {"detail": "Not Found"}), "404 (Not Found)"),
    ],
)
def test_a_source_that_tracardi_refuses_fails_with_its_reason(
    job: Job, installed: Tracardi, reply: Reply, reason: str
) -> None:
    installed.goes_wrong("POST /event-source", reply)
    job.mount("event-sources.json", json.dumps([SHOP]))

    outcome = job.run()

    assert outcome.status == REFUSED
    assert f"event source web-shop was answered {reason}. Correct its" in outcome.err


@pytest.mark.parametrize("content", [b"<html>gateway</html>", b"\xff\xfe"])
def test_an_error_without_a_reason_is_waited_for_like_any_other(job: Job, tracardi: Tracardi, content: bytes) -> None:
    tracardi.goes_wrong("GET /install", Reply(502, content))

    outcome = job.run()

    assert outcome.status == DONE
    assert "waiting: GET /install was answered 502\n" in outcome.out


def test_a_deadline_that_passes_is_told_apart_from_a_refusal(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("GET /install", *[ELASTICSEARCH_DOWN] * 100)

    outcome = job.run(TRACARDI_DEADLINE_SECONDS="0.4")

    assert outcome.status == GAVE_UP
    assert "gave up: 0.4 s were not enough; at the end: GET /install was answered 500" in outcome.err


def test_the_program_is_written_in_the_python_of_tracardis_image() -> None:
    assert ast.parse(Path(install.__file__).read_text(), feature_version=(3, 10)).body
