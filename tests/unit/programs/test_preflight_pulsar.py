"""What the preflight program finds about Pulsar."""

import socket
from pathlib import Path

import pytest
import trustme

from components.programs.preflight.pulsar import _fields

from .stores.job import CANARY, PASSWORD, Job, Outcome
from .stores.listening import HOST, Talk, ends, free_port, hangs, listening, served
from .stores.pulsar import CONNECTED, Pulsar, refusal

PATH = "tracardi:data.pulsar.external"
TOKEN = "tracardi:credentials.pulsar"  # noqa: S105 - a setting
VERSION, CLUSTERS, TENANTS = "/admin/v2/brokers/version", "/admin/v2/clusters", "/admin/v2/tenants"
NAMESPACES = "/admin/v2/namespaces/cdp"


@pytest.fixture
def pulsar() -> Pulsar:
    return Pulsar(PASSWORD)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def checked(job: Job, pulsar: Pulsar, **changed: str) -> Outcome:
    with listening(pulsar.queue) as port, listening(pulsar.administration) as api:
        job.store("pulsar", port, api)
        return job.run(**changed)


def beginnings(outcome: Outcome) -> list[str]:
    return [line.partition(": ")[0] for line in outcome.found]


def test_a_pulsar_that_is_as_it_should_be_is_asked_and_not_written_to(job: Job, pulsar: Pulsar) -> None:
    outcome = checked(job, pulsar)

    assert (outcome.status, outcome.said) == (0, "pulsar: as it should be\n")
    assert pulsar.greetings == [PASSWORD.encode()]
    assert pulsar.requests == [f"GET {path}" for path in (VERSION, CLUSTERS, NAMESPACES, TENANTS)]


def test_a_token_of_usual_length_is_shown_as_it_is(job: Job, pulsar: Pulsar) -> None:
    pulsar.token = f"{PASSWORD}.{'x' * 700}"

    assert checked(job, pulsar, PULSAR_AUTH_TOKEN=pulsar.token).status == 0


# The token


def test_another_token_is_told_by_both_with_the_setting_that_holds_it(job: Job, pulsar: Pulsar) -> None:
    pulsar.token = "another"  # noqa: S105 - nobody's

    outcome = checked(job, pulsar)

    queue, api = outcome.found
    assert queue.startswith(f"{TOKEN}: logging in to Pulsar at 127.0.0.1:")
    assert "refused (Failed to authenticate). Give a token that it accepts" in queue
    assert api.startswith(f"{TOKEN}: logging in to http://127.0.0.1:")
    assert "answered 401. Give a token" in api
    assert pulsar.requests == [f"GET {VERSION}"]


def test_a_token_that_cannot_be_one_is_no_bug(job: Job, pulsar: Pulsar) -> None:
    assert beginnings(checked(job, pulsar, PULSAR_AUTH_TOKEN=f"{CANARY} \u20ac")) == [TOKEN, TOKEN]


@pytest.mark.parametrize("status", [401, 403])
def test_an_administration_that_alone_refuses_the_token_is_told(job: Job, pulsar: Pulsar, status: int) -> None:
    pulsar.replies[VERSION] = [(status, {"reason": "Need to authenticate"})]

    assert f"answered {status}, Need to authenticate. Give a token" in checked(job, pulsar).only


def test_an_answer_cannot_repeat_even_a_part_of_the_token(job: Job, pulsar: Pulsar) -> None:
    pulsar.token = f"{CANARY}.{CANARY * 40}"
    pulsar.answers = [refusal(3, f"not a token: {pulsar.token}")]
    pulsar.replies[VERSION] = [(401, {"reason": f"not a token: {pulsar.token}"})]

    queue, api = checked(job, pulsar, PULSAR_AUTH_TOKEN=pulsar.token).found

    assert "refused (not a token: ***)" in queue
    assert "answered 401, not a token: ***." in api


# The queue


