"""What stays in plain text is said."""

import pytest

from model.encryption import Encryption, Store, exceptions
from model.roles import Role

EVERYTHING = frozenset(role for role in Role if not role.is_service)


def connections(encryption: Encryption, stores: frozenset[Store], roles: frozenset[Role] = EVERYTHING) -> set[str]:
    return {plain.connection for plain in exceptions(encryption, roles, stores)}


def test_with_tls_everywhere_only_stores_and_redirects_are_plain() -> None:
    assert connections(Encryption.FULL, frozenset(Store)) == {
        "API to redis",
        "API to mysql",
        "API to pulsar",
        "port 80 of each balancer",
    }


def test_services_speak_to_stores_as_the_api_does() -> None:
    plain = connections(Encryption.FULL, frozenset(Store), EVERYTHING | {Role("apm")})

    stores = {f"API and services to {store}" for store in ("redis", "mysql", "pulsar")}
    assert plain == {*stores, "port 80 of each balancer"}


@pytest.mark.parametrize("store", Store)
def test_a_tunnel_takes_its_store_off_the_list(store: Store) -> None:
    assert f"API to {store}" not in connections(Encryption.FULL, frozenset(Store) - {store})


@pytest.mark.parametrize("store", Store)
def test_what_closes_a_plain_connection_is_a_setting_of_its_store(store: Store) -> None:
    (found,) = (
        plain for plain in exceptions(Encryption.FULL, EVERYTHING, frozenset({store})) if store in plain.connection
    )

    assert f"tracardi:data.{store}." in found.reason


def test_with_tls_at_the_edge_each_balancer_is_listed_with_what_it_reaches() -> None:
    plain = connections(Encryption.EDGE, frozenset())

    assert {"track-balancer to track-api", "gui-balancer to gui", "installation to gui-api"} <= plain
    assert "metrics port of each balancer" in plain


def test_the_page_of_a_tunnel_is_listed_where_there_is_one() -> None:
    found = exceptions(Encryption.FULL, EVERYTHING, frozenset(), tunnels=frozenset({Store.REDIS, Store.PULSAR}))

    pages = {f"health page of each {store} tunnel" for store in ("Redis", "Pulsar")}
    assert pages <= {plain.connection for plain in found}
    assert "health page of each Redis tunnel" not in connections(Encryption.FULL, frozenset())


def test_what_is_not_there_is_not_listed() -> None:
    plain = connections(Encryption.EDGE, frozenset(), EVERYTHING - {Role.GUI, Role.GUI_BALANCER})

    assert "gui-balancer to gui" not in plain
