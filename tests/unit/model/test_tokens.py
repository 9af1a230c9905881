"""Tokens for Pulsar: what its own tools would make of the same key."""

import base64
import json

import pytest

from model.tokens import SUBJECT, is_signed, signed

KEY = "k3Jx9QpL77vbZmD2sWq8rTnA5bC6dE7f"


def decoded(part: str) -> object:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_token_says_whose_it_is_and_how_it_was_signed() -> None:
    header, claims, signature = signed(KEY).split(".")

    assert decoded(header) == {"alg": "HS256"}
    assert decoded(claims) == {"sub": SUBJECT}
    assert "=" not in signature


def test_a_signature_is_the_one_that_other_programs_make() -> None:
    """The example of jwt.io, which every library of tokens is tried with."""
    header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    claims = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"

    assert is_signed(f"{header}.{claims}.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c", "your-256-bit-secret")


def test_another_key_makes_another_token() -> None:
    assert is_signed(signed(KEY), KEY)
    assert not is_signed(signed(KEY), KEY[::-1])
    assert not is_signed(signed(KEY[::-1]), KEY)


@pytest.mark.parametrize("text", ["", ".", "abc", KEY, f"{signed(KEY)}x", signed(KEY).replace(".", "", 1)])
def test_what_is_no_token_was_signed_by_nobody(text: str) -> None:
    assert not is_signed(text, KEY)
