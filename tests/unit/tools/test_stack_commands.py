import json
import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.tools.stack_bench import Bench
from tests.unit.tools.test_stack_locks import looking_like_pulumi
from tools.errors import ToolError
from tools.nodes.layout import Furniture, Places
from tools.stack import __main__, commands, process, report
from tools.stack.session import Request, Session, prepare

REPOSITORY = Path(__file__).parents[3]
VIOLATION = "Policies:\n    x pk@v1\n        - [mandatory] [severity: high]  {}  (pulumi:pulumi:Stack: tracardi-dev)"
NOT_RUN = "can't run policy 'sees-unknown' from policy pack 'pk@v1' during preview: string value can't be known"
UNCHANGED = "Resources:\n    128 unchanged\n"
CHANGED = "Resources:\n    + 3 to create\n    125 unchanged\n"


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


@pytest.fixture
def session(stand: Bench) -> Session:
    return stand.session()


def test_up_works_on_the_copy_and_never_asks(stand: Bench, session: Session) -> None:
    assert commands.up(session, stand.told.append) == 0

    (call,) = stand.calls("up")
    assert Path(call.folder) == stand.repository
    assert call.after("--config-file") == str(session.stack.copy)
    assert call.after("--stack") == "dev"
    assert {"--yes", "--non-interactive"} <= set(call.arguments)


def test_up_is_judged_by_the_policy_pack_before_it_changes_anything(stand: Bench, session: Session) -> None:
    stand.write("policies/PulumiPolicy.yaml", "")
    stand.write("policies/config/dev.json", "{}")

    commands.up(session, stand.told.append)

    (call,) = stand.calls("up")
    assert call.after("--policy-pack") == str(stand.repository / "policies")
    assert call.after("--policy-pack-config") == str(stand.repository / "policies" / "config" / "dev.json")
    assert "--skip-preview" not in call.arguments


def test_a_stack_without_a_policy_configuration_of_its_own_is_judged_as_production(
    stand: Bench, session: Session
) -> None:
    stand.write("policies/PulumiPolicy.yaml", "")
    stand.write("policies/config/prod.json", "{}")

    commands.preview(session, stand.told.append)

    assert stand.calls("preview")[0].after("--policy-pack-config").endswith("/prod.json")


def test_without_a_policy_pack_there_are_no_flags_for_one(stand: Bench, session: Session) -> None:
    commands.preview(session, stand.told.append)

    assert not any(argument.startswith("--policy") for argument in stand.calls("preview")[0].arguments)


def test_up_ends_with_addresses_the_way_in_and_what_simulated_nodes_cannot_do(stand: Bench, session: Session) -> None:
    commands.up(session, stand.told.append)

    told = "\n".join(stand.told)
    assert "https://track.test" in told
    assert 'eval "$(make -s env)" && pulumi stack output adminPassword --show-secrets' in told
    assert "[secret]" not in told
    assert "no container runs" in told
    assert "make up KUBE_CONTEXT=kind-tracardi" in told


