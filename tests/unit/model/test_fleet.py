"""What a load takes that is too much for one installation."""

from dataclasses import replace
from fractions import Fraction

from model.capacity import CostModel, Load, Site
from model.fleet import fleet
from model.limits import MAX_BALANCERS, MAX_INSTANCES

SITE = Site(least_instances=3, elasticsearch_nodes=3, elasticsearch_cores=Fraction(3), copies=2)
LOAD = Load(1_000_000, 1_000_000, 0.1)


def test_as_many_installations_as_carry_the_peak_and_none_more() -> None:
    found = fleet(LOAD, CostModel.MEASURED, SITE)

    assert found.installations * found.carries.carries >= LOAD.peak > (found.installations - 1) * found.carries.carries


def test_an_installation_is_as_large_as_settings_allow_whatever_its_stores_are() -> None:
    found = fleet(LOAD, CostModel.MEASURED, SITE)

    assert found.carries.name == "balancers' connections"
    assert found.carries.carries == Fraction(MAX_BALANCERS * 11_000, 30)
    assert found == fleet(LOAD, CostModel.MEASURED, replace(SITE, elasticsearch_cores=Fraction(300)))


def test_a_gateway_holds_visitors_connections_so_collectors_are_the_limit() -> None:
    found = fleet(LOAD, CostModel.MEASURED, replace(SITE, gateway=True))

    assert found.carries.name == "track instances"
    assert found.collectors == 14_800
    assert found.installations == -(-found.collectors // MAX_INSTANCES) == 74
    assert found.collector_cores == 7400
    assert found.balancers == found.balancer_cores == 67


def test_elasticsearch_costs_as_much_for_each_copy() -> None:
    one, two = (fleet(LOAD, CostModel.MEASURED, replace(SITE, copies=copies)) for copies in (1, 2))

    assert one.elasticsearch_cores is not None
    assert two.elasticsearch_cores == 2 * one.elasticsearch_cores == 27_200
    assert one.least_elasticsearch_cores == two.least_elasticsearch_cores == Fraction(100_000, 13)


def test_the_guides_name_no_cost_of_elasticsearch() -> None:
    assert fleet(LOAD, CostModel.GUIDES, SITE).elasticsearch_cores is None
