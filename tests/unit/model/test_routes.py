"""Which requests the internet may send."""

import re

import pytest

from model.routes import Collection, routes

EVERYTHING = frozenset(Collection)


def passes(method: str, path: str, opened: frozenset[Collection] = EVERYTHING) -> bool:
    return any(
        re.fullmatch(route.pattern, path) and method in (*route.methods, *(("OPTIONS",) if route.preflight else ()))
        for route in routes(opened)
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/track"),
        ("OPTIONS", "/track"),
        ("GET", "/tracker/"),
        ("GET", "/tracker/tracardi.js"),
        ("HEAD", "/tracker/js/tracardi.1.min.js"),
        ("GET", "/collect/page-view/website"),
        ("POST", "/collect/page-view/website/0c7b-session"),
        ("GET", "/redirect/campaign/session"),
        ("POST", "/customer/consent"),
        ("GET", "/consents/type/enabled"),
    ],
)
def test_collection_passes(method: str, path: str) -> None:
    assert passes(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/track"),
        ("PUT", "/track"),
        ("POST", "/Track"),
        ("POST", "/track/"),
        ("POST", "//track"),
        ("POST", "/track%2f"),
        ("POST", "/track\n"),
        ("GET", "/tracker"),
        ("GET", "/tracker/../install"),
        ("GET", "/tracker/..;/install"),
        ("GET", "/tracker/%2e%2e/install"),
        ("GET", "/tracker//install"),
        ("GET", "/tracker/.git/config"),
        ("POST", "/tracker/x.js"),
        ("GET", "/collect/a"),
        ("GET", "/collect/a/b/c/d"),
        ("DELETE", "/redirect/x"),
        ("GET", "/consents/type/other"),
        ("GET", "/install"),
        ("POST", "/install"),
        ("GET", "/install/plugins"),
        ("POST", "/user/token"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/healthcheck"),
        ("GET", "/event/logs/1"),
        ("GET", "/"),
    ],
)
def test_nothing_else_passes(method: str, path: str) -> None:
    assert not passes(method, path)


@pytest.mark.parametrize(
    ("group", "method", "path"),
    [
        (Collection.TRACKER, "GET", "/tracker/x.js"),
        (Collection.COLLECT, "GET", "/collect/a/b"),
        (Collection.REDIRECT, "GET", "/redirect/a"),
        (Collection.CONSENT, "POST", "/customer/consent"),
    ],
)
def test_a_group_passes_only_where_it_is_opened(group: Collection, method: str, path: str) -> None:
    assert passes(method, path, frozenset({group}))
    assert not passes(method, path, EVERYTHING - {group})


def test_track_is_always_open() -> None:
    assert passes("POST", "/track", frozenset())