def test_after_up_elsewhere_the_commands_name_the_target_and_the_place_of_the_state(
    stand: Bench, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("- name: kind me\n", encoding="utf-8")
    own = {"KUBECONFIG": str(config), "PULUMI_CONFIG_PASSPHRASE": "mine"}
    outside = stand.session("prod", "kind me", **own)

    commands.up(outside, stand.told.append)

    told = "\n".join(stand.told)
    assert "make -s env STACK=prod KUBE_CONTEXT='kind me'" in told
    assert str(stand.work / "state") in told
    assert "simulated" not in told


def _told_on_real_nodes(stand: Bench, monkeypatch: pytest.MonkeyPatch, entries: object, **options: str) -> str:
    stand.cluster.folder.mkdir(parents=True)
    Places(stand.cluster.folder).write(Furniture("/debian", "/programs", "/clone", 6443, 3))
    session = stand.session()
    monkeypatch.setattr(Session, "ask", lambda *_: json.dumps({"loadBalancers": entries}))
    target = replace(session.target, options=options)
    return "\n".join(report.after_up(replace(session, target=target), 1.0))


def test_after_up_on_real_nodes_it_tells_how_to_reach_every_entry_from_where_it_is_for(
    stand: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {
        "gui": {"host": "gui.test", "addresses": ["203.0.113.2"], "exposure": "trusted networks"},
        "track": {"host": "track.test", "addresses": ["203.0.113.1"], "exposure": "internet"},
    }

    told = _told_on_real_nodes(stand, monkeypatch, entries)

    run = "python3 -m tools.nodes run"
    assert f"  {run} internet -- curl --insecure --resolve track.test:443:203.0.113.1 https://track.test/" in told
    assert f"  {run} trusted -- curl --insecure --resolve gui.test:443:203.0.113.2 https://gui.test/" in told
    assert told.index("run internet") < told.index("run trusted")
    assert "come from 192.0.2.0/24, which network.trusted of the stack file has to name" in told
    assert "simulated" not in told


def test_commands_for_real_nodes_name_the_cluster_that_was_named(stand: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {"track": {"host": "track.test", "addresses": [], "exposure": "internet"}}

    told = _told_on_real_nodes(stand, monkeypatch, entries, CLUSTER="second")

    assert "python3 -m tools.nodes --name second run internet -- curl --insecure https://track.test/" in told


@pytest.mark.parametrize("command", ["up", "preview", "down"])
def test_pulumis_exit_status_is_passed_on(stand: Bench, session: Session, command: str) -> None:
    session.create()
    stand.answer({"down": "destroy"}.get(command, command), "error: no", 255)

    run = {"up": commands.up, "preview": commands.preview, "down": commands.down}[command]

    assert run(session, stand.told.append) == 255
    assert stand.told[-1] == f"make {command}: failed; Pulumi says above why"


def test_a_refusal_by_the_policy_pack_names_the_rules(stand: Bench, session: Session) -> None:
    stand.answer("preview", VIOLATION.format("separation-flag"), 1)

    assert commands.preview(session, stand.told.append) == 1

    assert stand.told[-1].startswith("make preview: refused by the policy pack: separation-flag;")


@pytest.mark.parametrize("command", ["up", "preview"])
def test_a_stack_that_is_refused_by_the_numbers_of_another_is_told_so(
    stand: Bench, session: Session, command: str
) -> None:
    stand.write("policies/config/prod.json", "{}")
    stand.answer(command, VIOLATION.format("track-instances"), 1)
    run = {"up": commands.up, "preview": commands.preview}[command]

    run(session, stand.told.append)

    assert stand.told[-2] == (
        "stack dev is judged by policies/config/prod.json, because there is no policies/config/dev.json; "
        "a copy of another goes there"
    )


def test_a_stack_that_is_refused_by_its_own_numbers_is_not_told_of_others(stand: Bench, session: Session) -> None:
    for name in ("dev", "prod"):
        stand.write(f"policies/config/{name}.json", "{}")
    stand.answer("preview", VIOLATION.format("track-instances"), 1)

    commands.preview(session, stand.told.append)

    assert not any("prod.json" in line for line in stand.told)


def test_a_rule_that_fails_is_named(stand: Bench, session: Session) -> None:
    failure = "error: Exception calling application: rule 'track-instances' failed: KeyError at replicas.py:3."
    stand.answer("preview", failure, 255)

    assert commands.preview(session, stand.told.append) == 255

    assert "mistake in the policy pack: track-instances;" in stand.told[-1]


def misconfigure(stand: Bench) -> None:
    """Give the clone a pack that finds a mistake in its configuration."""
    stand.write("policies/config/dev.json", '{"no-such-rule": {}}')
    stand.write("policies/pack/configuration.py", "import sys; sys.exit('config/dev.json: no-such-rule is no rule')")
    python = stand.repository / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)


@pytest.mark.parametrize("command", ["up", "preview"])
def test_a_mistake_in_the_packs_configuration_is_told_with_its_place(
    stand: Bench, session: Session, command: str
) -> None:
    misconfigure(stand)
    stand.answer(command, 'error: invalid enforcement level ""', 255)

    assert {"up": commands.up, "preview": commands.preview}[command](session, stand.told.append) == 255

    assert "policies/config/dev.json: no-such-rule is no rule" in stand.told


def test_a_rule_that_could_not_run_makes_a_preview_fail(stand: Bench, session: Session) -> None:
    stand.answer("preview", f"{NOT_RUN}\n{CHANGED}")

    assert commands.preview(session, stand.told.append) == 1

    assert "sees-unknown" in stand.told[-1]


def test_a_rule_that_could_not_run_in_the_preview_of_up_does_not_stop_it(stand: Bench, session: Session) -> None:
    stand.answer("up", f"{NOT_RUN}\n{CHANGED}")

    assert commands.up(session, stand.told.append) == 0


def test_the_wording_of_a_rule_that_could_not_run_is_that_of_the_installed_sdk() -> None:
    folder = next((REPOSITORY / ".venv" / "lib").glob("python3*/site-packages/pulumi_policy"))
    source = (folder / "policy.py").read_text(encoding="utf-8")

    assert "can't run policy '{policy.name}'" in source
    assert "can't run remediation '{policy.name}'" in source


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (UNCHANGED, "no change"),
        (CHANGED, "the changes are those above"),
        ("Resources:\n    +-1 to replace\n    127 unchanged\n", "the changes are those above"),
        (f"Outputs:\n  + trackUrl: 1\n\n{UNCHANGED}", "the changes are those above"),
    ],
)
def test_a_preview_says_whether_there_would_be_a_change(
    stand: Bench, session: Session, said: str, verdict: str
) -> None:
    stand.answer("preview", said)

    assert commands.preview(session, stand.told.append) == 0
    assert stand.told[-1] == f"preview: accepted; {verdict}"


