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


@pytest.mark.parametrize(
    ("listed", "union"),
    [
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"], None),
        ([f"{first}.0.0.0/8" for first in (2, 4, 6, 8)], None),
        ([f"{first}.0.0.0/8" for first in (2, 4, 6, 8, 11)], "0.0.0.0/4"),
        ([f"{first}.0.0.0/8" for first in range(0, 256, 2)], "0.0.0.0/0"),
        ([f"2001:{digit}::/32" for digit in range(0, 8, 2)], None),
        ([f"2001:{digit}::/32" for digit in range(0, 10, 2)], "2001::/28"),
        (["::ffff:0:0/96"], "0.0.0.0/0"),
        (["::ffff:0.0.0.0/97", "128.0.0.0/1"], "0.0.0.0/0"),
        (["64:ff9b::/96"], "0.0.0.0/0"),
        (["::ffff:10.0.0.0/104", "::1/128", "::/128"], None),
    ],
)
def test_many_networks_side_by_side_or_in_another_spelling_are_judged_together(
    listed: list[str], union: str | None
) -> None:
    found = too_wide(map(ip_network, listed))

    assert (str(found) if found else None) == union


def test_what_is_too_wide_can_be_narrowed() -> None:
    assert too_wide([ip_network("192.0.0.0/12"), ip_network("2001:db8::/32")]) is None
    assert str(too_wide([ip_network("192.0.0.0/12")], 16, 48)) == "192.0.0.0/12"
    assert str(too_wide([ip_network("2001:db8::/32")], 16, 48)) == "2001:db8::/32"
