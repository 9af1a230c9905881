"""What `pulumi up` brings up of development's stack on real nodes, and what an update of it leaves alone."""

import pytest
from pulumi import automation

from tests.real.load.changes import delete, settle
from tests.real.load.pods import pods, restarts
from tests.real.load.single import send_and_find
from tests.real.site import Installation
from tests.real.site.elsewhere import PASSWORD, password_for, redis_elsewhere

pytestmark = pytest.mark.timeout(600)


def test_an_event_from_the_internet_is_found_and_no_pod_was_started_twice(development: Installation) -> None:
    assert restarts(development).total() == 0
    send_and_find(development)


def test_a_store_that_refuses_the_password_ends_the_update_and_nothing_else(development: Installation) -> None:
    with redis_elsewhere(development) as address:
        development.change(
            data__redis={"external": {"host": address, "networks": [f"{address}/32"]}},
            credentials__redis=password_for(development, "not-the-password-of-anybody"),
        )
        with pytest.raises(automation.CommandError) as refused:
            development.up()

        assert f"tracardi:credentials.redis: logging in to Redis at {address}:6379" in str(refused.value)
        # Instances that are there go on, and so do new ones.
        send_and_find(development)
        delete(development, "track-api", pods(development, "track-api")[0])
        send_and_find(development)

        password_for(development, PASSWORD)
        development.up()
        settle(development)
        send_and_find(development)
        assert not pods(development, "redis")
