"""A declared load: the numbers that follow from it, and those that cannot carry it."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from settings.load import SettingsError
from settings.root import Settings
from tests.unit.stacks import REPOSITORY, changed, settings_of, stack_file
from tests.unit.variants import variants

PROD, DEV = stack_file("prod"), stack_file("dev")
UNSIZED = changed(PROD, track__replicas=None, track__balancer=None, data__mysql__maxConnections=500)
KNOWN = {"sustained": 500, "peak": 1000, "newVisitors": 0}


def sized(base: dict[str, Any] = UNSIZED, /, **changes: Any) -> Settings:  # noqa: ANN401 - any setting
    return settings_of(changed(base, **{"capacity": KNOWN, **changes}))


def numbers(found: Settings) -> tuple[int, int, int]:
    return found.track.replicas.min, found.track.replicas.max, found.track.balancer.replicas


def refusals(base: dict[str, Any], /, **changes: Any) -> dict[str, str]:  # noqa: ANN401 - any setting
    with pytest.raises(SettingsError) as refused:
        sized(base, **changes)
    for each in refused.value.refusals:
        assert each.remedy
    return {".".join(map(str, each.path)): f"{each.value}: {each.limit}" for each in refused.value.refusals}


def test_without_a_load_the_usual_numbers_hold() -> None:
    assert numbers(settings_of(UNSIZED)) == (3, 10, 2)


def test_numbers_that_a_stack_does_not_say_follow_from_the_load() -> None:
    assert numbers(sized()) == (6, 12, 4)


def test_the_example_of_the_documentation_is_accepted() -> None:
    text = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^  tracardi:capacity: .*$", text, re.MULTILINE)

    assert numbers(sized(capacity=yaml.safe_load(example)["tracardi:capacity"])) == (3, 6, 3)


def test_the_guides_model_needs_fewer() -> None:
    assert numbers(sized(capacity={**KNOWN, "model": "guides"})) == (3, 4, 4)


def test_a_tenth_of_requests_is_of_new_visitors_unless_said_otherwise() -> None:
    found = sized(capacity={"sustained": 135, "peak": 271})

    assert found.track.replicas.min == 3
    assert found.track.replicas.max == 5, "a known visitor's 6 ms would make it 4"


def test_a_small_load_keeps_what_the_profile_asks_for() -> None:
    tiny = {"sustained": 1, "peak": 2}

    assert numbers(sized(capacity=tiny)) == (3, 3, 2)
    assert numbers(sized(changed(DEV, track__replicas=None, track__balancer=None), capacity=tiny)) == (2, 2, 2)


def test_numbers_that_a_stack_says_win() -> None:
    found = sized(track__replicas={"min": 4, "max": 20}, track__balancer={"replicas": 7})

    assert numbers(found) == (4, 20, 7)


def test_what_a_stack_says_of_one_bound_leaves_the_other_to_the_load() -> None:
    assert numbers(sized(track__replicas={"min": 4})) == (4, 12, 4)
    assert numbers(sized(track__replicas={"max": 12})) == (6, 12, 4)
    assert numbers(sized(track__replicas={"min": 14})) == (14, 14, 4)


def test_other_settings_of_the_balancer_leave_its_number_to_the_load() -> None:
    found = sized(track__balancer={"maxBodyBytes": 2048})

    assert found.track.balancer.replicas == 4
    assert found.track.balancer.max_body_bytes == 2048


def test_a_gateway_s_balancers_hold_no_connections_of_visitors() -> None:
    gateway = variants()["gateway"]["tracardi:track"]["balancer"]

    found = sized(track__balancer={key: value for key, value in gateway.items() if key != "replicas"})

    assert found.track.balancer.replicas == 2


def test_a_load_is_declared_whole() -> None:
    assert set(refusals(UNSIZED, capacity={"sustained": 5})) == {"capacity.peak"}


@pytest.mark.parametrize(
    ("changes", "path", "limit"),
    [
        ({"sustained": 0}, "capacity.sustained", "at least 1"),
        ({"peak": "1000"}, "capacity.peak", "whole number"),
        ({"peak": 499}, "capacity.peak", "at least sustained, which is 500"),
        ({"newVisitors": 10}, "capacity.newVisitors", "at most 1"),
        ({"newVisitors": "some"}, "capacity.newVisitors", "a number"),
        ({"retentionDays": 0}, "capacity.retentionDays", "at least 1"),
        ({"retentionDays": 1.5}, "capacity.retentionDays", "whole number"),
        ({"model": "hope"}, "capacity.model", "'measured' or 'guides'"),
        ({"rps": 3}, "capacity.rps", "the keys here are sustained, peak"),
    ],
)
def test_a_load_that_means_nothing_is_refused(changes: dict[str, Any], path: str, limit: str) -> None:
    found = refusals(UNSIZED, capacity={**KNOWN, **changes})

    assert list(found) == [path]
    assert limit in found[path]


def test_too_few_collectors_for_the_peak_are_refused() -> None:
    found = refusals(PROD)

    assert found == {
        "track.replicas.max": "10: at least 12: tracardi:capacity.peak is 1000 requests/s, of which a collector "
        "carries 83 (model: measured)"
    }
    assert numbers(sized(PROD, track__replicas__max=12, data__mysql__maxConnections=162)) == (3, 12, 2)


def test_a_bound_that_is_too_low_is_told_once() -> None:
    with pytest.raises(SettingsError) as refused:
        sized(track__replicas={"max": 5})

    assert [(each.path[-1], each.limit[:11]) for each in refused.value.refusals] == [("max", "at least 12")]


def test_the_model_decides_how_many_collectors_are_too_few() -> None:
    assert sized(PROD, capacity={**KNOWN, "model": "guides"}).track.replicas.max == 10


def test_too_few_balancers_for_the_peak_are_refused() -> None:
    much = {"sustained": 2000, "peak": 6000, "newVisitors": 0, "model": "guides"}

    found = refusals(UNSIZED, capacity=much, track__balancer={"replicas": 2})

    assert list(found) == ["track.balancer.replicas"]
    assert found["track.balancer.replicas"].startswith("2: at least 3: ")
    assert "carries 2308 on a core with certificates.encryption: edge" in found["track.balancer.replicas"]
    assert sized(capacity=much, track__balancer={"replicas": 3}).track.balancer.replicas == 3


def test_end_to_end_encryption_needs_more_balancers() -> None:
    encrypted = changed(UNSIZED, certificates__encryption="full", track__balancer={"replicas": 2})

    assert refusals(encrypted, capacity={**KNOWN, "peak": 1500, "model": "guides"}).keys() == {
        "track.balancer.replicas"
    }


@pytest.mark.parametrize(("peak", "most"), [(16_667, 16_666), (1_000_000, 16_666)])
def test_a_load_that_no_number_of_collectors_carries_is_the_setting_that_is_wrong(peak: int, most: int) -> None:
    found = refusals(UNSIZED, capacity={**KNOWN, "peak": peak}, data__mysql__maxConnections=5000)

    assert found["capacity.peak"].startswith(f"{peak}: at most ")
    assert f"at most {most}: 200 collectors" in found["capacity.peak"] or peak == 1_000_000
    assert "track.replicas.max" not in found


def test_a_load_that_no_number_of_balancers_carries_is_the_setting_that_is_wrong() -> None:
    found = refusals(
        changed(UNSIZED, certificates__encryption="full"),
        capacity={**KNOWN, "peak": 14_000, "model": "guides"},
        data__mysql__maxConnections=5000,
    )

    assert list(found) == ["capacity.peak"]
    assert "at most 13636: 20 balancers is the most" in found["capacity.peak"]


def test_new_visitors_that_elasticsearch_was_never_seen_to_take_in_are_refused() -> None:
    enough = {"sustained": 390, "peak": 390, "newVisitors": 0.1}

    found = refusals(UNSIZED, capacity={**enough, "peak": 391})

    assert found == {
        "data.elasticsearch.cpu": "1: at least 1.1 with 3 of nodes: tracardi:capacity declares 39.1 new visitors/s at "
        "the peak, and a core was seen to take in 13 at best"
    }
    assert sized(capacity=enough).data.elasticsearch.cpu == "1"
    assert sized(capacity={**enough, "peak": 391}, data__elasticsearch__cpu="1100m").data.elasticsearch.nodes == 3


def test_elasticsearch_of_others_and_the_guides_model_are_taken_at_their_word() -> None:
    much = {"sustained": 400, "peak": 800, "newVisitors": 1, "model": "guides"}
    assert sized(capacity=much).track.replicas.max == 3

    outside = changed(variants()["external data"], track__replicas=None)
    assert sized(outside, capacity={**much, "model": "measured"}).track.replicas.max == 32


def test_connections_that_mysql_would_refuse_are_refused() -> None:
    load = {**KNOWN, "sustained": 1000}

    found = refusals(UNSIZED, capacity=load, guiApi__replicas=4, data__mysql__maxConnections=151)

    assert list(found) == ["data.mysql.maxConnections"]
    assert found["data.mysql.maxConnections"].startswith(
        "151: at least 182: track.replicas.max is 12, guiApi.replicas 4"
    )
    assert sized(capacity=load, guiApi__replicas=4, data__mysql__maxConnections=182).track.replicas.max == 12


@pytest.mark.parametrize(
    ("services", "asked"),
    [
        # The usual ones, with the extra pod of a rolling update.
        ({}, 2),
        ({"apm": {"enabled": False}}, 0),
        # A CronJob never has two.
        ({"apm": {"schedule": "*/10 * * * *"}}, 1),
        ({"update-worker": {"enabled": True}}, 12),
    ],
)
def test_services_ask_mysql_as_well(services: dict[str, Any], asked: int) -> None:
    """An API instance's pools are of no size that would leave room for them by chance."""
    load = {**KNOWN, "sustained": 1000}

    assert sized(capacity=load, services=services, data__mysql__maxConnections=160 + asked).track.replicas.max == 12
    found = refusals(UNSIZED, capacity=load, services=services, data__mysql__maxConnections=159 + asked)
    assert list(found) == ["data.mysql.maxConnections"]
    assert found["data.mysql.maxConnections"].endswith(f", services {asked}" if asked else "up to 10 each")