@pytest.mark.parametrize(
    ("code", "setting"), [(3, TOKEN), (4, TOKEN), (0, f"{PATH}.url"), (22, f"{PATH}.url"), (6, f"{PATH}.url")]
)
def test_a_refusal_of_the_queue_is_told(job: Job, pulsar: Pulsar, code: int, setting: str) -> None:
    pulsar.answers = [refusal(code, "No.")]

    found = checked(job, pulsar).only
    assert found.startswith(f"{setting}: logging in to Pulsar at 127.0.0.1:")
    assert "refused (No.)" in found


@pytest.mark.parametrize("code", [1, 2, 6, 14])
def test_a_queue_that_is_not_ready_is_waited_for(job: Job, pulsar: Pulsar, code: int) -> None:
    pulsar.answers = [refusal(code, "Not yet."), CONNECTED]

    outcome = checked(job, pulsar, PREFLIGHT_PATIENCE_SECONDS="5")

    assert outcome.status == 0
    assert outcome.said.startswith("waiting: logging in to Pulsar at 127.0.0.1:")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"hi",
        b"\x00\x00\x00\x08\x00\x00\x00\x04\x08\x24\x08\x24",
        b"\x00\x00\x00\x06\x00\x00\x00\x02\x08\xff",
        b"\x00\x00\x00\x06\x00\x00\x00\x02\x08",
        b"\x00\x00\x00\x05\x00\x00\x00\x02\x08\x03",
        b"\x00\x00\x00\x08\x00\x00\x00\x04\x08\x0er\x7f",
    ],
    ids=["HTTP", "short", "a challenge", "an endless number", "half", "two sizes", "an endless text"],
)
def test_what_speaks_another_protocol_is_told(job: Job, pulsar: Pulsar, answer: bytes) -> None:
    pulsar.answers = [answer]

    found = checked(job, pulsar).only
    assert found.startswith(f"{PATH}.url: logging in to Pulsar at 127.0.0.1:")
    assert "not an answer of Pulsar. Name a Pulsar proxy, or its only broker" in found


def test_a_message_is_read_whatever_its_fields_hold() -> None:
    assert _fields(CONNECTED[8:])[1] == 3
    error = _fields(refusal(3, "No." * 100)[8:])[14]
    assert isinstance(error, bytes)
    assert _fields(error) == {1: 2**64 - 1, 2: 3, 3: b"No." * 100}


@pytest.mark.parametrize("tls", [True, False])
def test_a_pulsar_that_insists_on_tls_is_told(job: Job, pulsar: Pulsar, *, tls: bool) -> None:
    with listening(alerts if tls else ends) as port, listening(pulsar.administration) as api:
        job.store("pulsar", port, api)
        found = job.run().only

    assert found.startswith(f"{PATH}.url: logging in to Pulsar at 127.0.0.1:{port}: it ")
    assert ("it speaks TLS" if tls else "without a word") in found
    assert "Write url with pulsar+ssl:// and api with https://." in found


def test_a_queue_that_hangs_is_told(job: Job, pulsar: Pulsar) -> None:
    with listening(hangs) as port, listening(pulsar.administration) as api:
        job.store("pulsar", port, api)
        found = job.run(PREFLIGHT_TIMEOUT_SECONDS="0.1").only

    assert found.startswith(f"{PATH}.url: logging in to Pulsar at")
    assert "no answer in time" in found


def test_nobody_at_either_port_is_told_with_the_setting_of_each(job: Job) -> None:
    job.store("pulsar", free_port(), free_port())

    outcome = job.run()
    assert beginnings(outcome) == [f"{PATH}.url", f"{PATH}.api"]
    assert all("Connection refused. Look whether the service runs" in line for line in outcome.found)


def test_an_address_in_none_of_the_networks_is_told(job: Job) -> None:
    job.store("pulsar", free_port(), free_port(), networks=["198.51.100.0/24"])

    assert beginnings(job.run()) == [f"{PATH}.networks"] * 2


# The administration


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("2.9.5", "2.9.5; Tracardi 1.0.0 works with 2.10 or newer, older than 5 (known best: 3.1)"),
        ("5.0.0-M1", "5.0.0-M1; Tracardi"),
    ],
)
def test_versions_are_judged(job: Job, pulsar: Pulsar, version: str, said: str) -> None:
    pulsar.version = version

    found = checked(job, pulsar).only
    assert found.startswith(f"{PATH}.api: asking Pulsar for its version: ")
    assert said in found


