"""What is tried of the kernel is told by name where it is not there."""

import errno
from types import MappingProxyType

import pytest

from tools.tiers import kernel
from tools.tiers.kernel import FEATURES, Feature, attribute

LACKING = MappingProxyType({"links of the kind veth": b"veth", "ipset with sets of the kind hash:net": b"hash:net"})


def refused() -> bool:
    """A trial that the kernel does not even listen to."""
    raise PermissionError


def test_features_that_are_not_there_are_named_a_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = (Feature("water", lambda: True), Feature("fire", lambda: False), Feature("air", refused))
    monkeypatch.setattr(kernel, "FEATURES", trials)

    kernel.main()

    assert capsys.readouterr().out == "fire\nair\n"


@pytest.mark.parametrize("name", LACKING)
def test_a_kind_that_the_kernel_does_not_know_is_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_protocol: int, _kind: int, _flags: int, body: bytes) -> int:
        return errno.EOPNOTSUPP if LACKING[name] in body else 0

    monkeypatch.setattr(kernel, "answer", answer)
    asked = [feature for feature in FEATURES if feature.name.startswith(("links", "ipset", "nftables"))]

    assert [feature.name for feature in asked if not feature.there()] == [name]


def test_attributes_are_filled_up_to_four_bytes_which_their_length_does_not_count() -> None:
    assert attribute(3, b"hash\0") == b"\x09\x00\x03\x00hash\0\0\0\0"