def test_a_release_without_mysql_opens_no_connections_to_it() -> None:
    found = sized(installation__release="0.8.2.1", data__mysql=None, capacity={**KNOWN, "peak": 3000})

    assert found.track.replicas.max == 36


def test_mysql_that_has_no_section_has_its_usual_limit() -> None:
    assert list(refusals(UNSIZED, data__mysql=None, capacity={**KNOWN, "peak": 3000})) == ["data.mysql.maxConnections"]


def test_the_limit_of_mysql_outside_is_not_this_stack_s() -> None:
    outside = changed(variants()["external data"], data__mysql__maxConnections=500)

    assert list(refusals(outside, capacity=None)) == ["data.mysql.maxConnections"]


def test_everything_that_cannot_carry_the_load_is_told_at_once() -> None:
    found = refusals(PROD, capacity={"sustained": 3000, "peak": 6000})

    assert found.keys() == {
        "track.replicas.max",
        "track.balancer.replicas",
        "data.elasticsearch.cpu",
        "index.shards",
    }


def test_a_load_beside_other_mistakes_hides_none_of_them() -> None:
    found = refusals(UNSIZED, installation__adminEmail="admin", capacity={**KNOWN, "newVisitors": 0.5})

    assert found.keys() == {"installation.adminEmail", "data.elasticsearch.cpu"}


