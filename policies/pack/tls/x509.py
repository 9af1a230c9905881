"""What a certificate in PEM says: its names, its life, its key, and whether it is an authority's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from policies.pack.unreadable import UnreadableError

T = TypeVar("T", bound=x509.ExtensionType)

_BEGIN = re.compile(r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
_UNREAD = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_FORGEABLE = frozenset({"md5", "sha1"})
_CURVE = re.compile(r"secp(?P<bits>[0-9]+)r1")


@dataclass(frozen=True)
class Key:
    """A key's algorithm, as pulumi-tls writes it, with its size in bits (RSA) or its curve (ECDSA)."""

    algorithm: str
    bits: int | None = None
    curve: str | None = None


@dataclass(frozen=True)
class Read:
    """A certificate."""

    names: frozenset[str]
    """DNS names and IP addresses that it is for."""
    begins: datetime
    ends: datetime
    key: Key
    old_signature: str | None
    """The hash that it is signed with, where that is one that can be forged."""
    self_signed: bool
    authority: bool


def has_certificate(text: str) -> bool:
    """Whether `text` has a certificate in PEM in it."""
    return _BEGIN.search(text) is not None


def certificates(text: str) -> tuple[Read, ...]:
    """The certificates in `text`; the first is that of whoever shows them.

    Raises:
        UnreadableError: one of them cannot be read.
    """
    if not has_certificate(text):
        return ()
    try:
        found = tuple(_read(certificate) for certificate in x509.load_pem_x509_certificates(text.encode()))
    except _UNREAD as problem:
        raise UnreadableError("a certificate that cannot be read") from problem
    if len(found) != len(_BEGIN.findall(text)):
        raise UnreadableError("a certificate that does not end")
    return found


def _read(certificate: x509.Certificate) -> Read:
    extensions = certificate.extensions
    constraints = _extension(extensions, x509.BasicConstraints)
    signed_with = certificate.signature_hash_algorithm
    return Read(
        frozenset(_names(_extension(extensions, x509.SubjectAlternativeName))),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        _key(certificate.public_key()),
        signed_with.name if signed_with and signed_with.name in _FORGEABLE else None,
        certificate.issuer == certificate.subject,
        constraints is not None and constraints.ca,
    )


def _extension(extensions: x509.Extensions, kind: type[T]) -> T | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _names(names: x509.SubjectAlternativeName | None) -> Iterator[str]:
    for name in names or ():
        if isinstance(name, x509.DNSName):
            yield name.value.lower()
        elif isinstance(name, x509.IPAddress):
            yield str(name.value)


def _key(key: CertificatePublicKeyTypes) -> Key:
    match key:
        case RSAPublicKey():
            return Key("RSA", bits=key.key_size)
        case EllipticCurvePublicKey():
            known = _CURVE.fullmatch(key.curve.name)
            return Key("ECDSA", curve=f"P{known['bits']}" if known else key.curve.name)
        case Ed25519PublicKey():
            return Key("ED25519")
        case Ed448PublicKey():
            return Key("ED448")
        case _:
            return Key(type(key).__name__)
