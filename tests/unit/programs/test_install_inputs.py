"""What the installation program is given: files, variables, the address and whom to trust there."""

import ssl
from pathlib import Path

import pytest
import trustme

from .contract_server import Reply, Server, Tracardi
from .job import CANARY, DONE, GAVE_UP, PASSWORD, REFUSED, Job, job_against


@pytest.mark.parametrize("name", ["installation-token", "admin-password", "event-sources.json"])
def test_a_missing_file_is_named(job: Job, tracardi: Tracardi, name: str) -> None:
    (job.folder / name).unlink()

    outcome = job.run_here()

    assert outcome.status == REFUSED
    assert f"{job.folder / name} cannot be read (No such file or directory)" in outcome.err
    assert tracardi.requests == []


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("admin-password", "", "is empty"),
        ("installation-token", " \t", "is empty"),
        ("admin-password", f"{PASSWORD}\n", "ends with a line break"),
        ("event-sources.json", "", "is not JSON"),
        ("event-sources.json", '[{"name": "without an id"}]', "each with an id"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_before_anything_is_asked(
    job: Job, tracardi: Tracardi, name: str, content: str, complaint: str
) -> None:
    job.mount(name, content)

    outcome = job.run_here()

    assert outcome.status == REFUSED
    assert name in outcome.err
    assert complaint in outcome.err
    assert tracardi.requests == []


@pytest.mark.parametrize("name", ["TRACARDI_API_URL", "TRACARDI_ADMIN_EMAIL", "TRACARDI_SECRETS_DIR"])
def test_a_missing_variable_is_named(job: Job, name: str) -> None:
    outcome = job.run_here(**{name: ""})

    assert outcome.status == REFUSED
    assert f"refused: {name} is not set" in outcome.err


@pytest.mark.parametrize("url", [f"http://user:{CANARY}@127.0.0.1:8080", "ftp://127.0.0.1", "gui-api:8080"])
def test_an_address_that_is_not_a_plain_http_one_is_refused(job: Job, url: str) -> None:
    outcome = job.run_here(TRACARDI_API_URL=url)

    assert outcome.status == REFUSED
    assert "TRACARDI_API_URL has to look like http://host:8080" in outcome.err


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html><title>Tracardi</title>",
        b"",
        b'{"schema_ok"',
        pytest.param(b"[" * 99_999, id="depth"),
        b'{"a":1}',
    ],
)
def test_an_address_that_is_not_tracardis_is_named_as_such(job: Job, tracardi: Tracardi, content: bytes) -> None:
    tracardi.goes_wrong("GET /install", Reply(200, content))

    outcome = job.run_here()

    assert outcome.status == REFUSED
    assert f"no installation status in its {len(content)} bytes" in outcome.err
    assert "Check that TRACARDI_API_URL is the address of the GUI API" in outcome.err
    assert tracardi.asked("POST /install") == 0


def test_an_https_address_never_gets_a_plain_request(job: Job, tracardi: Tracardi) -> None:
    outcome = job.run_here(TRACARDI_API_URL=job.url.replace("http:", "https:"), TRACARDI_DEADLINE_SECONDS="0.2")

    assert outcome.status == GAVE_UP
    assert tracardi.requests == []


def test_only_a_certificate_of_the_given_authority_is_trusted(tracardi: Tracardi, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    server = Server(tracardi)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.listen()
    try:
        job = job_against(server.url.replace("http:", "https:"), tmp_path)
        trusting = job.run_here(TRACARDI_API_CA_FILE=written(authority, tmp_path / "authority.pem"))
        doubting = job.run_here(
            TRACARDI_API_CA_FILE=written(stranger, tmp_path / "stranger.pem"), TRACARDI_DEADLINE_SECONDS="0.2"
        )
    finally:
        server.stop()

    assert (trusting.status, doubting.status) == (DONE, GAVE_UP)
    assert "certificate verify failed" in doubting.out


def written(authority: trustme.CA, path: Path) -> str:
    authority.cert_pem.write_to_path(path)
    return str(path)


def test_a_ca_file_without_certificates_is_named(job: Job) -> None:
    outcome = job.run_here(
        TRACARDI_API_URL=job.url.replace("http:", "https:"),
        TRACARDI_API_CA_FILE=str(job.folder / "event-sources.json"),
    )

    assert outcome.status == REFUSED
    assert "event-sources.json holds no usable CA certificates" in outcome.err
