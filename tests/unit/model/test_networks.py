"""Networks that are as good as the whole internet."""

from ipaddress import ip_network

import pytest

from model.networks import too_wide


@pytest.mark.parametrize(
    ("listed", "union"),
    [
        (["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"], None),
        (["10.0.0.0/7"], "10.0.0.0/7"),
        (["0.0.0.0/2", "64.0.0.0/2"], "0.0.0.0/1"),
        (["10.0.0.0/8", "11.0.0.0/8"], "10.0.0.0/7"),
        (["2000::/3"], "2000::/3"),
        ([], None),
    ],
)
def test_networks_are_judged_by_what_they_add_up_to(listed: list[str], union: str | None) -> None:
    found = too_wide(map(ip_network, listed))

    assert (str(found) if found else None) == union
