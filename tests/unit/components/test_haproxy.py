"""The balancers' configuration: who may connect, whose address counts, what passes, and who answers."""

import re
from collections.abc import Mapping

import pytest

from components.haproxy import haproxy_configuration
from model.lifecycle import (
    DRAIN_SECONDS,
    GRACE_SECONDS,
    LOST_NODE_SECONDS,
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_CLIENT,
    MAX_REDIRECTS,
    MAX_REDIRECTS_PER_CLIENT,
    MAX_REQUESTS_PER_CLIENT,
    MAX_REQUESTS_PER_INSTANCE,
    QUEUE_TIMEOUT_SECONDS,
    SERVER_TIMEOUT_SECONDS,
)
from model.routes import Collection, routes
from tests.unit.components.entries import INSTANCES, TRUSTED, VERIFIED_INSTANCES, balancer_settings

Settings = Mapping[str, object]

DECLARED = ["198.51.100.0/28", "2001:db8:2::/64"]
PROXY_PROTOCOL = {"service": {"proxyProtocol": DECLARED}}
DUAL_STACK = {"service": {"ipFamilyPolicy": "PreferDualStack"}}
MODES: tuple[Settings, ...] = ({}, PROXY_PROTOCOL, DUAL_STACK)


def gateway(hops: int = 1) -> Settings:
    return {
        "mode": "gateway",
        "gateway": {"className": "example", "proxies": {"namespace": "gateways"}, "trustedHops": hops},
    }


ALL_MODES: tuple[Settings, ...] = (*MODES, gateway())


def sections(settings: Settings, *, public: bool = False, verified: bool = False) -> dict[str, list[str]]:
    text = haproxy_configuration(
        "entry.example.com",
        VERIFIED_INSTANCES if verified else INSTANCES,
        balancer_settings(**settings),
        routes=routes(frozenset(Collection)) if public else (),
        trusted=() if public else TRUSTED,
    )
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line[:1].isalpha():
            name = line
            found[name] = []
        elif line.strip() and not line.strip().startswith("#"):
            found[name].append(line.strip())
    return found


def entries(found: dict[str, list[str]]) -> list[list[str]]:
    return [found["frontend plain"], found["frontend entry"]]


def test_an_entry_open_to_everything_and_everybody_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="neither routes nor trusted networks"):
        haproxy_configuration("x.example.com", INSTANCES, balancer_settings())


def test_strangers_are_turned_away_before_anything_else() -> None:
    for lines in entries(sections({})):
        assert lines[1:3] == [
            f"acl trusted src {' '.join(TRUSTED)}",
            "tcp-request connection reject unless trusted",
        ]


def test_only_declared_addresses_speak_the_proxy_protocol() -> None:
    for public in (True, False):
        found = sections(PROXY_PROTOCOL, public=public)
        for lines in entries(found):
            told = [line for line in lines if "expect-proxy" in line]
            assert told == [f"tcp-request connection expect-proxy layer4 if {{ src {' '.join(DECLARED)} }}"]
        assert not [line for lines in found.values() for line in lines if "accept-proxy" in line]


def test_where_the_client_s_address_is_told_it_is_judged_after_that() -> None:
    """At the connection, the address is still that of the cloud's balancer."""
    for lines in entries(sections(PROXY_PROTOCOL)):
        assert "tcp-request session reject unless trusted" in lines
        assert not [line for line in lines if line.startswith("tcp-request connection reject")]


def test_nobody_tells_addresses_unless_it_is_declared() -> None:
    found = sections({})
    assert not [line for lines in found.values() for line in lines if "proxy layer4" in line or "set-src" in line]


def test_clients_of_both_families_are_served_and_keep_their_kind_of_address() -> None:
    """One socket for both would show IPv4 clients as ::ffff:…, to Tracardi and in the log."""
    found = sections(DUAL_STACK)
    for frontend, port in (("metrics", 8404), ("plain", 8081), ("entry", 8443)):
        (bind,) = [line for line in found[f"frontend {frontend}"] if line.startswith("bind ")]
        assert bind.startswith(f"bind :{port},[::]:{port} v6only")


def test_pods_without_ipv6_are_not_asked_to_listen_on_it() -> None:
    assert not [line for lines in sections({}).values() for line in lines if "[::]" in line]


