"""What carries a load, by both cost models."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.capacity import (
    COSTS,
    DISK_SHARE,
    EVENT_BYTES,
    NEW_VISITOR_BYTES,
    SHARD_DOCUMENTS,
    CostModel,
    Load,
    Site,
    balancers_by_connections,
    balancers_by_cpu,
    bottleneck,
    days_until_full,
    elasticsearch_cores,
    least_elasticsearch_cores,
    least_shards,
    least_volume,
    parts,
    sizes,
    stored_bytes,
    stored_events,
    wanted_by_autoscaler,
)
from model.connections import StoreConnections
from model.encryption import Encryption
from model.evidence import Evidence
from model.limits import MAX_BALANCERS, MAX_INSTANCES

SITE = Site(
    least_instances=3,
    elasticsearch_nodes=3,
    elasticsearch_cores=Fraction(3),
    elasticsearch_storage=Fraction(3 * 50 * 2**30),
    copies=2,
    stores=(StoreConnections("MySQL", 10, Evidence.ASSUMED, gui_api=2, limit=151),),
)
MODELS = tuple(CostModel)
LOADS = st.builds(
    lambda sustained, more, share: Load(sustained, sustained + more, share),
    st.integers(1, 20_000),
    st.integers(0, 20_000),
    st.integers(0, 1000).map(lambda thousandths: thousandths / 1000),
)

# The same examples on every machine, and no files of Hypothesis' own.
steady = settings(derandomize=True, database=None, deadline=None)


def load(rate: int, share: float = 0.0) -> Load:
    return Load(rate, rate, share)


def test_the_guides_carry_3000_requests_with_ten_instances() -> None:
    found = sizes(load(3000, 0.1), CostModel.GUIDES, SITE)

    assert (found.floor, found.ceiling) == (10, 10)


@pytest.mark.parametrize(
    ("share", "rate", "instances"),
    [(0.0, 250, 3), (0.0, 251, 4), (1.0, 100, 4), (1.0, 101, 5), (0.5, 500, 13)],
)
def test_measured_instances_follow_from_cpu_by_visitor(share: float, rate: int, instances: int) -> None:
    """Half a core carries 83 requests a second of known visitors, 25 of new ones."""
    assert COSTS[CostModel.MEASURED].instances(rate, Fraction(str(share))) == instances


def test_a_share_is_what_is_written_not_the_nearest_binary_fraction() -> None:
    """0.1 as a binary fraction is a little more, which may cost an instance where a load is a whole number of them."""
    assert load(1, 0.1).share == Fraction(1, 10)


def test_the_floor_carries_what_is_sustained_and_the_ceiling_the_peak() -> None:
    found = sizes(Load(500, 1000, 0.0), CostModel.MEASURED, SITE)

    assert (found.floor, found.ceiling) == (6, 12)


def test_no_load_is_so_small_that_it_needs_less_than_the_profile_asks_for() -> None:
    found = sizes(load(1), CostModel.GUIDES, SITE)

    assert (found.floor, found.ceiling, found.balancers) == (3, 3, 2)


def test_no_number_is_more_than_a_stack_may_set() -> None:
    found = sizes(load(1_000_000, 1.0), CostModel.MEASURED, SITE)

    assert (found.floor, found.ceiling, found.balancers) == (MAX_INSTANCES, MAX_INSTANCES, MAX_BALANCERS)


@steady
@given(LOADS, st.integers(0, 5000), st.integers(0, 5000), st.sampled_from(MODELS))
def test_more_load_never_needs_less(smaller: Load, sustained: int, peak: int, model: CostModel) -> None:
    larger = replace(smaller, sustained=smaller.sustained + sustained, peak=smaller.peak + sustained + peak)

    few, many = sizes(smaller, model, SITE), sizes(larger, model, SITE)

    assert few.floor <= many.floor
    assert few.ceiling <= many.ceiling
    assert few.balancers <= many.balancers
    assert least_elasticsearch_cores(smaller) <= least_elasticsearch_cores(larger)


@steady
@given(LOADS, st.integers(0, 1000))
def test_more_new_visitors_never_need_less(some: Load, thousandths: int) -> None:
    more = replace(some, new_visitors=max(some.new_visitors, thousandths / 1000))

    few, many = (sizes(each, CostModel.MEASURED, SITE) for each in (some, more))

    assert few.floor <= many.floor
    assert few.ceiling <= many.ceiling
    assert least_elasticsearch_cores(some) <= least_elasticsearch_cores(more)


@steady
@given(LOADS, st.sampled_from(MODELS))
def test_what_is_needed_carries_the_load_and_one_collector_less_does_not(wanted: Load, model: CostModel) -> None:
    each, found = COSTS[model].per_instance(wanted.share), COSTS[model].instances(wanted.peak, wanted.share)

    assert found * each >= wanted.peak
    assert found == 1 or (found - 1) * each < wanted.peak


@steady
@given(st.integers(1, 2000))
def test_without_new_visitors_the_models_differ_by_a_factor_alone(rate: int) -> None:
    """6 ms of half a core against 1/300 s: 3.6 times."""
    measured, guides = COSTS[CostModel.MEASURED], COSTS[CostModel.GUIDES]

    assert measured.instances(5 * rate, Fraction(0)) == guides.instances(18 * rate, Fraction(0))


def test_the_guides_know_no_difference_between_visitors() -> None:
    assert len({COSTS[CostModel.GUIDES].per_instance(Fraction(share, 4)) for share in range(5)}) == 1


@pytest.mark.parametrize(("encryption", "by_cpu"), [(Encryption.EDGE, 2), (Encryption.FULL, 5)], ids=str)
def test_balancers_carry_3000_visitors_as_the_documentation_says(encryption: Encryption, by_cpu: int) -> None:
    assert balancers_by_cpu(3000, replace(SITE, encryption=encryption)) == by_cpu


def test_balancers_hold_a_connection_of_each_visitor_until_it_times_out() -> None:
    """11 000 places, each taken for 30 s."""
    assert balancers_by_connections(366, SITE) == 1
    assert balancers_by_connections(367, SITE) == 2
    assert sizes(load(367), CostModel.GUIDES, SITE).balancers == 3, "one of them may fail"


def test_a_gateway_shares_its_connections_among_visitors() -> None:
    behind = replace(SITE, gateway=True)

    assert balancers_by_connections(3000, behind) == 0
    assert balancers_by_cpu(3000, behind) == 1
    assert "balancers' connections" not in {
        part.name for part in parts(load(1), CostModel.GUIDES, behind, sizes(load(1), CostModel.GUIDES, behind))
    }


def test_the_autoscaler_aims_for_more_than_what_just_carries_the_load() -> None:
    """At 60 % of the request, it wants 1/0.6 times as many."""
    assert wanted_by_autoscaler(500, load(500), CostModel.MEASURED, 60) == 10
    assert wanted_by_autoscaler(500, load(500), CostModel.MEASURED, 90) == 7


def test_a_core_of_elasticsearch_takes_13_new_visitors_in_at_best() -> None:
    assert least_elasticsearch_cores(load(1300, 0.1)) == 10
    assert least_elasticsearch_cores(load(1300)) == 0


def test_each_copy_of_a_shard_costs_elasticsearch_as_much_again() -> None:
    one, two = (elasticsearch_cores(load(1000, 0.1), CostModel.MEASURED, copies) for copies in (1, 2))

    assert one == Fraction("13.6")
    assert two == 2 * one


def test_the_guides_say_nothing_of_elasticsearch_s_cpu() -> None:
    assert elasticsearch_cores(load(1000), CostModel.GUIDES, 2) is None


def test_a_new_visitor_s_event_is_stored_as_four() -> None:
    assert stored_events(100, load(100, 0.5)) == 250


def test_a_day_stores_what_is_sustained_and_not_the_peak() -> None:
    assert stored_bytes(Load(10, 500, 0.0), copies=1) == 10 * 86_400 * EVENT_BYTES


def test_a_new_visitor_is_stored_as_four_events_a_profile_and_a_session() -> None:
    assert stored_bytes(load(1, 1.0), copies=1) == 86_400 * (4 * EVENT_BYTES + NEW_VISITOR_BYTES)


def test_each_copy_is_stored_again() -> None:
    assert stored_bytes(load(7, 0.1), copies=3) == 3 * stored_bytes(load(7, 0.1), copies=1)


def test_volumes_are_full_where_elasticsearch_places_no_more_copies() -> None:
    """That is before the last sixth is taken; at 95 % nothing could be stored any more."""
    days = days_until_full(load(3000, 0.1), SITE)

    assert days == Fraction(85, 100) * 150 * 2**30 / stored_bytes(load(3000, 0.1), copies=2)
    assert days < 1, "nobody is told in time that the volumes of a default installation fill within a day"


def test_nobody_knows_the_volumes_of_others() -> None:
    assert days_until_full(load(1), replace(SITE, elasticsearch_nodes=None)) is None


@steady
@given(LOADS, st.integers(1, 5), st.integers(1, 30), st.integers(1, 3650))
def test_the_least_volume_is_full_on_the_day_and_no_earlier(wanted: Load, copies: int, nodes: int, days: int) -> None:
    storage = nodes * least_volume(wanted, copies, nodes, days)
    site = replace(SITE, elasticsearch_nodes=nodes, elasticsearch_storage=storage, copies=copies)

    assert days_until_full(wanted, site) == days
    assert storage * DISK_SHARE == days * stored_bytes(wanted, copies)


def of(rate: int, share: float, model: CostModel, site: Site = SITE) -> str:
    wanted = load(rate, share)
    return bottleneck(parts(wanted, model, site, sizes(wanted, model, site))).name


def test_elasticsearch_limits_new_visitors_long_before_anything_else() -> None:
    assert of(300, 1.0, CostModel.MEASURED) == "Elasticsearch's CPU"
    assert of(3000, 0.1, CostModel.MEASURED) == "Elasticsearch's CPU"


def test_where_others_run_elasticsearch_the_next_part_is_named() -> None:
    assert of(3000, 0.1, CostModel.MEASURED, replace(SITE, elasticsearch_nodes=None)) == "connections to MySQL"


def test_the_guides_one_elasticsearch_carries_3000() -> None:
    assert of(3200, 0.0, CostModel.GUIDES) == "Elasticsearch"


def test_the_bottleneck_is_what_carries_least() -> None:
    wanted = load(3000, 0.1)
    found = parts(wanted, CostModel.MEASURED, SITE, sizes(wanted, CostModel.MEASURED, SITE))

    assert bottleneck(found).carries == min(part.carries for part in found)
    assert len(found) == 5


def test_what_nobody_has_seen_is_called_assumed() -> None:
    wanted = load(300, 0.1)
    found = parts(wanted, CostModel.MEASURED, SITE, sizes(wanted, CostModel.MEASURED, SITE))

    assert {part.name: part.evidence for part in found}["track instances"] is Evidence.OBSERVED
    assert {part.name: part.evidence for part in found}["Elasticsearch's CPU"] is Evidence.ASSUMED


def test_a_shard_takes_in_what_it_may_hold_and_not_one_document_more() -> None:
    days = 31
    fits = 3 * SHARD_DOCUMENTS // (86_400 * days)

    assert least_shards(Load(fits, fits, 0.0), days) == 3
    assert least_shards(Load(fits + 1, fits + 1, 0.0), days) == 4
    assert least_shards(Load(fits, 10 * fits, 0.0), days) == 3
    assert least_shards(Load(1, 1, 0.0), days) == 1
