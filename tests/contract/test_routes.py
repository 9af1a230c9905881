"""Section 4: what answers on the public process, and to whom."""

import pytest

from tests.contract.conftest import System
from tests.contract.table import Row, table

OPEN = (
    Row("4-root", "GET", "/", 200),
    Row("4-version", "GET", "/info/version", 200, expected="0.8.2"),
    Row("4-version-details", "GET", "/info/version/details", 200),
    *(
        Row(f"4-healthcheck-{each}", each, "/healthcheck", 200, expected="")
        for each in ("GET", "POST", "PUT", "DELETE")
    ),
    Row("4-healthcheck-HEAD", "HEAD", "/healthcheck", 405),
    Row("4-healthcheck-OPTIONS", "OPTIONS", "/healthcheck", 405),
    Row("4-install", "GET", "/install", 200),
    Row("4-empty-install", "POST", "/install", 422),
    Row("4-install-plugins", "GET", "/install/plugins", 200),
    *(Row(f"4-consents-{each}", "GET", f"/consents/type/{each}", 200) for each in ("enabled", "by_tag", "ids")),
    *(Row(f"4-logs-{each}", "GET", f"/{each}/logs/1", 200) for each in ("event", "node", "flow")),
    Row("4-consent", "POST", "/customer/consent", 422),
    Row("4-empty-track", "POST", "/track", 422),
    Row("4-empty-track-PUT", "PUT", "/track", 422),
    Row("4-track-PUT-does-nothing", "PUT", "/track", 200, {"source": {"id": "x"}, "events": [{"type": "a"}]}),
    Row("4-collect", "GET", "/collect/view/unknown", 401, detail="Invalid event source `unknown`"),
    Row("4-collect-session", "GET", "/collect/view/unknown/session", 401),
    Row("4-collect-POST", "POST", "/collect/view/unknown", 401, {"k": "v"}),
    Row("4-collect-POST-empty", "POST", "/collect/view/unknown", 500),
    *(Row(f"4-redirect-{each}", each, "/redirect/unknown", 404) for each in ("GET", "POST", "PUT", "DELETE")),
    Row("4-redirect-session", "GET", "/redirect/unknown/session", 404),
    Row("4-token-empty", "POST", "/user/token", 422),
    Row(
        "4-token", "POST", "/user/token", 403, {"username": "a", "password": "b"}, form=True, detail="Access forbidden"
    ),
    Row("4-logout", "POST", "/user/logout", 401, detail="Not authenticated"),
    Row("4-logout-any-bearer", "POST", "/user/logout", 200, headers={"Authorization": "Bearer abc"}),
    Row("4-tracker", "GET", "/tracker/", 200),
    Row("4-tracker-script", "GET", "/tracker/tracker.js", 200),
    Row("4-uix", "GET", "/uix/", 200),
    Row("4-manual", "GET", "/manual/en/docs/", 200),
    Row("4-openapi", "GET", "/openapi.json", 200),
    Row("4-docs", "GET", "/docs", 404),
    Row("4-redoc", "GET", "/redoc", 404),
    Row("7-track-GET", "GET", "/track", 405),
)


@table(*OPEN)
def test_the_public_process_leaves_open(system: System, row: Row) -> None:
    answer = row.check(system.public)

    assert answer.headers["x-instance"] == "main"


ANYTHING = "anything"
PROTECTED = (
    ("GET", "/user-account"),
    ("POST", "/user"),
    ("GET", "/users/0/10"),
    ("POST", "/event-source"),
    ("GET", "/event-source/x"),
    ("DELETE", "/event-source/x"),
    ("GET", "/event/count"),
    ("POST", "/event/select/range"),
    ("GET", "/test/redis"),
    ("GET", "/test/elasticsearch"),
    ("GET", "/flow/metadata/x"),
    ("DELETE", "/indices/version/0820"),
)


@pytest.mark.parametrize(("method", "path"), PROTECTED, ids=[f"1.5-{method} {path}" for method, path in PROTECTED])
def test_all_else_is_closed_there_to_everyone(system: System, method: str, path: str) -> None:
    without, unknown = system.public.ask(method, path), system.public.ask(method, path, token=ANYTHING)
    valid = system.public.ask(method, path, token=system.private.token())

    assert (without.status, without.detail) == (401, "Not authenticated")
    assert (unknown.status, unknown.detail) == (403, "Access forbidden")
    assert valid.status == 403


PRIVATE = (
    Row("5-private-without-a-login", "GET", "/event/count", 401, detail="Not authenticated"),
    Row("4-private-unknown-route", "GET", "/no-such-route", 404, detail="Not Found"),
    Row("4-private-openapi", "GET", "/openapi.json", 200),
    Row("4-private-docs-by-default", "GET", "/docs", 200),
)


@table(*PRIVATE)
def test_the_private_process_knows_its_routes(system: System, row: Row) -> None:
    row.check(system.private)


def test_a_public_process_lists_17_operations(system: System) -> None:
    paths = system.public.ask("GET", "/openapi.json").json["paths"]

    assert sum(map(len, paths.values())) == 17


def test_a_malformed_authorization_breaks_every_route(system: System) -> None:
    """Section 1.4."""
    for path in ("/healthcheck", "/track", "/install", "/no-such-route"):
        one = system.public.ask("GET", path, headers={"Authorization": "abc"})
        three = system.public.ask("GET", path, headers={"Authorization": "Bearer a b"})
        assert (one.status, one.json) == (500, {"detail": "not enough values to unpack (expected 2, got 1)"})
        assert three.status == 500


def test_any_origin_may_send_a_preflight(system: System) -> None:
    answer = system.public.ask(
        "OPTIONS", "/track", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    )

    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
