"""The authorities that Java trusts, in the format that Java reads."""

import hashlib
import struct

import pytest

from tools.debian.truststore import truststore

FIRST = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"
SECOND = "-----BEGIN CERTIFICATE-----\nZGVm\n-----END CERTIFICATE-----\n"


def test_every_certificate_of_the_bundle_is_an_entry_of_its_own() -> None:
    store = truststore(f"# the first\n{FIRST}\n# the second\n{SECOND}")

    assert struct.unpack(">III", store[:12]) == (0xFEEDFEED, 2, 2)
    assert [b"authority-0" in store, b"authority-1" in store] == [True, True]
    assert store.index(b"\0\0\0\3abc") < store.index(b"\0\0\0\3def")


def test_an_entry_is_laid_out_as_java_writes_it() -> None:
    entry = truststore(FIRST)[12:-20]

    assert entry == b"\0\0\0\2" + b"\0\x0bauthority-0" + bytes(8) + b"\0\5X.509" + b"\0\0\0\3abc"


@pytest.mark.parametrize("bundle", ["", FIRST])
def test_it_is_sealed_with_the_password_that_java_expects(bundle: str) -> None:
    store = truststore(bundle)
    password = "changeit".encode("utf-16-be")

    assert store[-20:] == hashlib.sha1(password + b"Mighty Aphrodite" + store[:-20], usedforsecurity=False).digest()
