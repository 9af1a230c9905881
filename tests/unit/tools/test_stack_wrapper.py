import os
import subprocess
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.stack import wrapper
from tools.stack.target import BUILT_IN_PASSPHRASE
from tools.stack.wrapper import rewritten

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: tracardi\n", encoding="utf-8")
    for stack in ("dev", "prod"):
        (folder / f"Pulumi.{stack}.yaml").write_text(f"config:\n  tracardi:a: {stack}\n", encoding="utf-8")
    return folder


def environment(clone: Path, **more: str) -> dict[str, str]:
    """What `make env` sets."""
    return {"TRACARDI_STACK_COPIES": str(clone / "copies"), "PULUMI_STACK": "dev", **more}


def given(clone: Path, line: str, **more: str) -> str:
    """The command line that Pulumi gets, with the clone's path left out."""
    arguments = rewritten(line.split(), environment(clone, **more), clone, clone)
    return " ".join(arguments).replace(f"{clone}/", "")


@pytest.mark.parametrize(
    "command",
    ["up", "update", "preview", "pre", "destroy", "down", "dn", "refresh", "import", "watch", "logs", "config"],
)
def test_what_reads_the_stack_file_is_given_the_copy(clone: Path, command: str) -> None:
    assert given(clone, f"{command} --yes") == f"{command} --config-file copies/Pulumi.dev.yaml --yes"
    assert (clone / "copies" / "Pulumi.dev.yaml").read_text(encoding="utf-8") == "config:\n  tracardi:a: dev\n"


def test_reading_a_setting_is_done_on_the_copy(clone: Path) -> None:
    assert given(clone, "config get tracardi:a") == "config --config-file copies/Pulumi.dev.yaml get tracardi:a"


@pytest.mark.parametrize("command", ["config set tracardi:a b", "config rm tracardi:a", "config cp --dest prod"])
def test_changing_a_setting_changes_the_stack_file_itself(clone: Path, command: str) -> None:
    assert given(clone, command) == command


@pytest.mark.parametrize("line", ["up -s prod", "up -sprod", "up -s=prod", "up --stack prod", "up --stack=prod"])
def test_the_copy_is_that_of_the_stack_that_the_command_names(clone: Path, line: str) -> None:
    assert "--config-file copies/Pulumi.prod.yaml" in given(clone, line)


def test_a_fully_qualified_stack_has_the_copy_of_its_last_name(clone: Path) -> None:
    assert "copies/Pulumi.prod.yaml" in given(clone, "up -s organization/tracardi/prod")


@pytest.mark.parametrize("line", ["-C sub up", "--color always up", "--color=always up", "-v 3 up"])
def test_flags_before_the_command_are_understood(clone: Path, line: str) -> None:
    (clone / "sub").mkdir()

    assert given(clone, line) == f"{line} --config-file copies/Pulumi.dev.yaml"


@pytest.mark.parametrize(
    "line",
    [
        "stack init new --no-select",
        "stack new new",
        "stack history --show-secrets",
        "stack rm dev --yes",
        "stack remove",
        "stack select other --create",
        "stack select other -c",
        "destroy --remove --yes",
        "down --remove",
    ],
)
def test_what_would_write_or_remove_the_stack_file_runs_among_the_copies(clone: Path, line: str) -> None:
    first, rest = line.split(" ", 1)

    assert given(clone, line) == f"{first} --cwd copies {rest}"
    assert (clone / "copies" / "Pulumi.yaml").exists()


def test_a_new_stack_starts_from_its_own_stack_file(clone: Path) -> None:
    given(clone, "stack init prod")

    assert (clone / "copies" / "Pulumi.prod.yaml").exists()


@pytest.mark.parametrize(
    "line",
    [
        "stack output",
        "stack export",
        "stack select prod",
        "stack ls",
        "cancel",
        "version",
        "plugin ls",
        "up --help",
        "",
    ],
)
def test_everything_else_is_left_as_it_is(clone: Path, line: str) -> None:
    assert given(clone, line) == line


def test_a_configuration_file_of_the_users_is_left_as_it_is(clone: Path) -> None:
    assert given(clone, "up --config-file mine.yaml") == "up --config-file mine.yaml"


def test_other_projects_are_left_alone(clone: Path, tmp_path: Path) -> None:
    other = clone / "examples"
    other.mkdir()
    (other / "Pulumi.yaml").touch()

    for here in (other, tmp_path):
        assert rewritten(["up"], environment(clone), clone, here) == ("up",)
    assert rewritten(["-C", "examples", "up"], environment(clone), clone, clone) == ("-C", "examples", "up")


def test_without_our_variables_nothing_is_changed(clone: Path) -> None:
    assert rewritten(["up", "-s", "dev"], {}, clone, clone) == ("up", "-s", "dev")


@pytest.mark.parametrize("line", ["config set --secret a b", "config set a b --secret", "config set-all --secret a=b"])
def test_no_secret_is_put_into_the_stack_file_under_the_public_passphrase(clone: Path, line: str) -> None:
    with pytest.raises(ToolError, match="PULUMI_CONFIG_PASSPHRASE to one of your own"):
        given(clone, line, PULUMI_CONFIG_PASSPHRASE=BUILT_IN_PASSPHRASE)


def test_a_secret_under_a_passphrase_of_the_users_goes_into_the_stack_file(clone: Path) -> None:
    line = "config set --secret a b"

    assert given(clone, line, PULUMI_CONFIG_PASSPHRASE="mine") == line  # noqa: S106 - what is tested


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The command as `make env` puts it on PATH, in front of a Pulumi that prints its arguments and fails."""
    pulumi = tmp_path / "real pulumi's"
    pulumi.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n', encoding="utf-8")
    pulumi.chmod(0o755)
    return wrapper.install(tmp_path / "bin", pulumi) / "pulumi"


def test_the_installed_command_becomes_pulumi_with_its_arguments_and_exit_status(
    installed: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [installed, "up", "-s", "dev", "two words", "$HOME"],
        cwd=REPOSITORY,
        env={**os.environ, "TRACARDI_STACK_COPIES": str(tmp_path / "copies")},
        capture_output=True,
        text=True,
        check=False,
    )

    expected = ["up", "--config-file", f"{tmp_path}/copies/Pulumi.dev.yaml", "-s", "dev", "two words", "$HOME"]
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (expected, "", 7)


def test_the_installed_command_says_in_one_line_what_it_refuses(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed, "config", "set", "--secret", "a", "b"],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "TRACARDI_STACK_COPIES": str(tmp_path / "copies"),
            "PULUMI_CONFIG_PASSPHRASE": BUILT_IN_PASSPHRASE,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("pulumi: this would lock a secret")
    assert len(done.stderr.splitlines()) == 1