def test_down_removes_the_stack_but_not_its_file_and_up_works_again(stand: Bench, session: Session) -> None:
    commands.up(session, stand.told.append)
    before = session.stack.tracked.read_text(encoding="utf-8")

    assert commands.down(session, stand.told.append) == 0

    assert not session.exists()
    assert not session.stack.copy.exists()
    assert session.stack.tracked.read_text(encoding="utf-8") == before
    assert commands.up(session, stand.told.append) == 0


def test_a_stack_that_could_not_be_destroyed_is_kept(stand: Bench, session: Session) -> None:
    session.create()
    stand.answer("destroy", "error: protected", 1)

    commands.down(session, stand.told.append)

    assert session.exists()


def leave_lock(session: Session, pid: int) -> Path:
    """Lock the stack as a command of this machine would."""
    state = session.target.state
    assert state is not None
    file = state / ".pulumi" / "locks" / "organization" / "tracardi" / "dev" / "a.json"
    file.parent.mkdir(parents=True)
    content = {"pid": pid, "username": "ann", "hostname": platform.node(), "timestamp": "2026-01-02T03:04:05Z"}
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def leave_unfinished(session: Session, operations: int) -> None:
    """Leave the state as a command does that is killed at work."""
    state = session.target.state
    assert state is not None
    file = state / ".pulumi" / "stacks" / "tracardi" / "dev.json"
    latest = {"pending_operations": [{"type": "creating"}] * operations}
    file.write_text(json.dumps({"checkpoint": {"latest": latest}}), encoding="utf-8")


def test_after_a_killed_command_the_embedded_stack_is_unlocked_and_compared_with_its_cluster(
    stand: Bench, session: Session
) -> None:
    session.create()
    with subprocess.Popen(["/bin/true"]) as process:
        lock = leave_lock(session, process.pid)
    leave_unfinished(session, 2)

    assert commands.up(session, stand.told.append) == 0

    assert not lock.exists()
    (refresh,) = stand.calls("refresh")
    assert {"--yes", "--clear-pending-creates"} <= set(refresh.arguments)
    assert "2 changes unfinished" in "\n".join(stand.told)


