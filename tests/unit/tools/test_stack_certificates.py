"""Certificates near their end, as `make preview` reads them in the state."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.certificates import RENEWAL_HOURS
from tests.unit.tools.stack_bench import Bench
from tests.unit.tools.test_stack_commands import CHANGED, NOT_RUN, UNCHANGED, VIOLATION
from tools.stack import checkpoint, commands, files
from tools.stack.certificates import LEAST_DAYS, endings, examine
from tools.stack.previews import preview_all

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEAF = "tls:index/locallySignedCert:LocallySignedCert"
AUTHORITY = "tls:index/selfSignedCert:SelfSignedCert"


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def certificate(
    days: float, *, early: float | None = 90, kind: str = LEAF, name: str = "shown", now: datetime = NOW
) -> dict[str, Any]:
    """A certificate in a state, with `days` left, that is renewed when `early` days are."""
    return {
        "urn": f"urn:pulumi:dev::tracardi::tracardi:index:Tracardi${kind}::{name}",
        "type": kind,
        "inputs": {} if early is None else {"earlyRenewalHours": early * 24},
        "outputs": {"validityEndTime": f"{now + timedelta(days=days):%Y-%m-%dT%H:%M:%S}.222623219Z"},
    }


def holding(stand: Bench, *resources: dict[str, Any], stack: str = "dev") -> Path:
    """Have a stack's state hold resources; the file that it is in."""
    stand.session(stack).create()
    file = stand.cluster.state / ".pulumi" / "stacks" / "tracardi" / f"{stack}.json"
    file.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}), encoding="utf-8")
    return file


def today(days: float, **about: Any) -> dict[str, Any]:  # noqa: ANN401 - what certificate() takes
    """A certificate with `days` left from now on."""
    return certificate(days, now=datetime.now(UTC), **about)


@pytest.mark.parametrize(
    ("days", "early", "standing"),
    [
        *((91, 90, []), (89, 90, ["due"]), (31, 90, ["due"]), (29, 90, ["overdue"]), (-1, 90, ["overdue"])),
        *((29, None, ["overdue"]), (31, None, [])),
    ],
)
def test_a_certificate_is_due_in_its_last_part_and_overdue_near_its_end(
    days: float, early: float | None, standing: list[str]
) -> None:
    found = endings([certificate(days, early=early)], NOW)

    assert ["overdue" if ending.overdue(NOW) else "due" for ending in found] == standing


def test_an_authority_is_due_years_before_its_end() -> None:
    (due,) = endings([certificate(800, early=820, kind=AUTHORITY)], NOW)

    assert due.told(NOW) == "shown ends on 2029-01-29, in 800 days"
    assert not due.overdue(NOW)


def test_there_are_two_months_in_which_any_up_renews_before_a_preview_fails() -> None:
    assert RENEWAL_HOURS / 24 - LEAST_DAYS >= 60


def test_what_is_being_deleted_or_no_certificate_is_passed_over() -> None:
    leaving = {**certificate(1), "delete": True}
    key = {**certificate(1), "type": "tls:index/privateKey:PrivateKey"}

    assert list(endings([leaving, key], NOW)) == []


@pytest.mark.parametrize("outputs", [{}, {"validityEndTime": "soon"}, {"validityEndTime": {"ciphertext": "v1:…"}}])
def test_an_end_that_cannot_be_read_is_not_passed(outputs: dict[str, Any]) -> None:
    (ending,) = endings([{**certificate(400), "outputs": outputs}], NOW)

    assert ending.overdue(NOW)
    assert ending.told(NOW) == "shown has an end that cannot be read"


def test_a_preview_names_each_certificate_its_end_and_the_remedy(stand: Bench) -> None:
    holding(stand, certificate(20, name="b"), certificate(-3, name="a"), certificate(60, name="c"), stack="prod")

    told = examine(stand.session("prod"), NOW)

    assert told.overdue
    assert told.lines == (
        "preview: certificates come near their end; the next `make up STACK=prod` renews them:",
        "  c ends on 2027-01-20, in 60 days",
        "preview: certificates are left with fewer than 30 days; `make up STACK=prod` renews them, and is overdue:",
        "  a ended on 2026-11-18",
        "  b ends on 2026-12-11, in 20 days",
    )


@pytest.mark.parametrize("answer", [UNCHANGED, CHANGED])
def test_a_preview_fails_while_an_overdue_certificate_waits_for_up(stand: Bench, answer: str) -> None:
    holding(stand, today(20))
    stand.answer("preview", answer)

    assert commands.preview(stand.session(), stand.told.append) == 1

    assert stand.told[-1].startswith("preview: not accepted, because of these certificates")


def test_a_preview_only_warns_while_there_is_time(stand: Bench) -> None:
    holding(stand, today(60))
    stand.answer("preview", UNCHANGED)

    assert commands.preview(stand.session(), stand.told.append) == 0

    assert stand.told[0].startswith("preview: certificates come near their end; the next `make up` renews them")
    assert stand.told[-1] == "preview: accepted; no change"


def test_a_preview_says_nothing_of_certificates_that_last(stand: Bench) -> None:
    holding(stand, today(500))
    stand.answer("preview", UNCHANGED)

    assert commands.preview(stand.session(), stand.told.append) == 0

    assert stand.told == ["preview: accepted; no change"]


@pytest.mark.parametrize(
    ("answer", "status", "verdict"),
    [
        (VIOLATION.format("a-rule"), 255, "refused by a-rule"),
        (f"Policies:\n    {NOT_RUN}\n\n{UNCHANGED}", 1, "not judged"),
    ],
)
def test_a_rule_s_verdict_stands_and_the_certificates_are_told_as_well(
    stand: Bench, answer: str, status: int, verdict: str
) -> None:
    holding(stand, today(20))
    stand.answer("preview", answer, 0 if status == 1 else status)

    judged = commands.judge(stand.session(), stand.told.append)

    assert (judged.status, judged.verdict) == (status, verdict)
    assert any("overdue" in line for line in stand.told)


def test_up_is_the_remedy_and_is_not_kept_from_it(stand: Bench) -> None:
    holding(stand, today(-1))

    assert commands.up(stand.session(), stand.told.append) == 0

    assert not any("overdue" in line for line in stand.told)


def test_a_state_on_this_machine_is_read_without_asking_pulumi(stand: Bench) -> None:
    holding(stand, today(20))

    assert examine(stand.session()).overdue

    assert [call for call in stand.calls("stack") if "export" in call.arguments] == []


def test_pulumi_is_asked_for_a_state_that_cannot_be_read_here(stand: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    holding(stand, today(20))
    monkeypatch.setattr(checkpoint, "resources", lambda *_: None)

    assert examine(stand.session()).overdue

    assert stand.calls("stack")[-1].arguments == ["stack", "export"]


def test_a_compressed_state_cannot_be_read_here(stand: Bench) -> None:
    file = holding(stand, today(20))
    file.rename(file.with_suffix(".json.gz"))

    assert checkpoint.resources(stand.cluster.state, "tracardi", "dev") is None


def test_the_summary_of_a_pull_request_holds_the_certificates(stand: Bench, tmp_path: Path) -> None:
    holding(stand, today(20, name="old"), stack="prod")
    stand.answer("preview", CHANGED)
    summary = tmp_path / "summary.md"

    assert preview_all(files.known_stacks(stand.repository), stand.session, stand.told.append, summary) == 1

    assert "preview-all: prod  certificates are overdue" in stand.told
    assert "preview-all: dev   accepted" in stand.told
    text = summary.read_text(encoding="utf-8")
    assert "  old ends on " in text
    assert "to create" not in text
