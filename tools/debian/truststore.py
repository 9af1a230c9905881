"""Java's own format for a list of certificate authorities, which no tool but Java's writes."""

import hashlib
import re
import ssl
import struct

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_MAGIC = 0xFEEDFEED
_VERSION = 2
_TRUSTED = 2
# Java's default, which programs that only read the authorities never check.
_PASSWORD = "changeit"  # noqa: S105 (it protects nothing: the certificates are public)
_SALT = b"Mighty Aphrodite"


def truststore(bundle: str) -> bytes:
    """Write the certificates of a PEM bundle as a Java keystore (JKS), which Java reads as its `cacerts`."""
    certificates = [ssl.PEM_cert_to_DER_cert(found) for found in _CERTIFICATE.findall(bundle)]
    entries = b"".join(_entry(f"authority-{number}", der) for number, der in enumerate(certificates))
    content = struct.pack(">III", _MAGIC, _VERSION, len(certificates)) + entries
    return content + hashlib.sha1(_PASSWORD.encode("utf-16-be") + _SALT + content).digest()  # noqa: S324 (the format)


def _entry(alias: str, der: bytes) -> bytes:
    created = struct.pack(">Q", 0)
    return struct.pack(">I", _TRUSTED) + _text(alias) + created + _text("X.509") + struct.pack(">I", len(der)) + der


def _text(said: str) -> bytes:
    return struct.pack(">H", len(said)) + said.encode("ascii")
