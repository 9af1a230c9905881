"""Tokens that Pulsar knows people by: JSON Web Tokens, signed with a key that it shares (RFC 7519, HS256).

Pulsar's own `pulsar tokens create` makes the same of the same key.
"""

import base64
import hashlib
import hmac
import json

SUBJECT = "tracardi"
"""The role that Tracardi has in Pulsar."""


def signed(key: str, subject: str = SUBJECT) -> str:
    """The token of `subject`; it has no end, and is another as soon as the key is."""
    parts = ({"alg": "HS256"}, {"sub": subject})
    text = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{_signature(key, text)}"


def is_signed(token: str, key: str) -> bool:
    """Whether whoever signed `token` knew `key`."""
    text, _, signature = token.rpartition(".")
    return bool(text) and hmac.compare_digest(signature.encode(), _signature(key, text).encode())


def _signature(key: str, text: str) -> str:
    return _encoded(hmac.digest(key.encode(), text.encode(), hashlib.sha256))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
