"""What a stack relies on is looked for before anything is registered."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components.existing import expected_secrets, kept_secrets, look_for_secrets
from components.target import Target, TargetError
from settings.load import SettingsError
from settings.root import Settings
from tests.unit.stacks import changed, settings_of, stack_file

TARGET = Target("/somewhere/config", "kind-test", "uid-1")
PROVIDED = changed(
    stack_file("prod"),
    certificates={"source": "provided", "secrets": {"track": "track-cert", "guiApi": "api-cert", "gui": "gui-cert"}},
    credentials__redis={"existingSecret": {"namespace": "vault", "name": "cache", "key": "pass"}},
)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl that knows the Secrets which stand as `namespace.name` files in the folder beside it."""
    program = tmp_path / "kubectl"
    program.write_text(
        "#!/bin/sh\n"
        'for argument in "$@"; do case $argument in --namespace=*) namespace=${argument#*=};; esac; done\n'
        f"file={tmp_path}/$namespace.$6\n"
        'test -e "$file" && exec cat "$file"\n'
        'echo "Error from server (NotFound): secrets not found" >&2; exit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def put(cluster: Path, namespace: str, name: str, **secret: Any) -> None:  # noqa: ANN401 - JSON
    (cluster / f"{namespace}.{name}").write_text(json.dumps(secret))


def complete(cluster: Path) -> Settings:
    for namespace, name in (("track", "track-cert"), ("console", "api-cert"), ("console", "gui-cert")):
        put(cluster, f"tracardi-{namespace}", name, type="kubernetes.io/tls", keys=["tls.crt", "tls.key", ""])
    put(cluster, "vault", "cache", type="Opaque", keys=["pass", ""])
    return settings_of(PROVIDED)


def told(settings: Settings) -> str:
    with pytest.raises(SettingsError) as refused:
        look_for_secrets(TARGET, settings)
    return str(refused.value)


def test_secrets_that_are_there_are_accepted(cluster: Path) -> None:
    look_for_secrets(TARGET, complete(cluster))


def test_stacks_that_rely_on_nothing_ask_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    look_for_secrets(TARGET, settings_of(stack_file("prod")))


def test_every_secret_that_is_missing_is_told_at_once(cluster: Path) -> None:
    settings = complete(cluster)
    (cluster / "tracardi-track.track-cert").unlink()
    (cluster / "vault.cache").unlink()

    message = told(settings)

    assert "2 settings cannot be used; nothing was changed." in message
    assert 'tracardi:certificates.secrets.track\n  value:  "track-cert"' in message
    assert "kubectl create namespace tracardi-track; kubectl --namespace tracardi-track create secret tls" in message
    assert "tracardi:credentials.redis.existingSecret\n" in message


def test_a_secret_without_the_named_key_is_told(cluster: Path) -> None:
    settings = complete(cluster)
    put(cluster, "vault", "cache", type="Opaque", keys=["password", ""])

    assert "it lacks the key pass" in told(settings)


def test_a_certificate_of_another_type_is_told(cluster: Path) -> None:
    settings = complete(cluster)
    put(cluster, "tracardi-console", "gui-cert", type="Opaque", keys=["tls.crt", "tls.key", ""])

    assert "its type is Opaque" in told(settings)


def test_a_console_that_is_not_there_needs_no_certificate() -> None:
    small = changed(
        stack_file("dev"),
        gui={"enabled": False},
        certificates={"source": "provided", "secrets": {"track": "a", "guiApi": "b"}},
    )

    assert [secret.name for secret in expected_secrets(settings_of(small))] == ["a", "b"]


def test_kept_secrets_are_found_by_their_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kubectl"
    program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\necho secret/kept-redis-password\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert kept_secrets(TARGET, "tracardi-data") == {"kept-redis-password"}
    assert "--namespace tracardi-data get secrets --selector=tracardi.com/kept" in (tmp_path / "asked").read_text()


def test_secrets_that_may_not_be_listed_are_told_with_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\necho forbidden >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(TargetError, match=r"tracardi:data\.keep"):
        kept_secrets(TARGET, "tracardi-data")
