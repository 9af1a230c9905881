"""Connections of API instances and services to the stores."""

from dataclasses import replace

from model.connections import MYSQL_LIMIT, MYSQL_PER_INSTANCE, REDIS_LIMIT, REDIS_PER_INSTANCE, StoreConnections
from model.evidence import Evidence
from model.limits import MAX_INSTANCES


def mysql(gui_api: int = 2, limit: int | None = MYSQL_LIMIT) -> StoreConnections:
    return StoreConnections("MySQL", MYSQL_PER_INSTANCE, Evidence.ASSUMED, gui_api, limit)


def test_both_clusters_and_the_extra_pods_of_their_rolling_updates_count() -> None:
    assert mysql(gui_api=2).needed(10) == (10 + 1 + 2 + 1) * 10


def test_as_many_collectors_as_a_store_has_connections_for_find_all_of_theirs() -> None:
    most = mysql().most_track_instances

    assert most == 11
    assert mysql().needed(most) <= MYSQL_LIMIT < mysql().needed(most + 1)


def test_services_leave_less_to_collectors() -> None:
    store = StoreConnections("MySQL", MYSQL_PER_INSTANCE, Evidence.ASSUMED, 2, MYSQL_LIMIT, services=2)

    assert store.needed(10) == 142
    assert store.most_track_instances == 10
    assert replace(store, services=MYSQL_LIMIT).most_track_instances == 0


def test_instances_that_manage_may_take_all_connections() -> None:
    assert mysql(gui_api=40).most_track_instances == 0


def test_a_store_of_others_has_no_known_limit() -> None:
    assert mysql(limit=None).most_track_instances is None


def test_redis_accepts_as_many_instances_as_a_stack_may_have() -> None:
    """So no setting can be refused for it."""
    redis = StoreConnections("Redis", REDIS_PER_INSTANCE, Evidence.OBSERVED, MAX_INSTANCES, REDIS_LIMIT, services=80)

    assert redis.needed(MAX_INSTANCES) <= REDIS_LIMIT
