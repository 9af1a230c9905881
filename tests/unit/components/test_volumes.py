"""Volumes that are there already bind what settings may say of them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components.target import Target, TargetError
from components.volumes import look_at_volumes
from settings.load import SettingsError
from tests.unit.stacks import changed, settings_of, stack_file

TARGET = Target("/somewhere/config", "kind-test", "uid-1")
PROD = changed(stack_file("prod"), data__elasticsearch={"nodes": 3, "storage": "100Gi"}, data__redis={"storage": "1Gi"})
SEARCH = ("data-elasticsearch-0", "data-elasticsearch-1", "data-elasticsearch-2")
_ASKED = (
    "get --raw /api/v1/namespaces/tracardi-data/persistentvolumeclaims"
    "?labelSelector=app.kubernetes.io/name%3Dtracardi%2Capp.kubernetes.io/instance%3Dtracardi"
)


class Claims:
    """A kubectl that is asked for claims, and tells of some."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "kubectl"
        self._items: list[dict[str, Any]] = []
        self.have()

    def have(self, *names: str, storage: str = "100Gi", storage_class: str | None = "fast") -> None:
        """Tell of these as well."""
        spec = {"resources": {"requests": {"storage": storage}}, "storageClassName": storage_class}
        self._items += [{"metadata": {"name": name}, "spec": spec} for name in names]
        self.say(
            f"case \"$*\" in *'{_ASKED}') ;; *) exit 1 ;; esac\ncat <<'END'\n{json.dumps({'items': self._items})}\nEND"
        )

    def say(self, script: str) -> None:
        """Do this instead."""
        self._program.write_text(f"#!/bin/sh\n{script}\n")
        self._program.chmod(0o755)


@pytest.fixture
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Claims:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Claims(tmp_path)


def accepted(**changes: Any) -> None:  # noqa: ANN401 - any setting
    look_at_volumes(TARGET, settings_of(changed(PROD, **changes)))


def refused(**changes: Any) -> str:  # noqa: ANN401 - any setting
    with pytest.raises(SettingsError) as problem:
        accepted(**changes)
    return str(problem.value)


def test_a_stack_without_volumes_may_say_what_it_likes(claims: Claims) -> None:
    accepted()
    claims.have("data-of-somebody-else", storage="1Ti")
    accepted()


def test_volumes_that_are_as_the_settings_say_are_accepted(claims: Claims) -> None:
    claims.have(*SEARCH, storage="102400Mi")
    claims.have("data-redis-0", storage="1Gi")

    accepted()
    accepted(platform__storageClass="fast")


def test_volumes_are_not_enlarged_by_a_setting(claims: Claims) -> None:
    claims.have(*SEARCH[:2])
    claims.have(SEARCH[2], storage="150Gi")

    message = refused(data__elasticsearch__storage="150Gi")

    assert (
        'tracardi:data.elasticsearch.storage\n  value:  "150Gi"\n  limit:  100Gi, which data-elasticsearch-0' in message
    )
    patch = '{"spec": {"resources": {"requests": {"storage": "150Gi"}}}}'
    assert (
        "kubectl --namespace tracardi-data patch persistentvolumeclaims data-elasticsearch-0 data-elasticsearch-1 "
        f"--patch '{patch}'"
    ) in message


def test_volumes_do_not_shrink(claims: Claims) -> None:
    claims.have(*SEARCH[1:])
    claims.have(SEARCH[0], storage="1Ti")

    message = refused(data__elasticsearch__storage="150Gi")

    assert "limit:  at least 1Ti, which data-elasticsearch-0 in namespace tracardi-data has" in message
    assert "remedy: Set it to 1Ti." in message


def test_volumes_of_pods_that_are_no_more_do_not_count(claims: Claims) -> None:
    claims.have(*SEARCH)
    claims.have("data-elasticsearch-3", storage="10Gi")

    accepted()


def test_volumes_are_compared_with_what_a_stack_has_that_says_nothing_of_a_store(claims: Claims) -> None:
    claims.have("data-mysql-0", storage="1Gi")

    assert "tracardi:data.mysql.storage" in refused(data__mysql=None)


def test_volumes_keep_their_class(claims: Claims) -> None:
    claims.have(*SEARCH)
    claims.have("data-redis-0", storage="1Gi")

    message = refused(platform__storageClass="slow")

    assert "1 setting cannot be used" in message
    assert (
        'tracardi:platform.storageClass\n  value:  "slow"\n  limit:  fast, which volumes of this stack have' in message
    )


def test_everything_is_told_at_once(claims: Claims) -> None:
    claims.have(*SEARCH)
    claims.have("data-redis-0", storage="2Gi")

    message = refused(platform__storageClass="slow", data__elasticsearch__storage="150Gi")

    assert "3 settings cannot be used; nothing was changed." in message
    assert "tracardi:data.redis.storage" in message


def test_volumes_of_stores_that_others_run_by_now_do_not_count(claims: Claims) -> None:
    claims.have("data-redis-0", storage="2Gi")
    outside = {"host": "cache.example.com", "networks": ["198.51.100.0/24"]}

    accepted(data__redis={"external": outside}, credentials__redis={"value": "Kw7_9pXz~42-Kw7_9pXz~42"})


def test_volumes_that_cannot_be_looked_for_are_not_taken_for_none(claims: Claims) -> None:
    claims.say("echo 'Error from server (Forbidden)' >&2; exit 1")

    with pytest.raises(TargetError, match=r"tracardi:data\n.*\n  limit:  they cannot be looked for: .*Forbidden"):
        accepted()
