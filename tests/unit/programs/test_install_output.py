"""What the installation program prints and where it sends its secrets: never to a log, never elsewhere."""

import hashlib
import json
from urllib.parse import quote, quote_plus

import pytest

from components.programs import install

from .contract_server import Reply, Tracardi, serving
from .job import CANARY, PASSWORD, REFUSED, SHOP, TOKEN, Job


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("POST /install", Reply(403, {"detail": f"no: {TOKEN} {PASSWORD!r} http://user:{CANARY}@redis"})),
        ("POST /install", Reply(422, {"detail": [{"loc": ["x"], "msg": PASSWORD, "input": {"password": PASSWORD}}]})),
        ("POST /install", Reply(422, {"detail": [json.dumps(PASSWORD), f"{PASSWORD:>500}{PASSWORD}"]})),
        (
            "POST /install",
            Reply(422, {"detail": f"{quote(PASSWORD)} {quote(PASSWORD, safe='')} {quote_plus(PASSWORD)}"}),
        ),
        ("POST /install", Reply(302, location=f"http://elsewhere/?password={CANARY}")),
        ("POST /user/token", Reply(422, {"detail": f"[SQL: INSERT] [parameters: ('{CANARY}')]"})),
        ("POST /user/token", Reply(200, {"access_token": f"{CANARY}\r\nX-Injected: yes"})),
        ("POST /user/token", Reply(401, {"detail": PASSWORD, CANARY: PASSWORD})),
    ],
)
def test_secrets_that_an_answer_repeats_are_not_printed(job: Job, tracardi: Tracardi, line: str, reply: Reply) -> None:
    tracardi.goes_wrong(line, reply)

    outcome = job.run_here()

    assert outcome.status == REFUSED
    assert f"{line} was answered {reply.status}" in outcome.err


def test_a_secret_that_begins_another_does_not_uncover_its_rest() -> None:
    journal = install.Journal()
    for length in range(len(CANARY), len(PASSWORD)):
        journal.hide(PASSWORD[:length])

    assert journal.scrub(f"<{PASSWORD[:-1]}>") == "<***>"


def test_a_foreign_text_cannot_forge_lines(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("POST /install", Reply(403, {"detail": "no\ndone: installed\x1b[2J\u2028ü"}))

    assert job.run_here().err.startswith("refused: POST /install was answered 403 (no done: installed [2J). ")


def test_a_foreign_text_is_cut_after_300_characters(job: Job, tracardi: Tracardi) -> None:
    tracardi.goes_wrong("POST /install", Reply(403, {"detail": "x" * 1000}))

    assert f"({'x' * 300}...)" in job.run_here().err


def test_field_errors_are_told_by_place_and_message_alone(job: Job, tracardi: Tracardi) -> None:
    errors = [{"loc": ["body", "username"], "msg": "field required", "input": {"anything": "at all"}}]
    tracardi.goes_wrong("POST /install", Reply(422, {"detail": errors}))

    assert "was answered 422 (['body', 'username']: field required). Check" in job.run_here().err


def test_hashes_and_login_tokens_are_not_printed(job: Job, installed: Tracardi) -> None:
    digest = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest()
    installed.session = f"{CANARY}session"
    installed.goes_wrong("GET /event-source/web-shop", Reply(422, {"detail": f"{digest} {CANARY}session"}))
    job.mount("event-sources.json", json.dumps([SHOP]))

    outcome = job.run_here()

    assert digest not in outcome.err
    assert "event source web-shop was answered 422 (*** ***)" in outcome.err


def test_a_redirect_is_not_followed_and_its_target_named(job: Job, tracardi: Tracardi) -> None:
    with serving(Tracardi(token=TOKEN)) as elsewhere:
        tracardi.goes_wrong("POST /install", Reply(307, location=f"{elsewhere.url}/install"))

        outcome = job.run_here()

    assert outcome.status == REFUSED
    assert elsewhere.tracardi.requests == []
    assert f"redirect to {elsewhere.url}/install, not followed" in outcome.err
