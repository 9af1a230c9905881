from pathlib import Path

import pytest

from tests.unit.tools.stack_bench import Bench
from tests.unit.tools.test_stack_commands import CHANGED, NOT_RUN, UNCHANGED, VIOLATION, misconfigure
from tools.errors import ToolError
from tools.stack import files
from tools.stack.previews import preview_all
from tools.stack.session import Session


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def judged(stand: Bench, summary: Path | None = None) -> int:
    return preview_all(files.known_stacks(stand.repository), stand.session, stand.told.append, summary)


def test_every_stack_file_is_previewed_and_told_in_a_line(stand: Bench) -> None:
    stand.write("Pulumi.staging.yaml", "config: {}\n")
    stand.answer("preview", CHANGED)

    assert judged(stand) == 0

    assert [call.after("--stack") for call in stand.calls("preview")] == ["dev", "prod", "staging"]
    assert stand.told[-3:] == [
        "preview-all: dev      accepted",
        "preview-all: prod     accepted",
        "preview-all: staging  accepted",
    ]


def test_a_refusal_fails_names_the_rules_and_says_what_to_do(stand: Bench) -> None:
    stand.answer("preview", VIOLATION.format("track-instances"), 255)

    assert judged(stand) == 1

    assert "preview-all: dev   refused by track-instances" in stand.told
    assert "`make preview STACK=…`" in stand.told[-1]
    assert "docs/policies.md" in stand.told[-1]


def test_a_rule_that_could_not_run_fails(stand: Bench) -> None:
    stand.answer("preview", f"Policies:\n    {NOT_RUN}\n\n{UNCHANGED}")

    assert judged(stand) == 1

    assert "preview-all: prod  not judged" in stand.told


@pytest.mark.parametrize("answer", [(CHANGED, 0), ('error: invalid enforcement level ""', 255)])
def test_a_pack_that_is_configured_wrongly_accepts_nothing(
    stand: Bench, tmp_path: Path, answer: tuple[str, int]
) -> None:
    misconfigure(stand)
    stand.answer("preview", *answer)

    assert judged(stand, tmp_path / "summary.md") == 1

    mistake = "policies/config/dev.json: no-such-rule is no rule"
    assert "preview-all: prod  not judged: the pack's configuration is wrong" in stand.told
    assert stand.told.count(mistake) == 2
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").count(mistake) == 2


def test_a_stack_that_cannot_be_previewed_keeps_no_other_from_it(stand: Bench) -> None:
    def prepared(stack: str) -> Session:
        if stack == "dev":
            raise ToolError("no passphrase")
        return stand.session(stack)

    assert preview_all(["dev", "prod"], prepared, stand.told.append) == 1

    assert "stack: no passphrase" in stand.told
    assert "preview-all: dev   not judged" in stand.told
    assert "preview-all: prod  accepted" in stand.told


def test_no_stack_at_all_is_no_approval(stand: Bench) -> None:
    assert preview_all([], stand.session, stand.told.append) == 1


def test_the_summary_holds_each_verdict_and_what_rules_said_but_no_outputs(stand: Bench, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    said = f"{VIOLATION.format('track-instances')}\n          has 2 of 3\n\nOutputs:\n    adminPassword: x\n"
    stand.answer("preview", said, 255)

    judged(stand, summary)

    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n## Policy pack\n\n| Stack | Verdict |\n")
    assert "| `prod` | ❌ refused by track-instances |" in text
    assert "has 2 of 3" in text
    assert "adminPassword" not in text


def test_the_summary_of_an_accepted_stack_is_its_line(stand: Bench, tmp_path: Path) -> None:
    stand.answer("preview", CHANGED)

    judged(stand, tmp_path / "summary.md")

    assert (tmp_path / "summary.md").read_text(encoding="utf-8").count("✅ accepted") == 2
    assert "###" not in (tmp_path / "summary.md").read_text(encoding="utf-8")
