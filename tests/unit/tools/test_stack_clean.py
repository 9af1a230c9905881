from pathlib import Path

import pytest

from tools.stack.clean import clean


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: tracardi\n", encoding="utf-8")
    for name in (".venv/bin/python", ".work/bin/pulumi", ".mypy_cache/x", "tools/__pycache__/x.pyc", "tools/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_everything_that_commands_made_goes_and_nothing_else(clone: Path) -> None:
    clean(clone, clone / ".work", lambda _line: None)

    assert sorted(path.name for path in clone.rglob("*")) == ["Pulumi.yaml", "tools", "x.py"]


def test_embedded_clusters_go_with_their_state(clone: Path) -> None:
    (clone / ".work" / "clusters" / "demo" / "state").mkdir(parents=True)
    told: list[str] = []

    clean(clone, clone / ".work", told.append)

    assert not (clone / ".work").exists()
    assert "demo" in told[0]


def test_the_state_of_a_cluster_that_lives_on_is_kept_with_its_salt_and_named(clone: Path) -> None:
    state = clone / ".work" / "state" / "kind-me" / ".pulumi" / "stacks" / "tracardi" / "dev.json"
    salt = clone / ".work" / "stacks" / "abc" / "Pulumi.dev.yaml"
    for file in (state, salt):
        file.parent.mkdir(parents=True)
        file.touch()
    told: list[str] = []

    clean(clone, clone / ".work", told.append)

    assert state.exists()
    assert salt.exists()
    assert not (clone / ".work" / "bin").exists()
    assert str(state) in told[-1]


def test_the_state_of_a_stack_that_was_taken_down_goes(clone: Path) -> None:
    (clone / ".work" / "state" / "kind-me" / ".pulumi" / "stacks" / "tracardi").mkdir(parents=True)

    clean(clone, clone / ".work", lambda _line: None)

    assert not (clone / ".work").exists()


def test_cleaning_twice_is_harmless(clone: Path) -> None:
    for _ in range(2):
        clean(clone, clone / ".work", lambda _line: None)
