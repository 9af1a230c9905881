"""Tunnels: what runs beside Tracardi, what it verifies, and what happens while a store is away."""

from dataclasses import replace

import pulumi
import pulumi_kubernetes as k8s
import pytest

from components.context import Context, context_of
from components.endpoints import (
    DataEndpoints,
    ElasticsearchEndpoint,
    MysqlEndpoint,
    PulsarEndpoint,
    PulsarTunnels,
    RedisEndpoint,
    Tunnel,
)
from components.pods import Container
from components.tunnel import tunnel_checksum, tunnel_files, tunnel_sidecars, tunnel_volumes
from tests.unit.components.stores import AUTHORITY, prod_with
from tests.unit.engine import run

PLAIN = DataEndpoints(
    ElasticsearchEndpoint(("https://search.example.com:9200",), "elastic", None),
    RedisEndpoint("cache.example.com", 6379),
    MysqlEndpoint("db.example.com", 3306, "tracardi", "tracardi"),
)


def redis_through(tunnel: Tunnel) -> DataEndpoints:
    """Redis through `tunnel`, MySQL without one."""
    return replace(PLAIN, redis=RedisEndpoint("127.0.0.1", 6379, tunnel))


def mysql_through(tunnel: Tunnel) -> DataEndpoints:
    """MySQL through `tunnel`, Redis without one."""
    return replace(PLAIN, mysql=MysqlEndpoint("127.0.0.1", 3306, "tracardi", "tracardi", tunnel))


REDIS = redis_through(Tunnel("cache.example.com", 6400, None))
MYSQL = mysql_through(Tunnel("db.example.com", 3310, None))
BOTH = replace(REDIS, mysql=MYSQL.mysql)


@pytest.fixture
def context() -> Context:
    return context_of(prod_with())


def the_sidecar(context: Context, data: DataEndpoints) -> Container:
    """The only sidecar of API pods that use `data`."""
    (sidecar,) = tunnel_sidecars(context, data)
    return sidecar


def router_options(data: DataEndpoints) -> dict[str, str]:
    """The options of MySQL Router's one route."""
    text = str(tunnel_files(data)["mysqlrouter.conf"])
    _, route = text.split("[routing:tracardi]\n")
    lines = [line for line in route.splitlines() if line and not line.startswith("#")]
    return {key.strip(): value.strip() for key, value in (line.split("=", 1) for line in lines)}


def server_line(data: DataEndpoints) -> str:
    """HAProxy's line about the store."""
    text = str(tunnel_files(data)["haproxy.cfg"])
    (line,) = (line for line in text.splitlines() if line.strip().startswith("server "))
    return line


def test_without_tunnels_nothing_is_added_to_a_pod(context: Context) -> None:
    assert tunnel_files(PLAIN) == {}
    assert tunnel_sidecars(context, PLAIN) == ()
    assert tunnel_volumes(PLAIN) == ()
    assert tunnel_checksum(PLAIN) == {}


def test_a_release_without_mysql_has_no_tunnel_to_it(context: Context) -> None:
    assert tunnel_sidecars(context, replace(PLAIN, mysql=None)) == ()


def test_each_tunnel_has_a_sidecar_and_both_read_one_volume(context: Context) -> None:
    sidecars = tunnel_sidecars(context, BOTH)
    volumes = {volume.name for volume in tunnel_volumes(BOTH)}

    assert [sidecar.name for sidecar in sidecars] == ["redis-tunnel", "mysql-tunnel"]
    assert {mount.volume for sidecar in sidecars for mount in sidecar.mounts} == volumes == {"tunnels", "mysql-tunnel"}
    for sidecar in sidecars:
        (mount,) = (mount for mount in sidecar.mounts if mount.volume == "tunnels")
        assert mount.read_only
        (read,) = (word for word in sidecar.command if word.startswith(mount.path))
        assert read.removeprefix(f"{mount.path}/") in tunnel_files(BOTH)


def test_redis_is_verified_by_name() -> None:
    line = server_line(REDIS)

    assert "cache.example.com:6400" in line
    assert "verify required" in line
    assert "verifyhost cache.example.com" in line
    assert "sni str(cache.example.com)" in line
    assert "ca-file @system-ca" in line
    # Resolved while it runs: a managed Redis that fails over changes its address, not its name.
    assert "resolvers cluster" in line
    assert "init-addr none" in line


def test_mysql_is_verified_by_name_inside_its_own_protocol() -> None:
    options = router_options(MYSQL)

    assert options["destinations"] == "db.example.com:3310"
    assert options["protocol"] == "classic"
    assert options["client_ssl_mode"] == "DISABLED"
    assert options["server_ssl_mode"] == "REQUIRED"
    assert options["server_ssl_verify"] == "VERIFY_IDENTITY"
    assert options["server_ssl_ca"] == "/etc/pki/tls/certs/ca-bundle.crt"


@pytest.mark.parametrize("store", ["redis", "mysql"])
def test_an_authority_that_is_given_takes_the_place_of_the_public_ones(store: str) -> None:
    through = {"redis": redis_through, "mysql": mysql_through}[store]
    data = through(Tunnel("store.example.com", 7000, AUTHORITY))

    files = tunnel_files(data)

    assert files[f"{store}-ca.crt"] == AUTHORITY
    (text,) = (str(text) for name, text in files.items() if not name.endswith(".crt"))
    assert f"/etc/tunnels/{store}-ca.crt" in text
    assert "@system-ca" not in text
    assert "/etc/pki" not in text


def test_nobody_but_the_pod_itself_can_use_a_tunnel(context: Context) -> None:
    files = tunnel_files(BOTH)

    assert "    bind 127.0.0.1:6379" in str(files["haproxy.cfg"]).splitlines()
    options = router_options(BOTH)
    assert (options["bind_address"], options["bind_port"]) == ("127.0.0.1", "3306")
    assert [sidecar.ports for sidecar in tunnel_sidecars(context, BOTH)] == [{"tunnel-health": 8405}, {}]


