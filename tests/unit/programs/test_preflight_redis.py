"""What the preflight program finds about Redis."""

from pathlib import Path

import pytest
import trustme

from .stores.job import CANARY, PASSWORD, Job, Outcome
from .stores.listening import HOST, ends, free_port, hangs, listening, served
from .stores.redis import Redis

PATH = "tracardi:data.redis"
ANOTHER = "another"


@pytest.fixture
def redis() -> Redis:
    return Redis(PASSWORD)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def checked(job: Job, redis: Redis, **changed: str) -> Outcome:
    with listening(redis.talk) as port:
        job.store("redis", port)
        return job.run(**changed)


def test_a_redis_that_is_as_it_should_be_is_left_as_it_was(job: Job, redis: Redis) -> None:
    outcome = checked(job, redis)

    assert (outcome.status, outcome.said) == (0, "redis: as it should be\n")
    assert redis.commands == ["AUTH", "PING", "INFO", "SET", "GET", "DEL"]
    assert redis.keys == {}


def test_another_password_is_told_with_the_setting_that_holds_it(job: Job, redis: Redis) -> None:
    redis.password = ANOTHER

    assert checked(job, redis).only.startswith("tracardi:credentials.redis: logging in to Redis at 127.0.0.1:")
    assert redis.commands == ["AUTH"]


@pytest.mark.parametrize(
    ("command", "answer", "setting", "remedy"),
    [
        ("AUTH", "-ERR AUTH <password> called without any password configured", "credentials.redis", "requirepass"),
        ("AUTH", "-DENIED Redis is running in protected mode", "data.redis.external.host", "protected-mode"),
        ("PING", "-NOPERM this user has no permissions", "data.redis.external.host", "ACL SETUSER default"),
        ("SET", "-READONLY You can't write against a read only replica.", "data.redis.external.host", "the primary"),
        ("SET", "-MOVED 3999 10.0.0.1:6381", "data.redis.external.host", "without Cluster"),
        ("SET", "-OOM command not allowed", "data.redis.external.host", "memory is full"),
        ("DEL", "-NOPERM this user has no permissions", "data.redis.external.host", "ACL SETUSER default"),
        ("GET", "$1\r\n2", "data.redis.external.host", "Name a Redis"),
    ],
)
def test_a_refusal_is_told_with_what_helps(
    job: Job, redis: Redis, command: str, answer: str, setting: str, remedy: str
) -> None:
    redis.answers[command] = [answer]

    found = checked(job, redis).only

    assert found.startswith(f"tracardi:{setting}: ")
    assert remedy in found


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"redis_version": "5.0.14"}, "5.0.14; Tracardi 1.0.0 works with 6.0 or newer (known best: 7.2)"),
        ({"redis_mode": "cluster", "cluster_enabled": "1"}, "cluster mode"),
        ({"redis_mode": "sentinel"}, "sentinel mode"),
        ({"maxmemory_policy": "allkeys-lru"}, "evicts Tracardi's locks"),
    ],
)
def test_what_redis_says_of_itself_is_judged(job: Job, redis: Redis, told: dict[str, str], said: str) -> None:
    redis.info |= told

    assert said in checked(job, redis).only


@pytest.mark.parametrize(
    "told", [{"maxmemory_policy": "allkeys-lru", "maxmemory": "0"}, {"maxmemory_policy": "noeviction"}]
)
def test_a_memory_that_evicts_no_lock_is_fine(job: Job, redis: Redis, told: dict[str, str]) -> None:
    redis.info |= told

    assert checked(job, redis).status == 0


def test_a_redis_that_does_not_tell_of_itself_is_no_fault(job: Job, redis: Redis) -> None:
    redis.answers["INFO"] = ["-NOPERM this user has no permissions"]

    assert checked(job, redis).status == 0


def test_everything_that_is_wrong_is_told_at_once(job: Job, redis: Redis) -> None:
    redis.info |= {"redis_version": "5.0.14", "maxmemory_policy": "allkeys-lru"}
    redis.answers["SET"] = ["-READONLY You can't write"]

    assert len(checked(job, redis).found) == 3


def test_a_redis_that_loads_its_data_is_waited_for(job: Job, redis: Redis) -> None:
    loading = "-LOADING Redis is loading the dataset in memory"
    redis.answers["PING"] = [loading, loading, "+PONG"]

    outcome = checked(job, redis, PREFLIGHT_PATIENCE_SECONDS="5")

    assert outcome.status == 0
    # A state that lasts is told when it begins.
    assert outcome.said.splitlines()[0].startswith("waiting: PING to Redis at 127.0.0.1:")
    assert outcome.said.count("waiting") == 1


def test_a_redis_that_never_ends_loading_is_told(job: Job, redis: Redis) -> None:
    redis.answers["PING"] = ["-LOADING Redis is loading the dataset in memory"]

    assert "LOADING" in checked(job, redis, PREFLIGHT_PATIENCE_SECONDS="0.05").only
    assert redis.commands.count("PING") > 1


