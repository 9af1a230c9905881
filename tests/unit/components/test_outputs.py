"""What a stack tells its users."""

import pytest

from components.outputs import dns_records


@pytest.mark.parametrize(
    ("addresses", "records"),
    [
        ([], []),
        (["198.51.100.1"], [("A", ["198.51.100.1"])]),
        (["198.51.100.1", "198.51.100.2"], [("A", ["198.51.100.1", "198.51.100.2"])]),
        (["198.51.100.1", "2001:db8::1"], [("A", ["198.51.100.1"]), ("AAAA", ["2001:db8::1"])]),
        (["lb.cloud.example.com"], [("CNAME", ["lb.cloud.example.com"])]),
    ],
)
def test_dns_records_follow_from_the_addresses(addresses: list[str], records: list[tuple[str, list[str]]]) -> None:
    assert dns_records("track.example.com", addresses) == [
        {"name": "track.example.com", "type": kind, "values": values} for kind, values in records
    ]
