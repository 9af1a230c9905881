"""Section 6.4 of the fact sheet: APM, which merges profiles, on real stores."""

import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import httpx
import pytest
import redis

from tests.contract.api import Api
from tests.contract.app.apm import Orders
from tests.contract.app.environment import Configuration
from tests.contract.cluster import HOST, REDIS_PASSWORD, Cluster, Process
from tests.contract.conftest import Starts, Stores

SECRET = "merging-secret-of-these-tests"  # noqa: S105 - of these tests alone
NEW = {"MYSQL_HOST": "m"}
_PATIENCE = 20.0


class Begins(Protocol):
    """Starts an APM; None takes a variable away."""

    def __call__(self, tenant: str, **environment: str | None) -> Process: ...


@pytest.fixture
def alone(cluster: Cluster) -> Begins:
    """Starts APMs of release 0.8.2.1, that look for work all the time, where no store is."""

    def begin(tenant: str, **environment: str | None) -> Process:
        given: dict[str, str | None] = {
            "TENANT_NAME": tenant,
            "ELASTIC_HOST": f"http://{HOST}:1",
            "REDIS_HOST": HOST,
            "REDIS_PORT": "1",
            "AUTO_PROFILE_MERGING": SECRET,
            "EVENT_PARTITIONING": "month",
            "MODE": "worker",
            "PAUSE": "0",
            "PRODUCTION": "yes",
            "START_CPU_SECONDS": "0",
            "PAUSE_SCALE": "0.01",
            **environment,
        }
        return cluster.apm(f"apm-{tenant}", {name: value for name, value in given.items() if value is not None})

    return begin


@pytest.fixture
def begins(alone: Begins, stores: Stores) -> Begins:
    """The same, on real stores."""
    reached = {
        "ELASTIC_HOST": f"http://{HOST}:9200",
        "REDIS_PORT": str(stores.redis_port),
        "REDIS_PASSWORD": REDIS_PASSWORD,
    }

    def begin(tenant: str, **environment: str | None) -> Process:
        return alone(tenant, **{**reached, **environment})

    return begin


@pytest.fixture(scope="module")
def installed(starts: Starts) -> Api:
    """An installation of the tests' own."""
    api = starts("merging", {"EXPOSE_GUI_API": "yes", "PRODUCTION": "no"})
    assert api.install().status == 200
    return api


