"""Selectors and ports as policies spell them: what they catch, and what nobody can tell."""

import pytest

from policies.pack.kubernetes.ports import EVERY, NONE, opened, tcp
from policies.pack.kubernetes.selectors import Labels, Verdict, is_empty, matches
from policies.pack.values import Hidden, Plain, Value

LABELS: Plain = {"app": "redis", "tier": Hidden.UNKNOWN}


@pytest.mark.parametrize(
    ("selector", "verdict"),
    [
        (None, True),
        ({}, True),
        ({"matchLabels": None, "matchExpressions": []}, True),
        ({"matchLabels": {"app": "redis"}}, True),
        ({"matchLabels": {"app": "mysql"}}, False),
        ({"matchLabels": {"other": "redis"}}, False),
        ({"matchLabels": {"tier": "data"}}, None),
        ({"matchLabels": {"tier": "data", "app": "mysql"}}, False),
        ({"matchLabels": {"app": Hidden.UNKNOWN}}, None),
        ({"matchLabels": {"pod-template-hash": "1"}}, None),
        ({"matchLabels": "app"}, None),
        ({"matchExpressions": {}}, None),
        ({"matchNames": ["redis"]}, None),
        (Hidden.SECRET, None),
        ([], None),
    ],
)
def test_a_selector_catches_what_it_names(selector: Plain, verdict: Verdict) -> None:
    assert matches(Value(selector), Labels(Value(LABELS))) is verdict


@pytest.mark.parametrize(
    ("key", "operator", "values", "verdict"),
    [
        ("app", "In", ["mysql", "redis"], True),
        ("app", "In", ["mysql"], False),
        ("app", "In", ["mysql", Hidden.UNKNOWN], None),
        ("app", "In", Hidden.UNKNOWN, None),
        ("tier", "In", ["data"], None),
        ("other", "In", ["data"], False),
        ("app", "NotIn", ["redis"], False),
        ("app", "NotIn", ["mysql"], True),
        ("tier", "NotIn", ["data"], None),
        ("other", "NotIn", ["data"], True),
        ("tier", "Exists", None, True),
        ("other", "Exists", None, False),
        ("job-name", "Exists", None, None),
        ("tier", "DoesNotExist", None, False),
        ("other", "DoesNotExist", None, True),
        ("app", "in", ["redis"], None),
        (Hidden.UNKNOWN, "Exists", None, None),
    ],
)
def test_an_expression_catches_what_it_describes(key: Plain, operator: str, values: Plain, verdict: Verdict) -> None:
    expression: Plain = {"key": key, "operator": operator, "values": values}

    assert matches(Value({"matchExpressions": [expression]}), Labels(Value(LABELS))) is verdict


@pytest.mark.parametrize(("labels", "complete"), [(Hidden.UNKNOWN, True), (None, False), ("app", True)])
def test_labels_that_cannot_be_seen_may_be_any(labels: Plain, *, complete: bool) -> None:
    assert matches(Value({"matchLabels": {"app": "redis"}}), Labels(Value(labels), complete=complete)) is None


def test_a_label_that_kubernetes_gives_cannot_be_pretended() -> None:
    labels = Labels(Value({"name": "other"}), own=(("name", "data"),))

    assert matches(Value({"matchLabels": {"name": "other"}}), labels) is False


@pytest.mark.parametrize(
    "selector", [Hidden.UNKNOWN, 7.5, {"matchLabels": Hidden.UNKNOWN}, {"matchLabels": {"a": "b"}}]
)
def test_a_selector_that_may_leave_something_out_is_not_empty(selector: Plain) -> None:
    assert not is_empty(Value(selector))


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"port": 8080.0}, "TCP 8080"),
        ({"port": 8080.0, "endPort": 8082.0, "protocol": "UDP"}, "UDP 8080-8082"),
        ({"protocol": "SCTP"}, "SCTP every port"),
        ({"port": 65535.0}, "TCP 65535"),
    ],
)
def test_ports_are_told_as_they_are(entry: Plain, text: str) -> None:
    assert str(opened(Value([entry]), None, surely=False)) == text
    assert str(opened(Value([entry]), None, surely=True)) == text


@pytest.mark.parametrize(
    "entry",
    [
        {"port": Hidden.UNKNOWN},
        {"port": "http"},
        {"port": 0.0},
        {"port": 1e18},
        {"endPort": 9.0},
        {"port": "1", "endPort": 2.0},
    ],
)
def test_a_port_that_cannot_be_told_may_be_any_and_is_certainly_none(entry: Plain) -> None:
    assert opened(Value([entry]), None, surely=False).tcp == EVERY.tcp
    assert opened(Value([entry]), None, surely=True) == NONE


@pytest.mark.parametrize("entries", [Hidden.UNKNOWN, "8080", [Hidden.UNKNOWN], [{"port": 1.0, "protocol": "tcp"}]])
def test_ports_that_cannot_be_seen_open_nothing_for_certain(entries: Plain) -> None:
    assert opened(Value(entries), None, surely=True) == NONE
    assert opened(Value(entries), None, surely=False).udp


@pytest.mark.parametrize("entries", [None, []])
def test_a_rule_without_ports_opens_every_one(entries: Plain) -> None:
    assert opened(Value(entries), None, surely=True) == EVERY


def test_ports_add_up() -> None:
    assert str(tcp(80, 443) | tcp(81, 0, 70000)) == "TCP 80-81, 443"
    assert tcp(80, 443) - tcp(443) == tcp(80)
    assert not tcp(80) & tcp(443)
