from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.stack.files import StackFile, merged, names_target, read_stack_file, secrets_provider

TRACKED = "# A comment.\nconfig:\n  tracardi:a: 1\n"
SALT = "encryptionsalt: v1:abc\n"


def test_a_copy_is_the_stack_file_and_the_salt_of_the_copy_before() -> None:
    assert merged(TRACKED, f"config:\n  tracardi:a: 0\n{SALT}") == TRACKED + SALT


def test_the_salt_gets_a_line_of_its_own_behind_a_stack_file_without_a_last_newline() -> None:
    assert merged(TRACKED.rstrip("\n"), SALT) == TRACKED + SALT


def test_a_stack_file_with_a_salt_of_its_own_is_copied_as_it_is() -> None:
    tracked = f"{TRACKED}encryptionsalt: v1:own\n"

    assert merged(tracked, SALT) == tracked


def test_a_copy_without_a_salt_adds_nothing() -> None:
    assert merged(TRACKED, "config: {}\n") == TRACKED


def test_a_key_service_named_by_the_stack_file_keeps_its_key_and_drops_an_old_salt() -> None:
    tracked = f"secretsprovider: awskms://alias/x\n{TRACKED}"

    assert (
        merged(tracked, f"secretsprovider: awskms://alias/x\nencryptedkey: k\n{SALT}") == f"{tracked}encryptedkey: k\n"
    )


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        (TRACKED, None),
        ("secretsprovider: passphrase\n", None),
        ("secretsprovider: default\n", None),
        ('secretsprovider: "awskms://alias/x?region=eu"\n', "awskms://alias/x?region=eu"),
        ("config:\n  secretsprovider: awskms://x\n", None),
    ],
)
def test_only_a_key_service_counts_as_a_secrets_provider(text: str, provider: str | None) -> None:
    assert secrets_provider(text) == provider


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("config:\n  tracardi:target:\n    context: x\n", True),
        ('config:\n  "tracardi:target": {context: x}\n', True),
        ("config:\n  # tracardi:target: {}\n  tracardi:targets: 1\n", False),
    ],
)
def test_a_stack_file_that_names_its_cluster_is_recognised(text: str, names: object) -> None:
    assert names_target(text) is names


@pytest.fixture
def stack(tmp_path: Path) -> StackFile:
    (tmp_path / "Pulumi.yaml").write_text("name: tracardi\n", encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text(TRACKED, encoding="utf-8")
    return StackFile(tmp_path, "dev", tmp_path / "work" / "copies")


def test_refreshing_leaves_the_stack_file_alone_and_makes_the_folder_a_project_of_the_same_name(
    stack: StackFile,
) -> None:
    copy = stack.refresh()

    assert copy.read_text(encoding="utf-8") == TRACKED
    assert (stack.folder / "Pulumi.yaml").read_text(encoding="utf-8") == "name: tracardi\nruntime: python\n"
    assert stack.tracked.read_text(encoding="utf-8") == TRACKED


def test_a_changed_stack_file_reaches_the_copy_and_keeps_the_salt(stack: StackFile) -> None:
    copy = stack.refresh()
    copy.write_text(TRACKED + SALT, encoding="utf-8")
    stack.tracked.write_text("config:\n  tracardi:a: 2\n", encoding="utf-8")

    stack.refresh()

    assert copy.read_text(encoding="utf-8") == f"config:\n  tracardi:a: 2\n{SALT}"


def test_an_unchanged_stack_file_leaves_the_copy_untouched(stack: StackFile) -> None:
    copy = stack.refresh()
    before = copy.stat()

    stack.refresh()

    assert (copy.stat().st_mtime_ns, copy.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_the_copy_is_readable_by_its_owner_only(stack: StackFile) -> None:
    assert stack.refresh().stat().st_mode & 0o077 == 0


def test_an_unknown_stack_is_refused_with_the_names_of_those_that_there_are(stack: StackFile) -> None:
    (stack.repository / "Pulumi.prod.yaml").touch()

    with pytest.raises(ToolError, match=r"no stack staging: .*Stacks: dev, prod\."):
        read_stack_file(stack.repository, "staging")