@pytest.mark.parametrize("hops", [1, 3])
def test_behind_a_gateway_the_client_is_the_address_that_trusted_proxies_told(hops: int) -> None:
    lines = sections(gateway(hops))["frontend entry"]
    steps = [
        "http-request deny deny_status 400 if { req.fhdr(x-forwarded-for) -m sub '\"' }",
        f"http-request set-var(txn.client) req.hdr_ip(x-forwarded-for,-{hops})",
        "http-request deny deny_status 400 unless { var(txn.client) -m found }",
        "http-request set-src var(txn.client)",
        "http-request deny deny_status 403 unless trusted",
        "http-request track-sc0 src,ipmask(32,64)",
        "http-request set-header X-Forwarded-For %[src]",
    ]
    positions = [lines.index(step) for step in steps]

    assert positions == sorted(positions)
    assert next(line for line in lines if line.startswith("http-request")) == steps[0]
    assert f"acl trusted src {' '.join(TRUSTED)}" in lines


def test_behind_a_gateway_no_connection_is_judged_by_the_gateway_s_own_address() -> None:
    for public in (True, False):
        found = sections(gateway(), public=public)
        assert not [line for lines in found.values() for line in lines if line.startswith("tcp-request")]


def test_behind_a_gateway_nothing_listens_in_plain_text_but_metrics() -> None:
    """The Gateway itself redirects to https."""
    found = sections(gateway())
    binds = [line for lines in found.values() for line in lines if line.startswith("bind ")]
    assert "frontend plain" not in found
    assert sorted(bind.split()[1] for bind in binds if " ssl " not in bind) == [":8404"]


@pytest.mark.parametrize("settings", ALL_MODES)
def test_every_list_and_limit_stays_in_every_mode(settings: Settings) -> None:
    lines = sections(settings, public=True)["frontend entry"]
    for status in (413, 421, 429, 404, 405):
        assert [line for line in lines if line.startswith(f"http-request deny deny_status {status} ")], status
    trusted = sections(settings)["frontend entry"]
    assert [line for line in trusted if line.endswith(" unless trusted")]


@pytest.mark.parametrize("settings", ALL_MODES)
def test_no_address_that_a_client_claims_reaches_an_instance(settings: Settings) -> None:
    lines = sections(settings)["frontend entry"]
    for header in ("Forwarded", "X-Real-IP"):
        assert f"http-request del-header {header}" in lines
    assert "http-request set-header X-Forwarded-For %[src]" in lines
    assert not [line for line in lines if "add-header" in line]


def test_instances_are_verified_before_they_get_traffic_or_count_as_healthy() -> None:
    (tls,) = [line for line in sections({}, verified=True)["backend instances"] if " ssl " in line]
    assert tls.startswith("default-server ssl verify required ca-file /etc/haproxy/upstream/ca.crt ")
    assert f" verifyhost {INSTANCES.host} " in tls
    # With it, a request that meets an instance of another name fails, though others could answer it.
    assert "sni" not in tls
    # Nor may an earlier connection vouch for the next.
    assert " no-ssl-reuse " in tls
    # HAProxy speaks HTTP/1.1 to instances, and must not agree to anything else.
    assert tls.endswith("alpn http/1.1 check-alpn http/1.1")


def test_old_tls_is_refused_on_both_sides() -> None:
    lines = sections({}, verified=True)["global"]
    for side in ("bind", "server"):
        assert f"ssl-default-{side}-options ssl-min-ver TLSv1.2 no-tls-tickets" in lines


def test_instances_that_speak_plain_text_are_not_asked_for_a_certificate() -> None:
    assert not [line for line in sections({})["backend instances"] if "ssl" in line]


@pytest.mark.parametrize("settings", ALL_MODES)
def test_with_tls_inside_metrics_show_the_certificate_of_the_entry(settings: Settings) -> None:
    found = sections(settings, verified=True)
    (metrics,) = [line for line in found["frontend metrics"] if line.startswith("bind ")]
    plain = [name for name, lines in found.items() for line in lines if line.startswith("bind ") and "ssl" not in line]

    assert metrics.endswith(" ssl crt /etc/haproxy/certs/tls.crt")
    assert set(plain) <= {"frontend plain"}


@pytest.mark.parametrize("settings", ALL_MODES)
def test_metrics_are_on_their_own_port_alone(settings: Settings) -> None:
    found = sections(settings)
    assert "http-request use-service prometheus-exporter if { path /metrics }" in found.pop("frontend metrics")
    assert not [line for lines in found.values() for line in lines if "prometheus" in line or "stats" in line]


def test_logs_carry_nothing_that_a_visitor_sent_but_method_path_and_version() -> None:
    lines = [line for lines in sections({}).values() for line in lines]
    (log_format,) = [line for line in lines if "log-format" in line]
    variables = set(re.findall(r"%\[?\{?[^\s\]:/\"|]*", log_format.split(" ", 1)[1]))

    # Path without query, method and version; the rest is about the connection, times, sizes and counters.
    assert {"%HM", "%HPO", "%HV"} <= variables
    about_the_request = {name for name in variables if name.startswith("%H") or "req" in name or "capture" in name}
    assert about_the_request == {"%HM", "%HPO", "%HV"}
    assert not {"%r", "%hr", "%hs", "%hrl", "%hsl", "%CC", "%CS", "%ID"} & variables
    assert not [line for line in lines if "capture" in line or line == "option httplog"]