def test_a_refusal_is_told_at_once(job: Job, redis: Redis) -> None:
    redis.password = ANOTHER

    checked(job, redis, PREFLIGHT_PATIENCE_SECONDS="60", PREFLIGHT_POLL_SECONDS="50")

    assert redis.commands == ["AUTH"]


def test_nobody_at_the_port_is_told(job: Job) -> None:
    port = free_port()
    job.store("redis", port)

    assert job.run().only == (
        f"{PATH}.external.host: connecting to 127.0.0.1:{port}: Connection refused. Look whether the service runs, on "
        "this port, and whether its firewall lets the cluster's nodes in."
    )


def test_an_address_in_none_of_the_networks_is_told(job: Job) -> None:
    job.store("redis", free_port(), networks=["198.51.100.0/24"])

    found = job.run().only
    assert found.startswith(f"{PATH}.external.networks: ")
    assert "127.0.0.1 is in none of 198.51.100.0/24" in found


def test_a_name_that_nobody_knows_is_told(job: Job) -> None:
    job.store("redis", 6379)
    job.environment["REDIS_HOST"] = "cache.invalid"

    assert job.run().only.startswith(f"{PATH}.external.host: looking up cache.invalid: ")


def test_a_redis_that_hangs_is_told(job: Job) -> None:
    with listening(hangs) as port:
        job.store("redis", port)
        found = job.run(PREFLIGHT_TIMEOUT_SECONDS="0.1").only

    assert "AUTH to Redis at" in found
    assert "no answer in time" in found


def test_a_check_without_end_is_told(job: Job) -> None:
    with listening(hangs) as port:
        job.store("redis", port)
        found = job.run(PREFLIGHT_TIMEOUT_SECONDS="1", PREFLIGHT_DEADLINE_SECONDS="0.1").only

    assert found.startswith(f"{PATH}.external.host: checking it: no end within 0.1 s. ")


@pytest.mark.parametrize("tls", [True, False])
def test_a_redis_that_insists_on_tls_is_told(job: Job, redis: Redis, *, tls: bool) -> None:
    certificate = trustme.CA().issue_cert(HOST)
    with listening(redis.talk if tls else ends, served(certificate) if tls else None) as port:
        job.store("redis", port)
        assert job.run().only.startswith(f"{PATH}.tunnel: AUTH to Redis at 127.0.0.1:{port}: ")


def test_what_speaks_another_protocol_is_told(job: Job) -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n")) as port:
        job.store("redis", port)
        assert "not an answer of Redis" in job.run().only


def test_an_answer_cannot_forge_lines_or_repeat_the_password(job: Job, redis: Redis) -> None:
    redis.answers["AUTH"] = [f"-ERR {PASSWORD}\x1b[2J done \u2028{'x' * 1000}"]

    found = checked(job, redis).only

    assert "refused (ERR *** [2J done x" in found
    assert "x...). " in found
    assert CANARY not in found


# Through a tunnel


def tunnelled(job: Job, redis: Redis, certificate: trustme.LeafCert, authority: trustme.CA) -> Outcome:
    """A Redis behind TLS, and a tunnel to it, which here is another port of the same Redis."""
    path = job.folder / "redis-ca.crt"
    authority.cert_pem.write_to_path(str(path))
    with listening(redis.talk, served(certificate)) as far, listening(redis.talk) as near:
        job.store("redis", near, tunnel={"host": HOST, "port": far, "authority": str(path)})
        return job.run()


def test_a_tunnel_is_used_as_api_pods_use_it(job: Job, redis: Redis) -> None:
    authority = trustme.CA()

    assert tunnelled(job, redis, authority.issue_cert(HOST), authority).status == 0
    assert redis.commands.count("AUTH") == 1


def test_why_a_tunnel_does_not_get_through_is_told(job: Job, redis: Redis) -> None:
    found = tunnelled(job, redis, trustme.CA().issue_cert(HOST), trustme.CA()).only

    assert found.startswith(f"{PATH}.external.certificateAuthority: TLS with 127.0.0.1:")
    assert redis.commands == []


def test_a_redis_without_tls_behind_a_tunnel_is_told(job: Job) -> None:
    with listening(lambda connection: connection.sendall(b"-ERR unknown command\r\n")) as far:
        job.store("redis", free_port(), tunnel={"host": HOST, "port": far, "authority": None})
        assert "it does not speak TLS on this port" in job.run().only


def test_a_tunnel_that_ends_connections_is_told(job: Job) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(job.folder / "ca.crt"))
    with listening(ends, served(authority.issue_cert(HOST))) as far, listening(ends) as near:
        job.store("redis", near, tunnel={"host": HOST, "port": far, "authority": str(job.folder / "ca.crt")})
        assert "the tunnel ends the connection" in job.run().only