def test_idle_connections_of_a_pool_are_not_cut() -> None:
    lines = [line.strip() for line in str(tunnel_files(REDIS)["haproxy.cfg"]).splitlines()]
    listener = lines[lines.index("listen redis") :]

    assert {"timeout client 24h", "timeout server 24h", "option srvtcpka", "option clitcpka"} < {*listener}


def test_a_redis_that_is_away_restarts_no_sidecar(context: Context) -> None:
    sidecar = the_sidecar(context, REDIS)

    for probe in (sidecar.startup, sidecar.readiness, sidecar.liveness):
        assert probe is not None
        assert isinstance(probe.http_get, k8s.core.v1.HTTPGetActionArgs)
        assert (probe.http_get.path, probe.http_get.port) == ("/healthz", 8405)
    text = str(tunnel_files(REDIS)["haproxy.cfg"])
    assert "monitor-uri /healthz" in text
    assert "monitor fail" not in text
    assert " check" not in server_line(REDIS)


def test_probing_the_tunnel_to_mysql_counts_as_no_attack(context: Context) -> None:
    """Connections that end before the handshake block a client, and here everybody is the same client: loopback."""
    sidecar = the_sidecar(context, MYSQL)

    assert sidecar.startup is not None
    assert isinstance(sidecar.startup.exec_, k8s.core.v1.ExecActionArgs)
    assert sidecar.startup.exec_.command == ["grep", "-q", ": 0100007F:0CEA 00000000:0000 0A ", "/proc/net/tcp"]
    assert sidecar.startup.tcp_socket is None
    assert router_options(MYSQL)["max_connect_errors"] == str(2**32 - 1)


def test_a_mysql_that_is_away_restarts_no_sidecar(context: Context) -> None:
    """Router stops listening as long as it reaches no server."""
    sidecar = the_sidecar(context, MYSQL)

    assert sidecar.liveness is None
    assert sidecar.readiness is None


@pytest.mark.parametrize("data", [REDIS, MYSQL])
def test_another_configuration_rolls_the_pods(data: DataEndpoints) -> None:
    through = redis_through if data is REDIS else mysql_through

    checksums = [
        tunnel_checksum(through(Tunnel(host, port, authority)))["tunnels"]
        for host, port, authority in (
            ("a.example.com", 7000, None),
            ("b.example.com", 7000, None),
            ("a.example.com", 7001, None),
            ("a.example.com", 7000, AUTHORITY),
        )
    ]

    assert len(set(checksums)) == 4


def test_an_authority_of_the_stack_s_own_is_part_of_the_checksum() -> None:
    def digest_with(authority: str) -> object:
        def program() -> dict[str, object]:
            known_later = pulumi.Output.from_input(authority)
            return dict(tunnel_checksum(redis_through(Tunnel("a.example.com", 7000, known_later))))

        return run(program).outputs["tunnels"]

    assert digest_with("one") == digest_with("one")
    assert digest_with("one") != digest_with("two")


def test_sidecars_come_from_the_registry_that_the_platform_names() -> None:
    context = context_of(prod_with(platform={"imageRegistry": "registry.example.com"}))

    images = [str(sidecar.image) for sidecar in tunnel_sidecars(context, BOTH)]

    assert images[0].startswith("registry.example.com/library/haproxy:")
    assert images[1].startswith("registry.example.com/mysql/community-router:")


PULSAR = replace(
    PLAIN,
    pulsar=PulsarEndpoint(
        "pulsar://127.0.0.1:6650",
        "http://127.0.0.1:8407",
        "eu",
        "cdp",
        PulsarTunnels(Tunnel("queue.example.com", 6651, None), Tunnel("admin.example.com", 443, None)),
    ),
)


def test_both_ways_to_pulsar_are_verified_by_their_own_names() -> None:
    text = str(tunnel_files(PULSAR)["pulsar.cfg"])
    servers = [line for line in text.splitlines() if line.strip().startswith("server ")]

    for line, host, port in zip(servers, ("queue.example.com", "admin.example.com"), (6651, 443), strict=True):
        assert f" {host}:{port} ssl verify required ca-file @system-ca verifyhost {host} sni str({host}) " in line
    assert "bind 127.0.0.1:6650\n" in text
    assert "bind 127.0.0.1:8407\n" in text
    # Whoever serves several names is asked for the right one.
    assert "http-request set-header Host admin.example.com\n" in text


def test_a_sidecar_to_pulsar_tells_at_a_port_of_its_own_that_it_lives(context: Context) -> None:
    redis, pulsar = tunnel_sidecars(context, replace(PULSAR, redis=REDIS.redis))

    assert (redis.name, pulsar.name) == ("redis-tunnel", "pulsar-tunnel")
    assert not {*redis.ports} & {*pulsar.ports}
    assert not {*redis.ports.values()} & {*pulsar.ports.values()}


def test_an_authority_of_ones_own_verifies_pulsar() -> None:
    assert PULSAR.pulsar is not None
    assert PULSAR.pulsar.tunnels is not None
    ends = PULSAR.pulsar.tunnels
    tunnels = PulsarTunnels(replace(ends.queue, authority=AUTHORITY), replace(ends.api, authority=AUTHORITY))
    files = tunnel_files(replace(PULSAR, pulsar=replace(PULSAR.pulsar, tunnels=tunnels)))

    assert files["pulsar-ca.crt"] == AUTHORITY
    assert str(files["pulsar.cfg"]).count("ca-file /etc/tunnels/pulsar-ca.crt ") == 2