def test_a_mistake_elsewhere_makes_no_number_wrong_that_follows_from_the_load() -> None:
    full = changed(UNSIZED, certificates={"source": "guessed", "encryption": "full"}, installation__profile="huge")

    assert refusals(full, capacity={**KNOWN, "peak": 3000}).keys() == {"certificates.source", "installation.profile"}


def told(found: Settings) -> str:
    return "\n".join(found.advice())


def test_cpu_that_elasticsearch_may_lack_is_warned_about() -> None:
    assert "data.elasticsearch requests 3 cores" in told(sized(capacity={**KNOWN, "newVisitors": 0.001}))
    assert "data.elasticsearch requests" not in told(
        sized(capacity={**KNOWN, "newVisitors": 0}, data__elasticsearch__cpu="3")
    )
    assert "data.elasticsearch requests" not in told(sized(capacity={**KNOWN, "model": "guides"}))
    assert "data.elasticsearch requests" not in told(settings_of(PROD))
    outside = changed(variants()["external data"], track__replicas=None)
    assert "data.elasticsearch requests" not in told(sized(outside))


KEPT = {"sustained": 100, "peak": 100, "newVisitors": 0, "retentionDays": 30}
NARROW = changed(UNSIZED, data__elasticsearch__storage="50Gi")


@pytest.mark.parametrize("days", [30, 300])
def test_volumes_that_are_full_before_events_are_deleted_are_refused(days: int) -> None:
    load = {**KEPT, "retentionDays": days}

    found = refusals(NARROW, capacity=load)

    assert list(found) == ["data.elasticsearch.storage"]
    said = re.fullmatch(
        r"50Gi: at least (\d+Gi) with 3 of nodes: tracardi:capacity declares 100 stored events/s, kept for "
        rf"{days} days",
        found["data.elasticsearch.storage"],
    )
    assert said
    assert sized(NARROW, capacity=load, data__elasticsearch__storage=said[1])


