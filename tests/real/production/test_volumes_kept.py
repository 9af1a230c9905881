"""What outlives a stack in production: its volumes with every event, and the passwords without which they are lost."""

import time

import pytest

from tests.measured import Measured
from tests.real.load import traffic
from tests.real.load.changes import settle
from tests.real.load.pods import TIERS
from tests.real.load.stored import count, stored
from tests.real.site import Installation

pytestmark = [pytest.mark.own_nodes("connects from networks outside"), pytest.mark.timeout(600)]

_SECONDS = 5.0


def test_events_and_passwords_outlive_the_stack(production: Installation, measured: Measured) -> None:
    with traffic(production) as load:
        time.sleep(_SECONDS)
    known = load.account()
    assert known.accepted.sent == known.outcome.sent, known.explained()
    before, volumes, password = count(production), _volumes(production), _password(production)

    _release(production)
    production.stack.destroy()

    assert _namespaces(production) == {production.namespace("data")}
    assert _volumes(production) == volumes

    production.up()
    settle(production)

    after = count(production)
    measured("events before destroy, and after the next up", f"{before}, {after}")
    assert _volumes(production) == volumes
    assert _password(production) == password
    assert after == before
    assert stored(production, load.name) == known.stored
    administrator = production.administrator()
    assert administrator.events() == before
    administrator.close()


def test_an_installation_that_was_deployed_again_collects_events(production: Installation) -> None:
    with traffic(production) as load:
        time.sleep(_SECONDS)

    account = load.account()
    assert account.accepted.sent == account.outcome.sent > 0, account.explained()
    assert not account.lost, account.explained()


def _release(production: Installation) -> None:
    """Let the stack go without what it protects, as `make down DATA=keep` does; it stays marked as kept."""
    state = production.stack.export_stack()
    for resource in (state.deployment or {})["resources"]:
        resource.pop("protect", None)
    production.stack.import_stack(state)


def _volumes(production: Installation) -> dict[str, str]:
    """The volume behind each claim."""
    path = f"/api/v1/namespaces/{production.namespace('data')}/persistentvolumeclaims"
    return {claim["metadata"]["name"]: claim["spec"]["volumeName"] for claim in production.client.items(path)}


def _password(production: Installation) -> str:
    """The generated password of the administrator, as it is kept beside the data."""
    return production.secret("data", "kept-admin-password", "value")


def _namespaces(production: Installation) -> set[str]:
    own = {production.namespace(tier) for tier in TIERS}
    return own & {each["metadata"]["name"] for each in production.client.items("/api/v1/namespaces")}
