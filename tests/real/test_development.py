"""What `pulumi up` brings up of development's stack on real nodes."""

import pytest

from tests.real.load.pods import restarts
from tests.real.load.single import send_and_find
from tests.real.site import Installation

pytestmark = pytest.mark.timeout(600)


def test_an_event_from_the_internet_is_found_and_no_pod_was_started_twice(development: Installation) -> None:
    assert restarts(development).total() == 0
    send_and_find(development)
