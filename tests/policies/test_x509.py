"""Certificates in PEM: the pack reads what they say, and says of what it cannot read that it cannot."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from policies.pack.tls.x509 import Key, certificates, has_certificate
from policies.pack.unreadable import UnreadableError

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def pem(*names: str, end: datetime = datetime(2040, 1, 1, tzinfo=UTC)) -> str:
    certificate = trustme.CA().issue_cert(*names, not_after=end)
    return certificate.cert_chain_pems[0].bytes().decode()


def self_signed(key: PrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2060, 1, 1))  # noqa: DTZ001 - in UTC by definition
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM).decode()


def test_names_and_addresses_are_read() -> None:
    (found,) = certificates(pem("a.example.com", "*.B.example.com", "192.0.2.1", "2001:db8::1"))

    assert found.names == {"a.example.com", "*.b.example.com", "192.0.2.1", "2001:db8::1"}
    assert not found.authority
    assert not found.self_signed
    assert found.old_signature is None


@pytest.mark.parametrize("year", [2049, 2050])
def test_lives_are_read_in_both_of_their_forms(year: int) -> None:
    (found,) = certificates(pem("a", end=datetime(year, 12, 31, tzinfo=UTC)))

    assert found.ends == datetime(year, 12, 31, tzinfo=UTC)
    assert found.begins < found.ends


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (rsa.generate_private_key(65537, 1024), Key("RSA", bits=1024)),  # noqa: S505 - a weak one is wanted
        (ec.generate_private_key(ec.SECP224R1()), Key("ECDSA", curve="P224")),
        (ec.generate_private_key(ec.SECP384R1()), Key("ECDSA", curve="P384")),
        (ec.generate_private_key(ec.SECP256K1()), Key("ECDSA", curve="secp256k1")),
        (ed25519.Ed25519PrivateKey.generate(), Key("ED25519")),
    ],
    ids=["RSA", "P224", "P384", "another curve", "ED25519"],
)
def test_keys_are_read(key: PrivateKey, expected: Key) -> None:
    (found,) = certificates(self_signed(key))

    assert found.key == expected
    assert found.self_signed
    assert found.names == frozenset()


def test_an_authority_behind_a_certificate_is_read_as_one() -> None:
    authority = trustme.CA()
    first = authority.issue_cert("a").cert_chain_pems[0].bytes().decode()

    shown, signer = certificates(f"before\n{first}between\n{authority.cert_pem.bytes().decode()}")

    assert (shown.authority, signer.authority, signer.self_signed) == (False, True, True)


@pytest.mark.parametrize("body", ["", "AAAA", "not base64!", "MAA=", b64encode(b"\x30\x82\xff\xff").decode()])
def test_what_is_no_certificate_is_told(body: str) -> None:
    with pytest.raises(UnreadableError):
        certificates(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")


def test_a_certificate_that_is_cut_off_is_told() -> None:
    whole = pem("a")
    with pytest.raises(UnreadableError):
        certificates(whole[: len(whole) // 2])


def test_every_beginning_of_a_certificate_is_told_or_read() -> None:
    lines = pem("a.example.com").splitlines()
    for kept in range(1, len(lines) - 1):
        with pytest.raises(UnreadableError):
            certificates("\n".join((*lines[:kept], lines[-1])))


def test_other_text_has_no_certificate() -> None:
    assert has_certificate(pem("a"))
    assert not has_certificate("-----BEGIN PRIVATE KEY-----")
    assert certificates("none") == ()