def test_after_a_killed_command_elsewhere_the_remedy_is_told_and_nothing_touched(stand: Bench, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("- name: real\n", encoding="utf-8")
    own = {"KUBECONFIG": str(config), "PULUMI_CONFIG_PASSPHRASE": "mine"}
    session = stand.session(context="real", **own)
    session.create()
    leave_unfinished(session, 1)

    assert commands.up(session, stand.told.append) == 0
    assert stand.calls("refresh") == []
    assert "pulumi refresh --yes --skip-preview --clear-pending-creates" in stand.told[0]

    with subprocess.Popen(["/bin/true"]) as process:
        lock = leave_lock(session, process.pid)
    with pytest.raises(ToolError, match=r"make -s env KUBE_CONTEXT=real\)\" && pulumi cancel --yes"):
        commands.up(session, stand.told.append)
    assert lock.exists()


def test_a_stack_that_is_being_changed_is_left_alone(stand: Bench, session: Session) -> None:
    session.create()
    with looking_like_pulumi() as pid:
        leave_lock(session, pid)

        for command in (commands.up, commands.down):
            with pytest.raises(ToolError, match=f"being changed .*process {pid}"):
                command(session, stand.told.append)
    assert stand.calls("up") == stand.calls("destroy") == []


def test_a_preview_does_not_wait_for_a_lock(stand: Bench, session: Session) -> None:
    session.create()
    with subprocess.Popen(["/bin/true"]) as process:
        lock = leave_lock(session, process.pid)

    assert commands.preview(session, stand.told.append) == 0
    assert lock.exists()


@pytest.mark.parametrize(("status", "passed_on"), [(0, 130), (255, 255)])
def test_a_command_that_was_asked_to_stop_says_how_to_go_on_and_fails(
    stand: Bench, session: Session, monkeypatch: pytest.MonkeyPatch, status: int, passed_on: int
) -> None:
    monkeypatch.setattr(process, "run", lambda *_: process.Outcome(status, CHANGED, interrupted=True))

    assert commands.preview(session, stand.told.append) == passed_on

    assert "`make up` goes on, `make down` takes it down" in stand.told[-1]


def test_env_creates_the_stack_so_that_plain_pulumi_finds_it(stand: Bench, session: Session) -> None:
    text = commands.env(session, {"PATH": os.environ["PATH"]})

    assert session.exists()
    assert "export PULUMI_STACK=dev\n" in text
    assert all(line.startswith("export ") for line in text.splitlines())
    assert (stand.work / "bin" / "pulumi").stat().st_mode & 0o111


def test_outputs_are_printed_as_pulumi_prints_them(stand: Bench, session: Session) -> None:
    session.create()

    assert json.loads(commands.outputs(session, [], show_secrets=False))["trackUrl"] == "https://track.test"
    commands.outputs(session, ["adminPassword"], show_secrets=True)

    assert stand.calls("stack")[-1].arguments == ["stack", "output", "adminPassword", "--show-secrets"]


def test_outputs_of_a_stack_that_is_not_there_are_refused(session: Session) -> None:
    with pytest.raises(ToolError, match="`make up` creates it"):
        commands.outputs(session, [], show_secrets=False)


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of this process, without what it may know of stacks."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TRACARDI_", "PULUMI_"))}


def test_the_command_line_reports_errors_in_a_line_without_a_traceback(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.stack", "up", "--stack", "staging"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("stack: there is no stack staging")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_env_keeps_standard_output_for_the_exports(
    stand: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def noisy(_request: Request, own: dict[str, str], _tell: object) -> Session:
        subprocess.run(["/bin/echo", "said while getting ready"], check=True)
        return prepare(Request(), own, stand.told.append)

    monkeypatch.setattr(__main__, "prepare", noisy)
    monkeypatch.setattr(os, "environ", dict(os.environ))

    assert __main__.main(["env"]) == 0

    out, err = capfd.readouterr()
    assert [line for line in out.splitlines() if not line.startswith("export ")] == []
    assert "PULUMI_BACKEND_URL" in out
    assert "said while getting ready" in err
