"""The cluster that a stack describes: named, alive, new enough, and always the same."""

import json
import os
from pathlib import Path

import pulumi
import pytest

from components.target import Target, TargetError, connect, find_target
from settings.platform import TargetSettings
from tests.unit.engine import run

NOTHING = TargetSettings()


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl that answers with the files in the folder beside it, and notes its arguments."""
    program = tmp_path / "kubectl"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >>{tmp_path}/calls\n'
        f'for last in "$@"; do :; done\ncat {tmp_path}/$(basename "$last") || exit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "version").write_text(json.dumps({"major": "1", "minor": "36+"}))
    (tmp_path / "kube-system").write_text(json.dumps({"metadata": {"uid": "uid-1"}}))
    return tmp_path


NAMED = {"TRACARDI_KUBECONFIG": "/somewhere/config", "TRACARDI_KUBE_CONTEXT": "kind-test"}


def test_the_environment_names_the_cluster(kubectl: Path) -> None:
    assert find_target(NOTHING, NAMED) == Target("/somewhere/config", "kind-test", "uid-1")
    for call in (kubectl / "calls").read_text().splitlines():
        assert call.startswith("--kubeconfig=/somewhere/config --context=kind-test get --raw /")


def test_the_stack_file_wins_over_the_environment(kubectl: Path) -> None:
    assert kubectl.exists()
    settings = TargetSettings.model_validate({"kubeconfig": "/mine", "context": "own"})

    assert find_target(settings, NAMED).context == "own"


@pytest.mark.parametrize(
    ("environment", "setting"),
    [
        ({}, "tracardi:target.kubeconfig"),
        ({"KUBECONFIG": "/ambient"}, "tracardi:target.kubeconfig"),
        ({"TRACARDI_KUBECONFIG": "/somewhere/config"}, "tracardi:target.context"),
    ],
)
def test_the_ambient_cluster_is_never_taken(environment: dict[str, str], setting: str) -> None:
    with pytest.raises(TargetError, match=setting):
        find_target(NOTHING, environment)


def test_an_old_cluster_is_refused(kubectl: Path) -> None:
    (kubectl / "version").write_text(json.dumps({"major": "1", "minor": "30"}))

    with pytest.raises(TargetError, match=r"runs Kubernetes 1\.30\n  limit:  1\.31 or newer"):
        find_target(NOTHING, NAMED)


def test_a_silent_cluster_is_told_with_its_context(kubectl: Path) -> None:
    (kubectl / "version").unlink()

    with pytest.raises(TargetError, match=r"kind-test in /somewhere/config\n  limit:  the cluster does not answer"):
        find_target(NOTHING, NAMED)


def test_a_missing_kubectl_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(TargetError, match="kubectl is not on PATH"):
        find_target(NOTHING, NAMED)


TARGET = Target("/somewhere/config", "kind-test", "uid-1")


@pytest.mark.parametrize("remembered", [None, "uid-1"])
def test_a_stack_takes_its_own_cluster(remembered: str | None) -> None:
    recording = run(lambda: _connect(remembered))

    (provider,) = recording.of_kind("kubernetes")
    assert provider.inputs["kubeconfig"] == "/somewhere/config"
    assert provider.inputs["context"] == "kind-test"


def test_configuration_is_changed_in_place() -> None:
    """A replaced ConfigMap or Secret of a fixed name is gone for a moment, in which no pod can start."""
    (provider,) = run(lambda: _connect(None)).of_kind("kubernetes")

    assert str(provider.inputs["enableConfigMapMutable"]).lower() == "true"
    assert str(provider.inputs["enableSecretMutable"]).lower() == "true"


def test_fields_have_owners() -> None:
    """Only then can an autoscaler keep its number, and a stack take over what an earlier one has kept."""
    (provider,) = run(lambda: _connect(None)).of_kind("kubernetes")

    assert str(provider.inputs["enableServerSideApply"]).lower() == "true"


def test_a_stack_refuses_another_cluster_than_its_own() -> None:
    with pytest.raises(pulumi.RunError, match="this stack describes another cluster, with UID uid-2"):
        run(lambda: _connect("uid-2"))


def _connect(remembered: str | None) -> None:
    connect(TARGET, pulumi.Output.from_input(remembered))
