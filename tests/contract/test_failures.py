"""Section 8, and what sections 1 and 6 say of it: what a store that is down, frozen or changed does to the servers."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import redis

from tests.contract.api import Answer, Api
from tests.contract.cluster import HOST, REDIS_PASSWORD, Cluster, Process
from tests.contract.conftest import Starts, Stores, System

SOURCE = "steady"
PUBLIC = {"EXPOSE_GUI_API": "no", "PRODUCTION": "yes"}


@pytest.fixture(scope="module", autouse=True)
def _source(system: System) -> None:
    system.private.save_source(SOURCE, system.private.token())
    system.private.save_source(SOURCE, system.private.token(), "staging")


@dataclass(frozen=True)
class State:
    """What is wrong, and what is answered."""

    name: str
    variables: dict[str, str]
    track: str
    """A part of the answer with status 500."""
    login: str
    """A part of the answer with status 400."""
    install: int


STATES = (
    State("8-redis-refused", {"REDIS_PORT": "1"}, "Error 111 connecting", "Error 111 connecting", 200),
    State("8-redis-wrong-password", {"REDIS_PASSWORD": "wrong"}, "WRONGPASS", "WRONGPASS", 200),
    State("8-elasticsearch-refused", {"ELASTIC_HOST": f"http://{HOST}:1"}, "ConnectionError(", "ConnectionError(", 500),
)


@pytest.mark.parametrize("state", STATES, ids=[state.name for state in STATES])
def test_a_store_that_is_not_there_fails_requests_and_no_probe(starts: Starts, state: State) -> None:
    api = starts("main", state.variables)

    track, login = api.track(SOURCE), api.log_in()

    assert (track.status, login.status) == (500, 400)
    assert state.track in track.detail
    assert state.login in login.detail
    assert api.ask("GET", "/install").status == state.install
    assert api.ask("GET", "/info/version").status == 200
    health = api.ask("GET", "/healthcheck")
    assert (health.status, health.json) == (200, "")
    assert REDIS_PASSWORD not in api.process.log.read_text()


def test_without_redis_a_probe_with_a_login_fails(starts: Starts) -> None:
    """Section 1.4."""
    api = starts("main", {"REDIS_PORT": "1"})

    assert api.ask("GET", "/healthcheck", token="anything").status == 500  # noqa: S106 - nobody's
    assert api.ask("GET", "/healthcheck").status == 200


def test_without_elasticsearch_an_installation_fails_at_once(starts: Starts) -> None:
    api = starts("main", {"ELASTIC_HOST": f"http://{HOST}:1"})

    assert api.install().status == 500
    assert api.ask("GET", "/").status == 500
    assert api.ask("GET", "/info/version/details").status == 500


@dataclass
class OwnRedis:
    """A Redis that the test may break."""

    cluster: Cluster
    port: int
    process: Process

    def restart(self) -> None:
        """With nothing in it."""
        self.process.kill()
        self.process = self.cluster.redis(self.port)

    def say(self, *command: str) -> object:
        """What it answers."""
        client = redis.Redis(HOST, self.port, password=REDIS_PASSWORD)
        return self.cluster.call(lambda: client.execute_command(*command))  # type: ignore[no-untyped-call]  # of redis


@pytest.fixture
def own_redis(cluster: Cluster) -> Iterator[OwnRedis]:
    """Ready, and ended afterwards."""
    port = cluster.port()
    own = OwnRedis(cluster, port, cluster.redis(port))
    yield own
    own.process.resume()
    own.process.kill()


def test_a_frozen_redis_freezes_the_process_that_asks_it(starts: Starts, own_redis: OwnRedis) -> None:
    """Section 1.2, and section 9: SIGTERM has to wait as well."""
    asking = starts("main", {"REDIS_PORT": str(own_redis.port)})
    idle = starts("main", {"REDIS_PORT": str(own_redis.port)})
    own_redis.process.freeze()

    assert asking.ask("GET", "/install").status == 200
    with ThreadPoolExecutor() as threads:
        track = threads.submit(asking.track, SOURCE)
        with pytest.raises(TimeoutError):
            silent(asking, track)
        assert idle.ask("GET", "/healthcheck").status == 200
        asking.process.signal(15)
        assert asking.process.popen.poll() is None

        own_redis.process.resume()
        assert track.result(5).status == 200

    assert asking.process.popen.wait(5) == 0
    assert idle.track(SOURCE).status == 200


def silent(api: Api, request: "Future[Answer]") -> None:
    """Ask for health while `request` is in the way."""
    with pytest.raises(TimeoutError):
        request.result(2)
    api.ask("GET", "/healthcheck", patience=2)


def test_after_a_frozen_redis_the_process_goes_on(starts: Starts, own_redis: OwnRedis) -> None:
    api = starts("main", {"REDIS_PORT": str(own_redis.port)})
    own_redis.process.freeze()
    with pytest.raises(TimeoutError):
        api.track(SOURCE, patience=1)

    own_redis.process.resume()

    assert api.ask("GET", "/healthcheck", patience=5).status == 200
    assert api.track(SOURCE).status == 200


def test_a_redis_that_starts_anew_needs_no_restart_of_servers(starts: Starts, own_redis: OwnRedis) -> None:
    api = starts("main", {"REDIS_PORT": str(own_redis.port)})
    token = api.token()

    own_redis.restart()

    assert api.ask("GET", "/event/count", token=token).status == 401
    assert api.token() == token
    assert api.track(SOURCE).status == 200


def test_a_new_redis_password_leaves_open_connections_alone(starts: Starts, own_redis: OwnRedis) -> None:
    """Section 6."""
    api = starts("main", {"REDIS_PORT": str(own_redis.port)})
    assert api.track(SOURCE).status == 200

    own_redis.say("CONFIG", "SET", "requirepass", "another")
    assert api.track(SOURCE).status == 200
    new = starts("main", {"REDIS_PORT": str(own_redis.port)})

    answer = new.track(SOURCE)
    assert answer.status == 500
    assert "WRONGPASS" in answer.detail
    assert new.ask("GET", "/healthcheck").status == 200


def test_a_frozen_elasticsearch_blocks_nothing_and_fails_requests_after_12_seconds(
    starts: Starts, stores: Stores
) -> None:
    """Sections 1.3 and 9: SIGTERM lets the requests in flight be answered, whatever the answer."""
    api, other = starts("main", PUBLIC), starts("main", PUBLIC)
    assert api.track(SOURCE).status == 200
    stores.elasticsearch.freeze()
    try:
        with ThreadPoolExecutor() as threads:
            track = threads.submit(api.track, SOURCE)
            install = threads.submit(api.ask, "GET", "/install")
            ending = threads.submit(other.track, SOURCE)
            health = api.ask("GET", "/healthcheck")
            with pytest.raises(TimeoutError):
                ending.result(1)
            other.process.signal(15)
            answers = [track.result(20), install.result(20), ending.result(20)]
    finally:
        stores.elasticsearch.resume()

    assert health.status == 200
    assert health.seconds < 1
    for answer in answers:
        assert answer.status == 500
        assert answer.json == {"detail": "ConnectionTimeout caused by - TimeoutError()"}
        assert 12 <= answer.seconds < 15
    assert other.process.popen.wait(5) == 0
    assert api.track(SOURCE).status == 200


def test_requests_in_flight_are_completed_after_sigterm(starts: Starts, stores: Stores) -> None:
    """Section 9."""
    api = starts("main", PUBLIC)
    assert api.track(SOURCE).status == 200
    stores.elasticsearch.freeze()
    try:
        with ThreadPoolExecutor() as threads:
            tracks = [threads.submit(api.track, SOURCE, f"in-flight-{number}") for number in range(6)]
            with pytest.raises(TimeoutError):
                tracks[-1].result(1)
            api.process.signal(15)
            with pytest.raises(TimeoutError):
                tracks[0].result(1)
            closed = api.refuses_connections()
            stores.elasticsearch.resume()
            answers = [track.result(20) for track in tracks]
    finally:
        stores.elasticsearch.resume()

    assert closed
    assert [answer.status for answer in answers] == [200] * 6
    assert api.process.popen.wait(5) == 0


def test_an_idle_process_ends_at_once(starts: Starts) -> None:
    api = starts("main")

    assert api.end(patience=5) == 0