def test_a_reload_closes_no_connection_that_a_client_is_about_to_use() -> None:
    """Without it, the worker that a renewed certificate replaces cuts idle connections off."""
    assert "option idle-close-on-response" in sections({})["defaults"]


def test_connections_to_a_lost_instance_are_closed_before_another_one_has_its_slot() -> None:
    defaults = sections({})["defaults"]
    idle, interval, count = (
        int(line.split()[1].removesuffix("s"))
        for name in ("idle", "intvl", "cnt")
        for line in defaults
        if line.startswith(f"srvtcpka-{name} ")
    )

    assert "option srvtcpka" in defaults
    assert idle + interval * count < LOST_NODE_SECONDS


# Instances: how they are found, judged and spared


def test_instances_are_found_by_names_that_are_asked_again_all_the_time() -> None:
    """At its start a balancer waits for nobody; the answer may hold hundreds of addresses."""
    found = sections({})

    assert "parse-resolv-conf" in found["resolvers cluster"]
    assert "accepted_payload_size 8192" in found["resolvers cluster"]
    assert "hold valid 1s" in found["resolvers cluster"]
    (server,) = [line for line in found["backend instances"] if line.startswith("default-server check ")]
    assert server.endswith(" resolvers cluster resolve-prefer ipv4 init-addr libc,none")


def test_an_instance_that_fails_its_check_gets_nothing() -> None:
    lines = sections({})["backend instances"]

    assert "option httpchk" in lines
    assert f"http-check send meth GET uri /healthcheck ver HTTP/1.1 hdr Host {INSTANCES.host}" in lines
    assert "http-check expect status 200" in lines
    (server,) = [line for line in lines if line.startswith("default-server check ")]
    assert " inter 2s fall 3 rise 1 " in server


@pytest.mark.parametrize("settings", ALL_MODES)
def test_a_balancer_has_started_with_the_first_instance_that_answers_its_check_as_expected(settings: Settings) -> None:
    found = sections(settings)
    checks = [line for line in found["backend instances"] if line.startswith("http-check ")]
    started = [line for line in found["frontend metrics"] if "/startupz" in line]

    # Only what passed what is expected reaches the line after it.
    assert checks[-2:] == ["http-check expect status 200", "http-check set-var(proc.reached) bool(true)"]
    assert started == [
        "http-request return status 200 if { path /startupz } { var(proc.reached) -m bool }",
        "http-request deny deny_status 503 if { path /startupz }",
    ]
    # Whether it lives is another question: no restart would help.
    assert "monitor-uri /healthz" in found["frontend metrics"]


@pytest.mark.parametrize("replicas", [1, 2, 3, 20])
def test_an_instance_gets_no_more_requests_than_it_can_answer_and_the_rest_is_told_soon(replicas: int) -> None:
    """Tracardi itself queues whatever comes, and sheds nothing."""
    found = sections({"replicas": replicas})
    (server,) = [line for line in found["backend instances"] if line.startswith("default-server check ")]
    limit = re.search(r" maxconn (\d+) ", server)

    assert limit
    assert int(limit.group(1)) * replicas <= MAX_REQUESTS_PER_INSTANCE
    assert int(limit.group(1)) * (replicas + 1) >= MAX_REQUESTS_PER_INSTANCE * 3 // 4
    assert f"timeout queue {QUEUE_TIMEOUT_SECONDS}s" in found["defaults"]


def test_slow_clients_wait_outside_until_a_request_or_a_buffer_full_of_it_is_there() -> None:
    lines = sections({})["defaults"]

    assert "option http-buffer-request" in lines
    assert "timeout http-request 10s" in lines
    assert "timeout client 30s" in lines


def test_a_pod_ends_the_requests_that_it_has_within_its_grace() -> None:
    """The longest of them, and then by force: within what Kubernetes allows after the drain."""
    (limit,) = [line for line in sections({})["global"] if line.startswith("hard-stop-after ")]
    seconds = int(limit.split()[1].removesuffix("s"))

    assert SERVER_TIMEOUT_SECONDS < seconds <= GRACE_SECONDS - DRAIN_SECONDS


@pytest.mark.parametrize("settings", ALL_MODES)
def test_instances_are_told_by_which_address_they_were_asked(settings: Settings) -> None:
    lines = sections(settings)["frontend entry"]

    assert "http-request set-header X-Forwarded-Proto https" in lines
    assert "http-request set-header X-Forwarded-Host entry.example.com" in lines


