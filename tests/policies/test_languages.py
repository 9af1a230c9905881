"""Allow lists of paths: compared with event collection by all that they match, not by examples."""

import pytest

from policies.pack.programs.haproxy.collection import beyond_collection
from policies.pack.programs.haproxy.conditions import path_lists
from policies.pack.programs.haproxy.configuration import Section, parse
from policies.pack.programs.haproxy.languages import Pattern, outside
from policies.pack.unreadable import UnreadableError


def frontend(*lines: str) -> Section:
    (section,) = parse("frontend entry\n    mode http\n" + "\n".join(f"    {line}" for line in lines)).sections
    return section


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        ("^/track$", None),
        ("^/(track|collect/[a-z]+/[0-9]{1,3})$", None),
        ("^/track$|^/tracker/$", None),
        ("^/tr[a]ck$", None),
        (r"^/tr\x61ck$", "unknown"),
        ("^/track{1}$", None),
        ("^/track", "/trackA"),
        ("/track$", "//track"),
        ("^/trac{1,2}k$", "/tracck"),
        ("^/trac*k$", "/trak"),
        ("^/tr[^b]ck$", "/trAck"),
        ("^/tracker/[a-z/.]*$", "/tracker/."),
        ("^(/track)+$", "/track/track"),
        ("^/track$|^/install$", "/install"),
        ("^/track$|install", "install"),
        ("^/tra(ck)?$", "/tra"),
        ("^/track(a|)$", "/tracka"),
        ("", ""),
        ("^/(?i)track$", "unknown"),
        ("^/track(?=x)", "unknown"),
        (r"^/track\b", "unknown"),
        (r"^/(.)\1$", "unknown"),
        ("^/track(", "unknown"),
        ("^/track[", "unknown"),
        ("^/track[[:alpha:]]$", "unknown"),
        ("^/track{1,2", "unknown"),
        ("^/track{2,1}$", "unknown"),
        ("^/track++$", "unknown"),
        ("^/a$b", "unknown"),
        ("^/tr\u00e4ck$", "unknown"),
        ("(" * 50 + "/track" + ")" * 50, "unknown"),
        ("^(((a{99}){99}){99}){99}$", "unknown"),
    ],
)
def test_expressions_are_compared_by_all_that_they_match(pattern: str, example: str | None) -> None:
    collection = (Pattern("^/track$"), Pattern("^/collect/[^/]+/[^/]+$"), Pattern("^/tracker/([A-Za-z-]+/)*$"))
    try:
        found = outside((Pattern(pattern),), collection)
    except UnreadableError:
        found = "unknown"

    assert found == example


def test_an_expression_in_any_case_matches_more() -> None:
    assert outside((Pattern("^/track$", any_case=True),), (Pattern("^/track$"),)) == "/TRACK"
    assert outside((Pattern("^/track$", any_case=True),), (Pattern("^/[Tt][Rr][Aa][Cc][Kk]$"),)) is None


def test_one_list_of_collection_routes_is_enough() -> None:
    section = frontend("http-request deny unless { path_beg / }", "http-request deny unless { path /track }")

    assert beyond_collection(list(path_lists(section))) is None


@pytest.mark.parametrize(
    "condition",
    [
        "unless { path_beg / if !a",
        "hdr if !a unless { path_beg / } or !a",
        "content-type if !a if FALSE",
    ],
)
def test_a_word_that_looks_like_a_condition_is_none(condition: str) -> None:
    section = frontend("acl a path /track", f"http-request deny {condition}")

    found = [entry.patterns for members in path_lists(section) for entry in members]
    assert ("/track",) not in found