@pytest.mark.parametrize("version", ["2.10.6", "3.1.0", "3.1.4.27", "4.0.7-SNAPSHOT", '"3.0.0"'])
def test_versions_of_the_range_are_accepted(job: Job, pulsar: Pulsar, version: str) -> None:
    pulsar.version = version

    assert checked(job, pulsar).status == 0


def test_a_cluster_that_is_not_there_is_told_with_those_that_are(job: Job, pulsar: Pulsar) -> None:
    pulsar.clusters = ["one", "two"]

    found = checked(job, pulsar).only
    assert found.startswith(f"{PATH}.cluster: asking http://127.0.0.1:")
    assert "eu is not among them: one, two. Name one of them." in found


@pytest.mark.parametrize("status", [401, 403])
def test_a_pulsar_that_keeps_its_clusters_to_itself_is_no_fault(job: Job, pulsar: Pulsar, status: int) -> None:
    """Nobody makes them known to everybody for ever (apache/pulsar, pull request 26267)."""
    pulsar.replies[CLUSTERS] = [(status, {"reason": "No."})]

    assert checked(job, pulsar).status == 0


def test_a_tenant_that_is_looked_after_is_enough(job: Job, pulsar: Pulsar) -> None:
    pulsar.superuser = False
    pulsar.tenants["cdp"] = True

    assert checked(job, pulsar).status == 0
    assert f"GET {TENANTS}" not in pulsar.requests


@pytest.mark.parametrize("status", [401, 403])
def test_a_tenant_of_somebody_else_is_told(job: Job, pulsar: Pulsar, status: int) -> None:
    pulsar.replies[NAMESPACES] = [(status, {"reason": "Unauthorized"})]

    found = checked(job, pulsar).only
    assert found.startswith(f"{PATH}.tenant: asking http://127.0.0.1:")
    assert f"the token's role may not look after it (answered {status}, Unauthorized)" in found
    assert "pulsar-admin tenants update cdp --admin-roles" in found


def test_a_tenant_that_is_not_there_and_may_not_be_made_is_told(job: Job, pulsar: Pulsar) -> None:
    pulsar.superuser = False

    found = checked(job, pulsar).only
    assert found.startswith(f"{PATH}.tenant: asking http://127.0.0.1:")
    assert "it is not there, and the token's role is no superuser" in found
    assert "pulsar-admin tenants create cdp --allowed-clusters eu --admin-roles" in found


def test_everything_that_is_wrong_is_told_at_once(job: Job, pulsar: Pulsar) -> None:
    pulsar.answers = [refusal(0, "No.")]
    pulsar.version, pulsar.clusters, pulsar.superuser = "2.9.5", ["one"], False

    assert beginnings(checked(job, pulsar)) == [f"{PATH}.{key}" for key in ("url", "api", "cluster", "tenant")]


@pytest.mark.parametrize("path", [VERSION, CLUSTERS, NAMESPACES, TENANTS])
@pytest.mark.parametrize("status", [503, 429])
def test_an_answer_that_says_later_is_waited_for(job: Job, pulsar: Pulsar, path: str, status: int) -> None:
    right: object = {VERSION: "3.1.0", CLUSTERS: ["eu"], NAMESPACES: [], TENANTS: []}[path]
    pulsar.replies[path] = [(status, ""), (200, right)]
    if path == TENANTS:
        pulsar.replies[NAMESPACES] = [(404, {})]

    assert checked(job, pulsar, PREFLIGHT_PATIENCE_SECONDS="5").status == 0
    assert pulsar.requests.count(f"GET {path}") == 2


