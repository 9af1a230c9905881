"""The stand-in for Tracardi's API: what it answers."""

import json
import socket
from collections.abc import Iterator

import pytest

from tests.dataplane.instance.app.behaviour import Behaviour
from tests.dataplane.instance.process import EVENT, JSON, Instance, running


@pytest.fixture(scope="module")
def public() -> Iterator[Instance]:
    with running(EXPOSE_GUI_API="no", INSTALLATION_TOKEN="t0ken") as instance:  # noqa: S106 - of this test only
        yield instance


@pytest.fixture(scope="module")
def private() -> Iterator[Instance]:
    with running(EXPOSE_GUI_API="yes") as instance:
        yield instance


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/info/version", 200),
        ("GET", "/healthcheck", 200),
        ("POST", "/healthcheck", 200),
        ("PUT", "/healthcheck", 200),
        ("DELETE", "/healthcheck", 200),
        ("HEAD", "/healthcheck", 405),
        ("OPTIONS", "/healthcheck", 405),
        ("GET", "/install", 200),
        ("POST", "/install", 422),
        ("GET", "/install/plugins", 200),
        ("GET", "/consents/type/enabled", 200),
        ("GET", "/event/logs/1", 200),
        ("GET", "/node/logs/1", 200),
        ("GET", "/flow/logs/1", 200),
        ("POST", "/customer/consent", 422),
        ("POST", "/track", 422),
        ("PUT", "/track", 422),
        ("GET", "/track", 405),
        ("GET", "/collect/page-view/website", 200),
        ("POST", "/collect/page-view/website/session", 200),
        ("GET", "/collect/page-view/unknown", 401),
        ("GET", "/redirect/campaign", 302),
        ("PUT", "/redirect/campaign/session", 302),
        ("GET", "/redirect/unknown", 404),
        ("POST", "/user/token", 422),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", "/tracker/", 200),
        ("GET", "/tracker/tracker.js", 200),
        ("GET", "/tracker/none.js", 404),
        ("GET", "/uix/any/file.js", 200),
        ("GET", "/event-source/1", 401),
        ("POST", "/user", 401),
        ("DELETE", "/any/thing", 401),
    ],
)
def test_routes_answer_an_empty_request_as_tracardis_do(public: Instance, method: str, path: str, status: int) -> None:
    answer = public.ask(method, path)

    assert answer.status == status
    assert answer.headers["x-instance"] == socket.gethostname()
    assert answer.headers["x-seen"] == f"{method} {path}"


def test_the_health_check_says_nothing(public: Instance) -> None:
    assert public.ask("GET", "/healthcheck").body == b'""'


def test_an_event_is_answered_with_what_reached_the_instance(public: Instance) -> None:
    answer = public.track(path="/track?a=%2f..", X_Forwarded_For="203.0.113.7", X_Twice="once").json

    assert answer.keys() == {"task", "ux", "response", "events", "profile", "session", "errors", "warnings", "seen"}
    assert (answer["events"], answer["session"]) == (["e-1"], {"id": "s"})
    seen = answer["seen"]
    assert (seen["method"], seen["target"], seen["http_version"]) == ("POST", "/track?a=%2f..", "1.1")
    assert (seen["instance"], seen["client"]) == (socket.gethostname(), ["203.0.113.7", 0])
    assert ["x-twice", "once"] in seen["headers"]
    assert seen["body_bytes"] == len(json.dumps(EVENT))


def test_headers_tell_the_client_that_any_route_believes_in(public: Instance) -> None:
    direct, forwarded = public.ask("GET", "/"), public.ask("GET", "/", X_Forwarded_For="203.0.113.7")

    assert (direct.headers["x-seen-client"], "x-seen-forwarded-for" in direct.headers) == ("127.0.0.1", False)
    assert forwarded.headers["x-seen-client"] == forwarded.headers["x-seen-forwarded-for"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (EVENT | {"source": {"id": "unknown"}}, 401),
        (EVENT | {"source": {"id": "@internal"}}, 500),
        (EVENT | {"source": {}}, 422),
        (EVENT | {"source": "website"}, 422),
        (EVENT | {"events": [{}]}, 422),
        (EVENT | {"events": 7}, 422),
        ([], 422),
    ],
)
def test_events_that_tracardi_refuses_are_refused(public: Instance, payload: object, status: int) -> None:
    assert public.ask("POST", "/track", json.dumps(payload), **JSON).status == status


def test_a_body_that_is_not_declared_as_json_is_refused(public: Instance) -> None:
    assert public.ask("POST", "/track", json.dumps(EVENT), Content_Type="text/plain").status == 422


def test_a_payload_without_events_is_answered_with_null(public: Instance) -> None:
    answer = public.ask("POST", "/track", json.dumps(EVENT | {"events": []}), **JSON)

    assert (answer.status, answer.json) == (200, None)


def test_put_takes_an_event_and_does_nothing(public: Instance) -> None:
    assert public.ask("PUT", "/track", json.dumps(EVENT), **JSON).json is None


def test_a_token_opens_what_is_protected_on_the_private_side_only(public: Instance, private: Instance) -> None:
    answers = [instance.ask("GET", "/user-account", Authorization="Bearer t") for instance in (public, private)]

    assert [answer.status for answer in answers] == [403, 200]


def test_a_login_succeeds_on_the_private_side_only(public: Instance, private: Instance) -> None:
    answers = [instance.ask("POST", "/user/token", "username=a&password=b") for instance in (public, private)]

    assert [answer.status for answer in answers] == [403, 200]
    assert answers[1].json["access_token"]


@pytest.mark.parametrize(("token", "status"), [("wrong", 403), ("t0ken", 200)])
def test_installing_takes_the_token(public: Instance, token: str, status: int) -> None:
    assert public.ask("POST", "/install", json.dumps({"token": token})).status == status


@pytest.mark.parametrize("path", ["/track", "/healthcheck", "/collect/a/b"])
def test_a_preflight_from_any_origin_passes(public: Instance, path: str) -> None:
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type,x-timestamp"}

    answer = public.ask("OPTIONS", path, Origin="https://shop.test", **asked)

    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.test"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-headers"] == "content-type,x-timestamp"
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_answers_may_be_read_by_pages_of_any_origin(public: Instance) -> None:
    anonymous, known = public.track(Origin="https://shop.test"), public.track(Origin="https://shop.test", Cookie="a=b")

    assert anonymous.headers["access-control-allow-origin"] == "*"
    assert known.headers["access-control-allow-origin"] == "https://shop.test"


def test_a_moment_that_is_none_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="middle"):
        Behaviour.read({"STORE_AT": "middle"}, "here")
