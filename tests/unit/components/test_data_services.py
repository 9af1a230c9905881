"""Each store in the cluster or run by others: the same typed endpoint either way."""

from typing import Any

import pytest

from components.endpoints import ElasticsearchEndpoint, MysqlEndpoint, RedisEndpoint, Tunnel
from settings.root import Settings
from tests.unit.components.stores import AUTHORITY, OUTSIDE, data_services, prod_with

PASSWORD = "Given.S3cret.of.the.owner"  # noqa: S105 - made up


def outside(store: str, **settings: Any) -> Settings:  # noqa: ANN401 - any setting
    """Production with `store` run by others."""
    tunnel = settings.pop("tunnel", None)
    changes: dict[str, Any] = {"external": {"networks": OUTSIDE, **settings}}
    if tunnel is not None:
        changes["tunnel"] = tunnel
    return prod_with(**{f"data__{store}": changes, f"credentials__{store}__value": PASSWORD})


def test_stores_in_the_cluster_are_found_under_their_services() -> None:
    _, endpoints = data_services(prod_with())

    assert endpoints.elasticsearch.urls == ("https://elasticsearch.tracardi-data.svc.cluster.local:9200",)
    assert endpoints.elasticsearch.username == "elastic"
    assert endpoints.elasticsearch.authority is not None
    assert endpoints.redis == RedisEndpoint("redis.tracardi-data.svc.cluster.local", 6379)
    assert endpoints.mysql == MysqlEndpoint("mysql.tracardi-data.svc.cluster.local", 3306, "tracardi", "tracardi")


@pytest.mark.parametrize("store", ["elasticsearch", "redis", "mysql"])
def test_nothing_is_made_of_a_store_that_others_run(store: str) -> None:
    place = {"urls": ["https://search.example.com"]} if store == "elasticsearch" else {"host": "store.example.com"}

    found, _ = data_services(outside(store, **place))

    assert not [each.name for each in found.registered if store in each.name]
    assert len(found.of_kind("StatefulSet")) == 2


@pytest.mark.parametrize("authority", [None, AUTHORITY])
def test_elasticsearch_that_others_run_is_verified_as_they_say(authority: str | None) -> None:
    urls = ["https://one.example.com:9243", "https://two.example.com"]
    given = {} if authority is None else {"certificateAuthority": authority}

    _, endpoints = data_services(outside("elasticsearch", urls=urls, username="tracardi", **given))

    assert endpoints.elasticsearch == ElasticsearchEndpoint(tuple(urls), "tracardi", authority)


@pytest.mark.parametrize(("given", "port"), [({}, 6379), ({"port": 6400}, 6400)])
def test_redis_that_others_run_is_addressed_directly(given: dict[str, int], port: int) -> None:
    _, endpoints = data_services(outside("redis", host="cache.example.com", **given))

    assert endpoints.redis == RedisEndpoint("cache.example.com", port)


@pytest.mark.parametrize(("given", "port"), [({}, 3306), ({"port": 3310}, 3310)])
def test_mysql_that_others_run_is_addressed_directly(given: dict[str, int], port: int) -> None:
    settings = outside("mysql", host="db.example.com", username="app", database="cdp", **given)

    _, endpoints = data_services(settings)

    assert endpoints.mysql == MysqlEndpoint("db.example.com", port, "app", "cdp")


def test_a_tunnel_is_addressed_on_loopback_and_knows_where_it_leads() -> None:
    _, endpoints = data_services(
        outside("redis", host="cache.example.com", port=6400, certificateAuthority=AUTHORITY, tunnel=True)
    )

    assert endpoints.redis == RedisEndpoint("127.0.0.1", 6379, Tunnel("cache.example.com", 6400, AUTHORITY))


def test_a_tunnel_to_mysql_keeps_user_and_database() -> None:
    _, endpoints = data_services(outside("mysql", host="db.example.com", username="app", database="cdp", tunnel=True))

    assert endpoints.mysql == MysqlEndpoint("127.0.0.1", 3306, "app", "cdp", Tunnel("db.example.com", 3306, None))


@pytest.mark.parametrize(("store", "port"), [("redis", 6379), ("mysql", 3306)])
def test_a_tunnel_inside_the_cluster_leads_to_the_service_and_verifies_its_authority(store: str, port: int) -> None:
    _, endpoints = data_services(prod_with(**{f"data__{store}__tunnel": True}))

    endpoint = {"redis": endpoints.redis, "mysql": endpoints.mysql}[store]
    assert endpoint is not None
    assert (endpoint.host, endpoint.port) == ("127.0.0.1", port)
    assert endpoint.tunnel is not None
    assert endpoint.tunnel.host == f"{store}.tracardi-data.svc.cluster.local"
    assert endpoint.tunnel.port == port
    assert endpoint.tunnel.authority is not None