@pytest.mark.parametrize(
    ("path", "reply", "said"),
    [
        (VERSION, (200, "<html>A console</html>"), "not an answer of Pulsar"),
        (VERSION, (404, ""), "answered 404"),
        (VERSION, (302, ""), "answered 302"),
        (CLUSTERS, (200, {"not": "a list"}), "not an answer of Pulsar"),
        (CLUSTERS, (500, {"reason": "Broken"}), "answered 500, Broken"),
        (NAMESPACES, (500, {"reason": 1}), "answered 500"),
    ],
)
def test_what_is_no_administration_is_told(
    job: Job, pulsar: Pulsar, path: str, reply: tuple[int, object], said: str
) -> None:
    pulsar.replies[path] = [reply]

    found = checked(job, pulsar).only
    assert found.startswith(f"{PATH}.api: GET http://127.0.0.1:")
    assert f"{path}: {said}. Name the administration of Pulsar" in found


def alerts(connection: socket.socket) -> None:
    """Speaks TLS, and tells so."""
    connection.recv(1024)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x46")


@pytest.mark.parametrize(
    ("talk", "said"),
    [(alerts, "not an answer in HTTP. Name the port of the administration; if it"), (ends, "the connection broke (")],
)
def test_an_administration_that_does_not_speak_plain_http_is_told(
    job: Job, pulsar: Pulsar, talk: Talk, said: str
) -> None:
    with listening(pulsar.queue) as port, listening(talk) as api:
        job.store("pulsar", port, api)
        found = job.run().only

    assert found.startswith(f"{PATH}.api: GET http://127.0.0.1:{api}{VERSION}: ")
    assert said in found


# Through tunnels


def tunnelled(job: Job, pulsar: Pulsar, *signers: trustme.CA, authority: trustme.CA) -> Outcome:
    """A Pulsar behind TLS, with a signer for queue and administration, and tunnels, which are further ports of it."""
    path = job.folder / "pulsar-ca.crt"
    authority.cert_pem.write_to_path(str(path))
    for_queue, for_api = (served(signer.issue_cert(HOST)) for signer in signers)
    with (
        listening(pulsar.queue, for_queue) as far,
        listening(pulsar.administration, for_api) as far_api,
        listening(pulsar.queue) as near,
        listening(pulsar.administration) as near_api,
    ):
        ends_of = {"tunnel": far, "apiTunnel": far_api}
        tunnels = {name: {"host": HOST, "port": port, "authority": str(path)} for name, port in ends_of.items()}
        job.store("pulsar", near, near_api, **tunnels)
        return job.run()


def test_tunnels_are_used_as_api_pods_use_them(job: Job, pulsar: Pulsar) -> None:
    authority = trustme.CA()

    assert tunnelled(job, pulsar, authority, authority, authority=authority).status == 0
    assert len(pulsar.greetings) == 1
    assert len(pulsar.requests) == 4


def test_where_a_tunnel_leads_is_told(job: Job, pulsar: Pulsar) -> None:
    authority = trustme.CA()
    pulsar.token = "another"  # noqa: S105 - nobody's

    queue, api = tunnelled(job, pulsar, authority, authority, authority=authority).found

    assert " through the tunnel: refused" in queue
    assert f"logging in to https://{HOST}:" in api


@pytest.mark.parametrize("queue", [True, False], ids=["queue", "administration"])
def test_why_a_tunnel_does_not_get_through_is_told_of_each(job: Job, pulsar: Pulsar, *, queue: bool) -> None:
    known, other = trustme.CA(), trustme.CA()
    signers = (other, known) if queue else (known, other)

    found = tunnelled(job, pulsar, *signers, authority=known).only

    assert found.startswith(f"{PATH}.certificateAuthority: TLS with 127.0.0.1:")
    assert (bool(pulsar.greetings), bool(pulsar.requests)) == (not queue, queue)


def test_a_tunnel_that_ends_connections_is_told(job: Job, pulsar: Pulsar) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(job.folder / "ca.crt"))
    with (
        listening(ends, served(authority.issue_cert(HOST))) as far,
        listening(ends) as near,
        listening(pulsar.administration) as api,
    ):
        there = {"host": HOST, "port": far, "authority": str(job.folder / "ca.crt")}
        job.store("pulsar", near, api, tunnel=there)
        found = job.run().only

    assert f"{PATH}.url: " in found
    assert "the tunnel ends the connection. Look at its log: kubectl logs with --container pulsar-tunnel." in found