def elasticsearch(cluster: Cluster, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - whatever JSON says
    def ask() -> Any:  # noqa: ANN401 - as above
        return (
            httpx.request(method, f"http://{HOST}:9200{path}", json=body, timeout=_PATIENCE).raise_for_status().json()
        )

    return cluster.call(ask)


def save(cluster: Cluster, prefix: str, number: str, day: int, *, mark: str | None = None, **profile: object) -> None:
    """A profile of the day, as APIs store them."""
    metadata: dict[str, object] = {"time": {"insert": f"2024-01-{day:02}T00:00:00Z"}}
    if mark:
        metadata["system"] = {"aux": {"auto_merge": mark}}
    document = {"id": number, "ids": [number], "traits": {}, **profile, "metadata": metadata}
    (index,) = elasticsearch(cluster, "GET", f"/_alias/{prefix}merging.tracardi-profile")
    elasticsearch(cluster, "PUT", f"/{index}/_doc/{number}?refresh=true", document)


def profiles(cluster: Cluster, prefix: str, *numbers: str) -> list[dict[str, Any]]:
    """What is stored under any of these identifiers."""
    query = {"query": {"terms": {"ids": list(numbers)}}}
    found = elasticsearch(cluster, "POST", f"/{prefix}merging.tracardi-profile/_search", query)
    return [hit["_source"] for hit in found["hits"]["hits"]]


def until_said(process: Process, text: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while text not in process.log.read_text():
        assert process.popen.poll() is None, process.log.read_text()
        assert time.monotonic() < deadline, process.log.read_text()
        time.sleep(0.05)


CRASHES = {
    "0.4-licence": ({"LICENSE": ""}, "ModuleNotFoundError: No module named 'com_tracardi'"),
    "0.2-redis-port-of-a-service-link": ({"REDIS_PORT": "tcp://10.0.0.1:6379"}, "ValueError: invalid literal for int"),
    "2.1-numeric-elasticsearch": ({"ELASTIC_HOST": "9200"}, "ValueError: Env ELASTIC_HOST must be sting"),
    "2.2-new-flag-without-a-meaning": ({**NEW, "PRODUCTION": "1"}, "ValueError: Invalid value of PRODUCTION"),
    "2.3-no-secret": ({"AUTO_PROFILE_MERGING": None}, "ValueError: missing here: AUTO_PROFILE_MERGING"),
    "2.3-short-secret": ({"AUTO_PROFILE_MERGING": "short"}, "ValueError: AUTO_PROFILE_MERGING has less than 20"),
    "2.3-no-shape-of-indices": ({"EVENT_PARTITIONING": None}, "ValueError: missing here: EVENT_PARTITIONING"),
    "6.4-pause-that-is-no-number": ({"PAUSE": "1m"}, "ValueError: invalid literal for int"),
}


@pytest.mark.parametrize(("variables", "said"), CRASHES.values(), ids=CRASHES)
def test_a_wrong_variable_ends_the_start_with_exit_code_1(
    alone: Begins, variables: dict[str, str | None], said: str
) -> None:
    process = alone("crash", **variables)

    assert process.popen.wait(_PATIENCE) == 1
    assert said in process.log.read_text()


def orders(variables: Mapping[str, str]) -> Orders:
    return Orders.read(variables, Configuration.read(variables))


@pytest.mark.parametrize(
    ("variables", "contexts"),
    [
        ({"MODE": "worker"}, ("production",)),
        ({"MODE": "worker", "PRODUCTION": "no"}, ("staging",)),
        ({"MODE": "job"}, ("production", "staging")),
        ({"MODE": "worker", **NEW}, ("production", "staging")),
        ({"MODE": "worker", "PRODUCTION": "yes", **NEW}, ("production",)),
    ],
    ids=str,
)
def test_the_loop_of_0_8_2_1_never_leaves_its_first_context(
    variables: dict[str, str], contexts: tuple[str, ...]
) -> None:
    assert orders(variables).contexts == contexts


def test_without_orders_it_works_once_and_would_pause_for_a_minute() -> None:
    assert orders({}) == Orders(once=True, pause=60, contexts=("production", "staging"))
    assert orders({"PAUSE": "1m", **NEW}).pause == 60


def test_what_is_marked_becomes_one_profile(installed: Api, begins: Begins) -> None:
    cluster, number, other, stranger = installed.cluster, *(str(uuid.uuid4()) for _ in range(3))
    save(cluster, "prod-", number, 1, mark="email", ids=[number, "shared"], traits={"a": "old", "b": "kept"})
    save(cluster, "prod-", other, 2, ids=[other, "shared"], traits={"a": "new"})
    save(cluster, "prod-", stranger, 3)

    process = begins("merging", MODE="job")

    assert process.popen.wait(_PATIENCE) == 0, process.log.read_text()
    assert "Merged 1 profiles in production" in process.log.read_text()
    (merged,) = profiles(cluster, "prod-", number, other, "shared")
    assert (merged["id"], merged["ids"]) == (number, sorted([number, other, "shared"]))
    assert merged["traits"] == {"a": "new", "b": "kept"}
    assert "system" not in merged["metadata"]
    assert [each["id"] for each in profiles(cluster, "prod-", stranger)] == [stranger]


def test_a_loop_finds_what_is_marked_later_and_takes_only_its_context(installed: Api, begins: Begins) -> None:
    cluster, number = installed.cluster, str(uuid.uuid4())
    process = begins("merging")
    until_said(process, "Pausing for 0s")

    save(cluster, "", number, 1, mark="email")
    save(cluster, "prod-", number, 1, mark="email")
    until_said(process, "Merged 1 profiles in production")

    assert "system" not in profiles(cluster, "prod-", number)[0]["metadata"]
    assert "system" in profiles(cluster, "", number)[0]["metadata"]
    process.signal(signal.SIGTERM)
    assert process.popen.wait(_PATIENCE) == 1


def test_a_profile_that_another_one_merges_waits(installed: Api, begins: Begins, stores: Stores) -> None:
    cluster, number = installed.cluster, str(uuid.uuid4())
    memory, lock = redis.Redis(HOST, stores.redis_port, password=REDIS_PASSWORD), f"lock:merging:production:{number}"
    cluster.call(partial(memory.set, lock, "another"))
    save(cluster, "prod-", number, 1, mark="email")
    process = begins("merging", MODE="job")

    with pytest.raises(subprocess.TimeoutExpired):
        process.popen.wait(2)
    assert "system" in profiles(cluster, "prod-", number)[0]["metadata"]
    cluster.call(partial(memory.delete, lock))

    assert process.popen.wait(_PATIENCE) == 0
    assert "system" not in profiles(cluster, "prod-", number)[0]["metadata"]
    assert cluster.call(partial(memory.exists, lock)) == 0


@pytest.mark.parametrize(
    ("variables", "said"),
    [({"REDIS_PORT": "1"}, "Error 111 connecting"), ({"REDIS_PASSWORD": "wrong"}, "invalid username-password pair")],
    ids=["refused", "wrong password"],
)
@pytest.mark.usefixtures("installed")
def test_it_goes_on_without_redis(begins: Begins, variables: dict[str, str], said: str) -> None:
    process = begins("merging", **variables)

    until_said(process, said)
    until_said(process, "Pausing for 0s")
    process.kill()


def test_it_gives_up_on_elasticsearch_after_ten_tries(alone: Begins) -> None:
    process = alone("nowhere")

    assert process.popen.wait(_PATIENCE) == 1
    assert "No connection to Elasticsearch (10 of 10)" in process.log.read_text()


def test_before_an_installation_it_waits_for_one(begins: Begins) -> None:
    process = begins("uninstalled")

    until_said(process, "NotFoundError(404, 'index_not_found_exception')")
    until_said(process, "Pausing for 0s")
    process.kill()
