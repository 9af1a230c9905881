"""`make down` and data that is kept; how Pulumi goes by the marks: tests/cluster/test_kept_data_commands.py."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tools.stack_bench import Bench
from tools.errors import ToolError
from tools.stack import __main__, commands, kept, process
from tools.stack.session import Session

REPOSITORY = Path(__file__).parents[3]
STACK, NAMESPACE = "pulumi:pulumi:Stack", "kubernetes:core/v1:Namespace"
SECRET, STATEFUL_SET = "kubernetes:core/v1:Secret", "kubernetes:apps/v1:StatefulSet"
MARKS = {"retainOnDelete", "protect"}

State = dict[str, Any]


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


@pytest.fixture
def session(stand: Bench) -> Session:
    session = stand.session()
    session.create()
    return session


def resource(kind: str, name: str, *marks: str) -> State:
    return {"type": kind, "id": name, "urn": f"urn:{kind}::{name}", **dict.fromkeys(marks, True)}


def stack_itself(*, kept: bool) -> State:
    outputs = {"dataKept": kept, "namespaces": {"data": "tracardi-data"}, "adminPassword": {"ciphertext": "v1:x"}}
    return {**resource(STACK, ""), "outputs": outputs}


def production() -> list[State]:
    """A production stack's resources, with data that is kept."""
    return [
        stack_itself(kept=True),
        resource(NAMESPACE, "tracardi-track"),
        resource(NAMESPACE, "tracardi-data", "retainOnDelete", "protect"),
        resource(SECRET, "tracardi-data/mysql", "retainOnDelete", "protect"),
        resource(STATEFUL_SET, "tracardi-data/mysql", "protect"),
    ]


def given_up() -> list[State]:
    """The same stack, with data that goes with it."""
    marked = production()[1:]
    return [stack_itself(kept=False), *({key: each[key] for key in each.keys() - MARKS} for each in marked)]


def half_gone() -> list[State]:
    """What a `make down DATA=keep` that was cut off has left: the data is out of the state, and out of reach."""
    return production()[:2]


def record(session: Session, resources: list[State], **more: object) -> None:
    file_of(session).write_text(json.dumps({"checkpoint": {"latest": {"resources": resources, **more}}}))


def recorded(session: Session) -> list[State]:
    return list(json.loads(file_of(session).read_text())["checkpoint"]["latest"]["resources"])


def file_of(session: Session) -> Path:
    assert session.target.state is not None
    return session.target.state / ".pulumi" / "stacks" / "tracardi" / "dev.json"


def on_a_cluster_of_the_users(stand: Bench, folder: Path, context: str) -> Session:
    config = folder / "config"
    config.write_text(f"- name: {context}\n", encoding="utf-8")
    own = {"KUBECONFIG": str(config), "PULUMI_CONFIG_PASSPHRASE": "mine"}
    session = stand.session(context=context, **own)
    session.create()
    return session