def test_the_least_volume_is_not_much_more_than_it_takes() -> None:
    said = re.search(r"at least (\d+)Gi", refusals(NARROW, capacity=KEPT)["data.elasticsearch.storage"])
    assert said

    less = f"{int(said[1]) * 99 // 100}Gi"

    assert list(refusals(NARROW, capacity=KEPT, data__elasticsearch__storage=less)) == ["data.elasticsearch.storage"]


def test_more_nodes_or_fewer_copies_hold_more() -> None:
    within = {**KEPT, "retentionDays": 8}
    assert list(refusals(NARROW, capacity=within)) == ["data.elasticsearch.storage"]

    assert sized(NARROW, capacity=within, data__elasticsearch__nodes=4)
    assert sized(NARROW, capacity=within, index__replicas=0)


def test_a_single_node_keeps_no_copies() -> None:
    small = changed(DEV, track__replicas=None, track__balancer=None, data__elasticsearch__storage="34Gi")
    load = {**KEPT, "sustained": 1, "peak": 1, "retentionDays": 290}

    assert sized(small, capacity=load)
    assert list(refusals(small, capacity={**load, "retentionDays": 310})) == ["data.elasticsearch.storage"]


def test_volumes_of_others_are_not_this_stack_s() -> None:
    outside = changed(variants()["external data"], track__replicas=None)

    assert sized(outside, capacity={**KEPT, "retentionDays": 3650})


def test_who_does_not_say_how_long_events_are_kept_is_warned_and_not_refused() -> None:
    load = {key: value for key, value in KEPT.items() if key != "retentionDays"}

    assert "storage is reckoned to be full after 6.6 days" in told(sized(NARROW, capacity=load))
    assert "reckoned to be full" not in told(sized(NARROW, capacity={**KEPT, "retentionDays": 5}))
    assert "reckoned to be full" not in told(settings_of(PROD)), "nothing is known of its load"


WIDE = {"data__elasticsearch__cpu": "16", "data__elasticsearch__storage": "64Ti", "data__mysql__maxConnections": 900}


def test_shards_that_an_index_outgrows_are_refused_whatever_their_volumes() -> None:
    load = {"sustained": 2500, "peak": 2500, "newVisitors": 0}

    found = refusals(UNSIZED, capacity=load, **WIDE)

    assert list(found) == ["index.shards"]
    assert "3: at least 4: tracardi:capacity declares 2500 stored events/s, an index takes in a month" in str(found)
    assert sized(UNSIZED, capacity=load, index__shards=4, **WIDE)
    assert sized(UNSIZED, capacity={**load, "sustained": 2400}, **WIDE)
    assert list(refusals(UNSIZED, capacity=load, index__shards=9, index__eventPartitioning="quarter", **WIDE)) == [
        "index.shards"
    ]


def test_volumes_that_hold_a_whole_event_index_are_not_warned_about() -> None:
    load = {**KNOWN, "sustained": 10, "peak": 10}

    assert "reckoned to be full" not in told(sized(NARROW, capacity=load))
    quarter = sized(NARROW, capacity=load, index__eventPartitioning="quarter")
    assert "first event index, which covers a quarter, can" in told(quarter)


def test_volumes_of_others_are_not_warned_about() -> None:
    assert "reckoned to be full" not in told(sized(changed(variants()["external data"], track__replicas=None)))


def test_connections_that_mysql_would_refuse_are_warned_about_where_no_load_is_declared() -> None:
    assert "open 152 connections to MySQL, which accepts 151" in told(
        settings_of(changed(PROD, track__replicas__max=11))
    )
    assert "connections to MySQL" not in told(settings_of(changed(PROD, track__replicas__max=10)))
    assert "open 152 connections to MySQL, which accepts 151" in told(
        settings_of(changed(PROD, services={"update-worker": {"enabled": True}}))
    )


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(st.integers(1, 3000), st.integers(0, 3000), st.sampled_from(["measured", "guides"]))
def test_numbers_that_follow_from_a_load_are_never_refused(sustained: int, more: int, model: str) -> None:
    load = {"sustained": sustained, "peak": sustained + more, "newVisitors": 0, "model": model}

    found = sized(capacity=load, data__mysql__maxConnections=5000, index__shards=4)

    assert 3 <= found.track.replicas.min <= found.track.replicas.max
