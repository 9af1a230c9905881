"""Installations that differ in what matters keep every rule."""

import base64
from functools import cache

import pytest

from components.credentials import kept_secret
from model.credentials import Credential
from tests.unit.components.conftest import build
from tests.unit.engine import Recording
from tests.unit.invariants import faults
from tests.unit.invariants.canaries import shows_a_secret
from tests.unit.stacks import changed, settings_of, stack_file
from tests.unit.variants import variants

VARIANTS = variants()


@cache
def recorded(name: str) -> Recording:
    """What a variant leads to."""
    return build(settings_of(VARIANTS[name]))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_keeps_every_rule(name: str) -> None:
    assert faults(recorded(name), settings_of(VARIANTS[name])) == []


def test_secrets_of_every_origin_arrive_in_the_pods() -> None:
    """That no secret is seen elsewhere proves nothing unless there are secrets to be seen."""
    generated = recorded("production")
    given, existing = recorded("given credentials"), recorded("external data")

    for recording, origin in ((generated, "canary-tracardi"), (given, "canary-given"), (existing, "canary-existing")):
        secret = recording.find("Secret", "track-api-credentials").inputs["data"]
        assert any(shows_a_secret(value) for value in secret.values())
        assert origin in _decoded(secret["redis-password"])
    assert given.of_kind("RandomPassword") == ()
    assert len(existing.of_kind("RandomPassword")) == 3


@pytest.mark.parametrize("earlier", [frozenset[str](), frozenset(map(kept_secret, Credential))], ids=["new", "adopted"])
def test_kept_data_keep_every_rule_in_each_of_their_lives(earlier: frozenset[str]) -> None:
    settings = settings_of(changed(stack_file("prod"), data__keep=True))

    recording = build(settings, earlier)

    assert faults(recording, settings) == []
    secret = recording.find("Secret", "track-api-credentials").inputs["data"]
    assert ("canary-existing" in _decoded(secret["redis-password"])) is bool(earlier)


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
