"""What the preflight program finds about Elasticsearch."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from .stores.elasticsearch import ALL, Elasticsearch
from .stores.job import PASSWORD, USER, Job, Outcome
from .stores.listening import HOST, ends, free_port, listening, served

PATH = "tracardi:data.elasticsearch.external"
NOT_THERE = (404, {"error": "not found"})


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def search() -> Elasticsearch:
    return Elasticsearch(USER, PASSWORD)


@pytest.fixture
def job(tmp_path: Path, authority: trustme.CA) -> Job:
    path = tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(str(path))
    return Job(tmp_path, environment={"ELASTIC_CA_FILE": str(path)})


def checked(job: Job, search: Elasticsearch, tls: ssl.SSLContext, **changed: str) -> Outcome:
    with listening(search.talk, tls) as port:
        job.store("elasticsearch", port)
        return job.run(**changed)


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    return served(authority.issue_cert(HOST))


def test_an_elasticsearch_that_is_as_it_should_be_is_asked_and_not_written_to(
    job: Job, search: Elasticsearch, tls: ssl.SSLContext
) -> None:
    outcome = checked(job, search, tls)

    assert (outcome.status, outcome.said) == (0, "elasticsearch: as it should be\n")
    assert search.requests == ["GET /", "GET /_cluster/health", "POST /_security/user/_has_privileges"]


def test_one_without_security_is_tried_and_left_as_it_was(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    search.security = False

    assert checked(job, search, tls).status == 0
    assert [request.split()[0] for request in search.requests[3:]] == ["PUT", "POST", "GET", "DELETE", "PUT", "DELETE"]
    assert all("tracardi-preflight-" in request for request in search.requests[3:])
    assert search.made == set()


@pytest.mark.parametrize(("line", "count"), [("PUT /tracardi", 1), ("POST /tracardi", 1), ("PUT /_index_template", 1)])
def test_what_one_without_security_refuses_is_told(
    job: Job, search: Elasticsearch, tls: ssl.SSLContext, line: str, count: int
) -> None:
    search.security = False
    search.replies[line] = [(403, {"error": {"reason": "blocked by the proxy"}})]

    outcome = checked(job, search, tls)

    assert len(outcome.found) == count
    assert "answered 403, blocked by the proxy" in outcome.only
    assert search.made == set()


def test_privileges_that_are_missing_are_named(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    search.granted = ALL - {"manage", "monitor"}

    found = checked(job, search, tls).only

    assert found.startswith(f"{PATH}.username: asking https://127.0.0.1:")
    assert "it lacks monitor, manage on *tracardi*. Give its user a role" in found


def test_another_password_is_told_with_the_setting_that_holds_it(
    job: Job, search: Elasticsearch, tls: ssl.SSLContext
) -> None:
    search.password = PASSWORD[::-1]

    found = checked(job, search, tls).only
    assert found.startswith("tracardi:credentials.elasticsearch: logging in to https://127.0.0.1:")
    assert "answered 401, unable to authenticate user" in found


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ({"number": "7.10.2", "build_flavor": "default"}, "7.10.2; Tracardi 1.0.0 works with 7.13 or newer"),
        ({"number": "9.0.0", "build_flavor": "default"}, "9.0.0; Tracardi"),
        ({"number": "2.11.0", "distribution": "opensearch"}, "it is opensearch 2.11.0"),
        ({"number": "7.13.2", "build_flavor": "oss"}, "it is oss 7.13.2"),
        ({}, "it is something else"),
    ],
)
def test_versions_and_distributions_are_judged(
    job: Job, search: Elasticsearch, tls: ssl.SSLContext, version: dict[str, str], said: str
) -> None:
    search.version = version

    assert said in checked(job, search, tls).only


@pytest.mark.parametrize("number", ["7.13.0", "7.17.29", "8.11.3", "8.19.0"])
def test_versions_of_the_range_are_accepted(job: Job, search: Elasticsearch, tls: ssl.SSLContext, number: str) -> None:
    search.version = {"number": number, "build_flavor": "default"}

    assert checked(job, search, tls).status == 0


def test_a_cluster_that_is_coming_up_is_waited_for(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    search.health = ["red", "yellow"]

    assert checked(job, search, tls, PREFLIGHT_PATIENCE_SECONDS="5").status == 0


def test_a_cluster_that_stays_red_is_told(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    search.health = ["red"]

    assert "the cluster's health: red." in checked(job, search, tls).only


@pytest.mark.parametrize("status", [503, 429])
def test_an_answer_that_says_later_is_waited_for(
    job: Job, search: Elasticsearch, tls: ssl.SSLContext, status: int
) -> None:
    root = {"cluster_uuid": "one", "version": search.version, "status": "green"}
    # Health is asked for in the same words.
    search.replies["GET /"] = [(status, {}), (200, root)]

    assert checked(job, search, tls, PREFLIGHT_PATIENCE_SECONDS="5").status == 0
    assert search.requests.count("GET /") == 2


def test_each_address_is_checked_and_the_cluster_once(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    with listening(search.talk, tls) as one, listening(search.talk, tls) as other:
        job.store("elasticsearch", one, other, free_port())
        found = job.run().only

    assert found.startswith(f"{PATH}.urls: connecting to 127.0.0.1:")
    assert search.requests.count("GET /") == 2
    assert search.requests.count("GET /_cluster/health") == 1


def test_addresses_of_two_clusters_are_told(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    another = Elasticsearch(USER, PASSWORD, cluster="two")
    with listening(search.talk, tls) as one, listening(another.talk, tls) as other:
        job.store("elasticsearch", one, other)
        assert "belong to different clusters" in job.run().only


def test_what_is_not_elasticsearch_is_told(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    search.replies["GET /"] = [NOT_THERE]

    assert "answered 404, not found. Name an Elasticsearch" in checked(job, search, tls).only


# TLS


def test_an_authority_that_is_not_known_is_told(job: Job, search: Elasticsearch) -> None:
    found = checked(job, search, served(trustme.CA().issue_cert(HOST))).only

    assert found.startswith(f"{PATH}.certificateAuthority: TLS with 127.0.0.1:")
    assert "signed by an authority that is not trusted" in found
    assert search.requests == []


def test_without_an_authority_the_public_ones_are_asked(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    del job.environment["ELASTIC_CA_FILE"]

    assert checked(job, search, tls).only.startswith(f"{PATH}.certificateAuthority: ")


@pytest.mark.parametrize("name", ["10.9.9.9", "search.example.com"])
def test_a_certificate_for_another_name_is_told(
    job: Job, search: Elasticsearch, authority: trustme.CA, name: str
) -> None:
    found = checked(job, search, served(authority.issue_cert(name))).only

    assert found.startswith(f"{PATH}.urls: TLS with 127.0.0.1:")
    assert "its certificate does not carry this address" in found


def test_a_certificate_that_has_expired_is_told(job: Job, search: Elasticsearch, authority: trustme.CA) -> None:
    expired = authority.issue_cert(HOST, not_after=datetime.now(UTC) - timedelta(days=1))

    assert "its certificate has expired. Have its owner renew it." in checked(job, search, served(expired)).only


def test_a_port_without_tls_is_told(job: Job) -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        job.store("elasticsearch", port)
        assert "it does not speak TLS on this port" in job.run().only


def test_a_port_that_wants_a_certificate_of_the_client_is_told(
    job: Job, search: Elasticsearch, tls: ssl.SSLContext, authority: trustme.CA
) -> None:
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED

    found = checked(job, search, tls).only
    assert "wants a certificate of its client" in found or "connection broke" in found


def test_a_port_that_ends_connections_is_told_after_a_while(job: Job) -> None:
    with listening(ends) as port:
        job.store("elasticsearch", port)
        assert f"TLS with 127.0.0.1:{port}: the connection ended (" in job.run().only


def test_an_authority_that_is_none_is_told(job: Job, search: Elasticsearch, tls: ssl.SSLContext) -> None:
    Path(job.environment["ELASTIC_CA_FILE"]).write_text("no PEM", encoding="utf-8")

    assert checked(job, search, tls).only.startswith(f"{PATH}.certificateAuthority: reading it: ")