@pytest.mark.parametrize("settings", ALL_MODES)
def test_no_client_holds_many_instances_places_at_a_time(settings: Settings) -> None:
    """A body that arrives in drops holds its place for as long as the drops fall."""
    lines = sections(settings)["frontend entry"]
    told = f"http-request deny deny_status 429 if {{ sc_trackers(0) gt {MAX_REQUESTS_PER_CLIENT} }}"

    assert lines.index("http-request track-sc0 src,ipmask(32,64)") < lines.index(told)


def test_a_body_of_untold_length_is_refused() -> None:
    lines = sections({})["frontend entry"]

    assert "http-request deny deny_status 413 if { req.body_len gt 0 } !{ req.hdr(content-length) -m found }" in lines
    assert "http-request deny deny_status 413 if { req.hdr(transfer-encoding) -m found }" in lines


@pytest.mark.parametrize("settings", ALL_MODES)
def test_instances_read_the_same_path_and_host_as_the_balancer(settings: Settings) -> None:
    lines = sections(settings)["frontend entry"]
    whole = "http-request deny deny_status 400 unless { url_beg / } or { fc_http_major 2 } { url_beg https:// http:// }"

    assert whole in lines
    assert "http-request set-header Host entry.example.com" in lines


@pytest.mark.parametrize("settings", ALL_MODES)
def test_trailers_have_no_body_to_follow(settings: Settings) -> None:
    told = "http-request set-header Content-Length 0 if { fc_http_major 2 } !{ req.hdr(content-length) -m found }"

    assert told in sections(settings)["frontend entry"]


def test_instances_are_remembered_while_dns_is_away_and_forgotten_when_dns_says_so() -> None:
    lines = sections({})["resolvers cluster"]

    assert {"hold other 1h", "hold timeout 1h", "hold refused 1h"} <= set(lines)
    assert {"hold nx 10s", "hold obsolete 5s"} <= set(lines)


@pytest.mark.parametrize(("settings", "layer"), [({}, "connection"), (PROXY_PROTOCOL, "session")], ids=["seen", "told"])
def test_one_address_cannot_have_all_connections(settings: Settings, layer: str) -> None:
    found = sections(settings, public=True)

    limits = {"plain": MAX_REDIRECTS_PER_CLIENT, "connections": MAX_CONNECTIONS_PER_CLIENT}
    for lines, (table, limit) in zip(entries(found), limits.items(), strict=True):
        counted = lines.index(f"tcp-request {layer} track-sc1 src,ipmask(32,64) table {table}")
        assert lines[counted + 1] == f"tcp-request {layer} reject if {{ sc_conn_cur(1) gt {limit} }}"
    for section in ("frontend plain", "backend connections"):
        assert "stick-table type ipv6 size 200k expire 30s store conn_cur" in found[section]


def test_one_address_cannot_have_more_than_a_part_of_the_redirects() -> None:
    assert f"maxconn {MAX_REDIRECTS}" in sections({}, public=True)["frontend plain"]
    assert MAX_REDIRECTS_PER_CLIENT * 10 <= MAX_REDIRECTS


@pytest.mark.parametrize("settings", ALL_MODES)
def test_addresses_of_one_ipv6_network_count_as_one_and_ipv4_addresses_each(settings: Settings) -> None:
    """Spelled as IPv6, as some proxies tell them, all IPv4 addresses would be in one network of 64 bits."""
    lines = [line for lines in sections(settings, public=True).values() for line in lines if "track-sc" in line]
    assert lines
    for spelled, told in zip(lines[::2], lines[1::2], strict=True):
        assert " src,ipmask(32,64)" in told
        assert spelled == f"{told.replace(',ipmask(32,64)', '')} if {{ src ::ffff:0:0/96 }}"


def test_connections_behind_a_gateway_are_not_counted_by_the_address_of_the_gateway() -> None:
    assert not any("track-sc1" in line for line in sections(gateway(), public=True)["frontend entry"])


@pytest.mark.parametrize("settings", ALL_MODES)
def test_probes_and_metrics_have_connections_that_clients_cannot_take(settings: Settings) -> None:
    found = sections(settings, public=True)

    (of_all,) = (int(line.split()[1]) for line in found["global"] if line.startswith("maxconn"))
    of_clients = [int(line.split()[1]) for lines in found.values() for line in lines if line.startswith("maxconn")]
    assert f"maxconn {MAX_CONNECTIONS}" in found["frontend entry"]
    assert sum(of_clients) - of_all < of_all
    assert not any(line.startswith("maxconn") for line in found["frontend metrics"])
