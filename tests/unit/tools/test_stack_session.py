import json
from pathlib import Path

import pytest

from tests.unit.tools.stack_bench import Bench
from tools.errors import ToolError
from tools.stack.session import Request, nothing_to_take_down
from tools.stack.shell import users_own
from tools.stack.target import BUILT_IN_PASSPHRASE


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A user whose kubeconfig has a context, and who has a passphrase."""
    config = tmp_path / "home" / ".kube" / "config"
    config.parent.mkdir(parents=True)
    config.write_text("- name: kind-me\n", encoding="utf-8")
    return {"HOME": str(tmp_path / "home"), "PULUMI_CONFIG_PASSPHRASE": "mine"}


def test_the_embedded_cluster_is_meant_unless_a_context_is_named(stand: Bench, home: dict[str, str]) -> None:
    assert stand.session().target.embedded
    assert not stand.session(context="kind-me", **home).target.embedded
    assert stand.groups == [frozenset({"pulumi", "cluster"}), frozenset({"pulumi"})]


def test_pulumi_works_with_the_toolchains_home_the_state_and_the_built_in_passphrase(stand: Bench) -> None:
    session = stand.session()

    session.create()

    (call,) = stand.calls("stack")
    assert call.environment["PULUMI_HOME"] == str(stand.toolchain.pulumi_home)
    assert call.environment["PULUMI_BACKEND_URL"] == stand.cluster.state.as_uri()
    assert call.environment["PULUMI_CONFIG_PASSPHRASE"] == BUILT_IN_PASSPHRASE
    assert call.environment["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    path = call.environment["PATH"].split(":")
    assert path[:3] == [str(stand.work / "bin"), str(stand.toolchain.bin), str(stand.repository / ".venv" / "bin")]


def test_the_stack_is_created_among_the_copies_once(stand: Bench) -> None:
    session = stand.session()

    session.create()
    session.create()

    (call,) = stand.calls("stack")
    assert call.arguments[:4] == ["stack", "init", "dev", "--no-select"]
    assert Path(call.folder) == session.stack.folder
    assert "encryptionsalt" in session.stack.copy.read_text(encoding="utf-8")
    assert stand.repository.joinpath("Pulumi.dev.yaml").read_text(encoding="utf-8").endswith("tracardi:a: 1\n")


def test_a_stack_that_another_command_creates_meanwhile_is_as_good(
    stand: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.session().create()
    late = stand.session()
    monkeypatch.setattr("tools.stack.checkpoint.exists", lambda *_: False)

    late.create()

    assert len(stand.calls("stack")) == 2


def test_a_key_service_of_the_stack_file_is_used_for_the_new_stack(stand: Bench, home: dict[str, str]) -> None:
    stand.write("Pulumi.prod.yaml", "secretsprovider: awskms://alias/x\nconfig: {}\n")
    home.pop("PULUMI_CONFIG_PASSPHRASE")

    stand.session("prod", "kind-me", **home).create()

    assert stand.calls("stack")[0].after("--secrets-provider") == "awskms://alias/x"


def test_a_new_stack_that_pulumi_refuses_is_reported_with_pulumis_words(stand: Bench) -> None:
    session = stand.session()
    stand.toolchain.bin.joinpath("pulumi").write_text("#!/bin/sh\necho no room >&2\nexit 1\n", encoding="utf-8")

    with pytest.raises(ToolError, match=r"stack dev cannot be created:\nno room"):
        session.create()


def test_choices_of_the_user_are_respected(stand: Bench) -> None:
    environment = stand.session(
        PULUMI_BACKEND_URL="s3://bucket", PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION="false"
    ).environment

    assert environment["PULUMI_BACKEND_URL"] == "s3://bucket"
    assert environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "false"


def test_the_shell_of_an_embedded_cluster_is_no_choice_when_a_context_is_named(
    stand: Bench, home: dict[str, str]
) -> None:
    passphrase = home.pop("PULUMI_CONFIG_PASSPHRASE")
    shell = dict(stand.session(**home).environment)
    shell.pop("PATH")

    with pytest.raises(ToolError, match="need a passphrase of your own"):
        stand.session(context="kind-me", **users_own(shell))

    own = users_own({**shell, "PULUMI_CONFIG_PASSPHRASE": passphrase})
    outside = stand.session(context="kind-me", **own)
    assert outside.target.state == stand.work / "state" / "kind-me"
    assert "TRACARDI_EMBEDDED" not in outside.environment
    assert "KUBECONFIG" not in outside.environment


def test_markers_of_an_embedded_cluster_that_the_user_exported_do_not_reach_another_target(
    stand: Bench, home: dict[str, str]
) -> None:
    environment = stand.session(context="kind-me", TRACARDI_EMBEDDED="1", **home).environment

    assert "TRACARDI_EMBEDDED" not in environment


def test_nothing_is_built_or_started_for_a_stack_that_does_not_exist(stand: Bench) -> None:
    with pytest.raises(ToolError, match="Stacks: dev, prod"):
        stand.session("staging")
    assert stand.groups == []
    assert not stand.work.exists()


def test_nothing_is_built_without_the_passphrase_that_the_target_needs(stand: Bench, home: dict[str, str]) -> None:
    home.pop("PULUMI_CONFIG_PASSPHRASE")

    with pytest.raises(ToolError, match="PULUMI_CONFIG_PASSPHRASE"):
        stand.session(context="kind-me", **home)
    assert stand.groups == []


def test_a_stack_file_that_names_its_cluster_is_no_embedded_one(stand: Bench, home: dict[str, str]) -> None:
    stand.write("Pulumi.prod.yaml", "config:\n  tracardi:target: {context: real}\n")

    session = stand.session("prod", **home)

    assert not session.target.embedded
    assert session.environment["TRACARDI_KUBECONFIG"] == f"{home['HOME']}/.kube/config"
    assert "TRACARDI_KUBE_CONTEXT" not in session.environment


def test_a_stack_file_and_a_command_line_that_name_two_clusters_are_refused(stand: Bench, home: dict[str, str]) -> None:
    stand.write("Pulumi.prod.yaml", "config:\n  tracardi:target: {context: real}\n")

    with pytest.raises(ToolError, match="KUBE_CONTEXT=kind-me another one"):
        stand.session("prod", "kind-me", **home)


def test_there_is_nothing_to_take_down_without_a_cluster_or_without_the_stack(stand: Bench) -> None:
    assert "no embedded cluster" in str(nothing_to_take_down(Request(), {}))

    session = stand.session()
    assert "no stack dev" in str(nothing_to_take_down(Request(), {}))

    session.create()
    assert nothing_to_take_down(Request(), {}) is None
    assert "no stack prod" in str(nothing_to_take_down(Request("prod"), {}))


def test_a_backend_that_is_elsewhere_is_left_to_pulumi_to_ask(stand: Bench, home: dict[str, str]) -> None:
    own = {**home, "PULUMI_BACKEND_URL": "s3://bucket"}

    assert nothing_to_take_down(Request(context="kind-me"), own) is None
    assert stand.groups == []


def test_the_record_for_shells_holds_no_passphrase_of_the_users(stand: Bench, home: dict[str, str]) -> None:
    environment = stand.session(context="kind-me", **home).environment

    assert "mine" not in json.dumps([environment["TRACARDI_ENV"], environment["TRACARDI_ENV_PATH"]])
