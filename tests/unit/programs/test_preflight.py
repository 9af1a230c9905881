"""The preflight program as a whole: all stores at once, as it runs in its container."""

import ast
import base64
import json
from pathlib import Path

import pytest
import trustme

from components.programs import preflight
from components.programs.preflight.checks import main
from components.programs.preflight.report import Journal
from components.programs.preflight.store import Store

from .stores.elasticsearch import Elasticsearch
from .stores.job import CANARY, PASSWORD, USER, VERSIONS, Job
from .stores.listening import HOST, free_port, listening, served
from .stores.mysql import Mysql
from .stores.pulsar import Pulsar
from .stores.redis import Redis

FILES = sorted(Path(preflight.__file__).parent.glob("*.py"))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_it_runs_in_a_container_that_has_nothing_but_python(job: Job) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(job.folder / "ca.crt"))
    job.environment["ELASTIC_CA_FILE"] = str(job.folder / "ca.crt")
    search, redis, mysql = Elasticsearch(USER, PASSWORD), Redis(PASSWORD), Mysql(USER, PASSWORD)
    pulsar = Pulsar(PASSWORD)
    with (
        listening(search.talk, served(authority.issue_cert(HOST))) as first,
        listening(redis.talk) as second,
        listening(mysql.talk) as third,
        listening(pulsar.queue) as fourth,
        listening(pulsar.administration) as fifth,
    ):
        job.store("elasticsearch", first)
        job.store("redis", second)
        job.store("mysql", third)
        job.store("pulsar", fourth, fifth)
        outcome = job.run_as_program()

    assert outcome.status == 0
    assert sorted(outcome.said.splitlines()) == [f"{name}: as it should be" for name in sorted(VERSIONS)]


def test_what_is_wrong_with_each_store_is_told_at_once_in_lines_of_their_own(job: Job) -> None:
    redis = Redis("another")
    with listening(redis.talk) as port:
        job.store("elasticsearch", free_port(), free_port())
        job.store("redis", port)
        job.store("mysql", free_port())
        job.store("pulsar", free_port(), free_port())
        outcome = job.run_as_program()

    assert outcome.status == 1
    assert [line.partition(": ")[0] for line in outcome.found] == [
        "tracardi:data.elasticsearch.external.urls",
        "tracardi:data.elasticsearch.external.urls",
        "tracardi:credentials.redis",
        "tracardi:data.mysql.external.host",
        "tracardi:data.pulsar.external.url",
        "tracardi:data.pulsar.external.api",
    ]


def test_all_that_kubernetes_passes_on_is_enough_for_many_findings(job: Job) -> None:
    """Of a container's log, the last 2048 bytes become its message."""
    job.store("elasticsearch", *(free_port() for _ in range(5)))
    job.store("redis", free_port())
    job.store("mysql", free_port())
    job.store("pulsar", free_port(), free_port())

    assert sum(len(line) + 1 for line in job.run().found) < 1900


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_is_understood_by_the_python_of_every_api_image(file: Path) -> None:
    ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 10))


def test_a_bug_is_no_finding(job: Job) -> None:
    job.store("redis", 1)
    del job.environment["REDIS_PORT"]

    with pytest.raises(KeyError, match="REDIS_PORT"):
        job.run()


def test_a_plan_that_is_missing_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        main({"PREFLIGHT_PLAN": str(tmp_path / "none.json")})


@pytest.mark.parametrize(
    "notation",
    [
        base64.b64encode(PASSWORD.encode()).decode(),
        PASSWORD,
        json.dumps(PASSWORD),
        repr(PASSWORD),
        f"https://{USER}:{PASSWORD}@search",
        "a1" * 20,
    ],
)
def test_secrets_are_hidden_in_every_notation(notation: str) -> None:
    journal = Journal()
    journal.hide(PASSWORD)

    told = journal.scrub(f"refused: {notation}")

    assert CANARY not in told
    assert "***" in told


@pytest.mark.parametrize("version", ["", "unknown", "5.9.9"])
def test_a_version_that_cannot_be_told_or_lies_outside_is_refused(version: str) -> None:
    store = Store.of("redis", "1.0.0", {"networks": [], "versions": VERSIONS["redis"]}, 1)

    assert store.judged(version, "Redis")


@pytest.mark.parametrize("version", ["6.0", "6.0.16", "7.2.4", "8.2"])
def test_a_version_from_the_least_on_is_accepted_where_there_is_no_end(version: str) -> None:
    store = Store.of("redis", "1.0.0", {"networks": [], "versions": VERSIONS["redis"]}, 1)

    assert store.judged(version, "Redis") is None