@pytest.fixture
def destroyed(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[list[State]]:
    """The state that each `pulumi destroy` finds."""
    found: list[list[State]] = []

    def run(_self: Session, command: str, *_arguments: str) -> process.Outcome:
        assert command == "destroy"
        found.append(recorded(session))
        return process.Outcome(0, "", interrupted=False)

    monkeypatch.setattr(Session, "run", run)
    return found


@pytest.mark.parametrize("setting", [("", 1), ("true", 0), ("error: configuration key not found", 1), ("false", 1)])
def test_kept_data_stops_down_before_anything_changes_unless_the_setting_gives_it_up(
    stand: Bench, session: Session, destroyed: list[list[State]], setting: tuple[str, int]
) -> None:
    record(session, production())
    stand.answer("config", *setting)

    with pytest.raises(ToolError, match="keeps its data") as refused:
        commands.down(session, stand.told.append)

    assert recorded(session) == production()
    assert destroyed == []
    told = str(refused.value)
    assert "namespace tracardi-data with its volumes and the credentials" in told
    assert "tracardi:data.keep: false in Pulumi.dev.yaml, and `make down` again" in told
    assert "`make down DATA=keep`; the next `make up` takes it over" in told


def test_the_setting_is_read_from_the_working_copy_of_the_stack_file(stand: Bench, session: Session) -> None:
    record(session, production())
    stand.write("Pulumi.dev.yaml", "config:\n  tracardi:data: {keep: maybe}\n")

    with pytest.raises(ToolError):
        commands.down(session, stand.told.append)

    (call,) = stand.calls("config")
    assert call.arguments == ["config", "get", "--path", "tracardi:data.keep"]
    assert Path(call.folder) == session.stack.folder
    assert call.environment["PULUMI_STACK"] == "dev"
    assert "keep: maybe" in session.stack.copy.read_text(encoding="utf-8")


def test_data_that_the_setting_gives_up_loses_every_mark_before_the_stack_is_destroyed(
    stand: Bench, session: Session, destroyed: list[list[State]]
) -> None:
    record(session, production(), secrets_providers={"type": "passphrase"})
    stand.answer("config", "false")

    assert commands.down(session, stand.told.append) == 0

    assert destroyed == [given_up()]
    assert stand.told == ["stack dev is down: nothing of it is left on the embedded cluster tracardi"]


def test_with_data_keep_retained_data_stays_retained_and_nothing_stays_protected(
    stand: Bench, session: Session, destroyed: list[list[State]]
) -> None:
    record(session, production())

    assert commands.down(session, stand.told.append, keep=True) == 0

    ((*_, namespace, secret, store),) = destroyed
    assert namespace == resource(NAMESPACE, "tracardi-data", "retainOnDelete")
    assert secret == resource(SECRET, "tracardi-data/mysql", "retainOnDelete")
    assert store == resource(STATEFUL_SET, "tracardi-data/mysql")
    assert stand.calls("config") == []


def test_after_down_with_data_keep_it_says_what_stays_who_takes_it_over_and_how_it_goes(
    stand: Bench, session: Session, tmp_path: Path
) -> None:
    record(session, production())

    commands.down(session, stand.told.append, keep=True)

    assert stand.told[0].startswith("stack dev is down; namespace tracardi-data with its volumes and the credentials")
    assert "`make up` takes it over again" in stand.told[1]
    assert stand.told[2].strip() == 'eval "$(make -s env)" && kubectl delete namespace tracardi-data'

    elsewhere = on_a_cluster_of_the_users(stand, tmp_path, "kind me")
    record(elsewhere, production())
    commands.down(elsewhere, stand.told.append, keep=True)

    assert stand.told[-1].strip() == "kubectl --context='kind me' delete namespace tracardi-data"


def test_a_stack_without_kept_data_goes_without_a_word_about_data(
    stand: Bench, session: Session, destroyed: list[list[State]]
) -> None:
    for resources in (given_up(), []):
        record(session, resources)
        assert commands.down(session, stand.told.append) == 0
        session.create()

    assert destroyed == [given_up(), []]
    assert [call for call in stand.calls("stack") if call.arguments[1] == "import"] == []
    assert stand.told == ["stack dev is down: nothing of it is left on the embedded cluster tracardi"] * 2


@pytest.mark.parametrize(("choice", "setting"), [("keep", "false"), ("keep", "true"), ("", "true")])
def test_data_that_is_to_stay_but_would_go_stops_down(
    stand: Bench, session: Session, destroyed: list[list[State]], choice: str, setting: str
) -> None:
    record(session, given_up())
    stand.answer("config", setting)

    with pytest.raises(ToolError, match="nothing keeps it yet") as refused:
        commands.down(session, stand.told.append, keep=kept.wanted(choice))

    assert ("DATA=keep asks" if choice else "Pulumi.dev.yaml asks") in str(refused.value)
    assert "tracardi:data.keep: true, `make up`, then `make down DATA=keep`" in str(refused.value)
    assert destroyed == []


@pytest.mark.parametrize("choice", ["", "keep"])
def test_a_down_that_was_cut_off_after_the_data_left_the_state_goes_on_and_says_what_stays(
    stand: Bench, session: Session, destroyed: list[list[State]], choice: str
) -> None:
    record(session, half_gone())
    stand.answer("config", "true")

    assert commands.down(session, stand.told.append, keep=kept.wanted(choice)) == 0

    assert destroyed == [half_gone()]
    assert "namespace tracardi-data" in stand.told[0]
    assert "delete namespace tracardi-data" in stand.told[-1]


def test_a_down_that_was_cut_off_once_the_data_was_given_up_does_not_claim_that_it_stays(
    stand: Bench, session: Session, destroyed: list[list[State]]
) -> None:
    record(session, given_up()[:2])

    assert commands.down(session, stand.told.append) == 0

    assert len(destroyed) == 1
    assert "nothing of it is left" in stand.told[0]


def test_a_stack_with_unfinished_changes_elsewhere_keeps_its_marks_until_they_are_cleared_up(
    stand: Bench, tmp_path: Path, destroyed: list[list[State]]
) -> None:
    session = on_a_cluster_of_the_users(stand, tmp_path, "real")
    record(session, production(), pending_operations=[{"type": "creating"}])
    before = file_of(session).read_text()

    with pytest.raises(ToolError, match="pulumi refresh --yes --skip-preview --clear-pending-creates"):
        commands.down(session, stand.told.append, keep=True)

    assert file_of(session).read_text() == before
    assert destroyed == []


def test_a_down_that_keeps_data_and_is_interrupted_names_the_command_that_goes_on_keeping_it(
    stand: Bench, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(session, production())
    monkeypatch.setattr(process, "run", lambda *_: process.Outcome(255, "", interrupted=True))

    commands.down(session, stand.told.append, keep=True)

    assert "`make down DATA=keep` takes it down" in stand.told[-1]


def test_no_copy_of_the_state_stays_behind(stand: Bench, session: Session) -> None:
    record(session, production())
    before = set(session.stack.folder.iterdir())

    commands.down(session, stand.told.append, keep=True)

    assert set(session.stack.folder.iterdir()) <= before


def test_another_word_for_data_is_refused_before_anything_is_made_ready(
    stand: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert __main__.main(["down", "--data", "kept"]) == 1

    assert capsys.readouterr().err.startswith("stack: DATA=kept is not known. DATA=keep leaves the data")
    assert stand.groups == []


def test_the_choice_reaches_the_command_from_make(
    session: Session, destroyed: list[list[State]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = shutil.which("make") or "make"
    # Not as a part of the make that runs the tests, which would make it tell where it is.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    asked = subprocess.run(
        [make, "--dry-run", "down", "DATA=keep"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout
    record(session, production())
    monkeypatch.setattr(os, "environ", dict(os.environ))

    assert __main__.main(shlex.split(asked)[3:]) == 0

    assert len(destroyed) == 1
