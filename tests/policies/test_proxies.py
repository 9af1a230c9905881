"""Proxies: what decides what they do, and what they may be told; everything else cannot be judged."""

import pytest

from policies.pack.resources import raw_resources
from policies.pack.rules.separation import entries_can_be_followed
from policies.pack.stack import StackView
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State
from tests.unit.engine import JsonObject

FOLLOWED = "entries-can-be-followed"
TRACK_BALANCER = "Deployment tracardi-track/track-balancer"
SERVER = "server-template instance"


def unfollowed(state: State) -> str:
    """What the pack says about a way that it cannot follow."""
    rule = entries_can_be_followed
    view = StackView(raw_resources(state.analysed()))
    return "\n".join(rule.message(finding) for finding in rule.check(view, rule.values({})))


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("    no strict-limits", "    lua-load /tmp/evil.lua"),
        ("    no strict-limits", "    setenv PATH /tmp"),
        ("    no strict-limits", "    stats socket ipv4@0.0.0.0:9999 level admin"),
        ("    no strict-limits", "    stats socket :9999"),
        ("    no strict-limits", "    stats socket /tmp/admin expose-fd listeners"),
        ("    no strict-limits", "    server-state-file /tmp/state"),
        ("    no strict-limits", "    external-check"),
        ("    no strict-limits", "    module-load evil"),
        ("    option dontlognull", "    load-server-state-from-file global"),
        ("    option dontlognull", "    option transparent"),
        ("    option dontlognull", "    option http_proxy"),
        ("    option dontlognull", "    option accept-invalid-http-request"),
        ("    option dontlognull", "    option accept-unsafe-violations-in-http-request"),
        ("    option dontlognull", "    no http-request deny"),
        ("    default_backend instances", "    dispatch 10.0.0.9:80"),
        ("    default_backend instances", "    filter spoe engine evil config /tmp/spoe.cfg"),
        ("    default_backend instances", "    http-request lua.evil"),
        ("    default_backend instances", "    http-request add-acl(x) %[path]"),
        ("    default_backend instances", "    http-request set-map(x) %[path] y"),
        ("    default_backend instances", "    http-request send-spoe-group x y"),
        ("    default_backend instances", "    tcp-request content switch-mode http"),
        ("    default_backend instances", "    tcp-request content lua.evil"),
        ("    default_backend instances", "    tcp-request elsewhere accept"),
        ("    default_backend instances", "    http-response lua.evil"),
        ("    default_backend instances", "    bind :9443 namespace other"),
        ("    default_backend instances", "    bind :9443 expose-fd listeners"),
        ("    balance roundrobin", "    use-fcgi-app php"),
        ("    balance roundrobin", "    default-server init-addr 10.0.0.9"),
        ("    balance roundrobin", "    default-server init-addr last,libc"),
        ("    balance roundrobin", "    default-server socks4 10.0.0.9:1080"),
        ("    balance roundrobin", "    source 0.0.0.0 usesrc clientip"),
        ("    balance roundrobin", "    server other track-api:8080 track instances/instance1"),
        ("    balance roundrobin", "    server other track-api:8080 redir https://elsewhere.example.com"),
        ("    parse-resolv-conf", "    nameserver other 203.0.113.1:53"),
    ],
)
def test_a_word_whose_effect_is_not_known_is_refused(prod: State, place: str, line: str) -> None:
    assert unfollowed(prod) == ""
    prod.edit("track-balancer", f"{place}\n", f"{place}\n{line}\n")

    assert "which these rules do not follow" in unfollowed(prod)


@pytest.mark.parametrize("section", ["program evil\n    command /tmp/evil", "peers far\n    bind :10000", "fcgi-app x"])
def test_a_section_whose_effect_is_not_known_is_refused(prod: State, section: str) -> None:
    prod.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] += f"\n{section}\n"

    assert "which these rules do not follow" in unfollowed(prod)


@refused(FOLLOWED, "cannot be judged: two sections backend instances")
def test_two_backends_of_one_name(state: State) -> None:
    state.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] += "\nbackend instances\n    server a gui:8080\n"


@pytest.mark.parametrize(
    "line",
    [
        "stats enable",
        "stats uri /admin",
        "stats admin if TRUE",
        "http-request use-service prometheus-exporter if { path /track }",
        "http-request return file /etc/haproxy/certs/tls.crt.key if { path /track }",
        "http-request deny deny_status 404 content-type text/plain lf-file /etc/haproxy/certs/tls.crt.key if FALSE",
        "http-response deny deny_status 404 file /etc/haproxy/certs/tls.crt.key if FALSE",
    ],
)
@pytest.mark.parametrize("place", ["    default_backend instances", "    balance roundrobin", "    option dontlognull"])
def test_what_a_proxy_answers_by_itself_is_refused(prod: State, place: str, line: str) -> None:
    prod.edit("track-balancer", f"{place}\n", f"{place}\n    {line}\n")

    assert "of its HAProxy answers by itself" in unfollowed(prod)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"env": [{"name": "PATH", "value": "/elsewhere"}]}, "its variable PATH decides what it runs"),
        ({"env": [{"name": "LD_PRELOAD", "value": UNKNOWN}]}, "its variable LD_PRELOAD decides"),
        ({"env": [{"name": UNKNOWN, "value": "1"}]}, "a variable that cannot be seen"),
        ({"envFrom": [{"secretRef": {"name": "any"}}]}, "takes variables from where they cannot be seen"),
        ({"envFrom": [{"configMapRef": {"name": "elsewhere"}}]}, "takes variables from where they cannot be seen"),
        (
            {"lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "haproxy -f /elsewhere/x"]}}}},
            "postStart runs sh",
        ),
        ({"lifecycle": {"preStop": {"exec": {"command": ["haproxy", "-f", "/elsewhere/x"]}}}}, "preStop runs haproxy"),
        ({"lifecycle": {"preStop": {"exec": {"command": UNKNOWN}}}}, "preStop runs something that cannot be seen"),
        ({"lifecycle": {"preStop": UNKNOWN}}, "preStop cannot be seen"),
        ({"lifecycle": UNKNOWN}, "its lifecycle cannot be seen"),
        ({"env": UNKNOWN}, "its env cannot be seen"),
        ({"envFrom": UNKNOWN}, "its envFrom cannot be seen"),
        ({"livenessProbe": {"exec": {"command": ["sh", "/elsewhere/x"]}}}, "livenessProbe runs sh"),
        ({"startupProbe": {"exec": {"command": ["env", "sh"]}}}, "startupProbe runs env"),
    ],
)
def test_what_else_decides_what_a_proxy_runs_is_refused(prod: State, change: JsonObject, problem: str) -> None:
    prod.container("track-balancer").update(change)

    assert problem in unfollowed(prod)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"hostAliases": [{"ip": "10.0.0.9", "hostnames": ["track-api"]}]}, "host names of their own"),
        ({"hostAliases": UNKNOWN}, "host names of their own"),
        ({"dnsConfig": {"nameservers": ["203.0.113.1"]}}, "resolve names in their own way"),
        ({"dnsConfig": {"searches": ["tracardi-console.svc.cluster.local"]}}, "resolve names in their own way"),
        ({"dnsConfig": UNKNOWN}, "resolve names in their own way"),
        ({"shareProcessNamespace": True}, "share their processes"),
    ],
)
def test_pods_that_find_servers_in_their_own_way_are_refused(prod: State, change: JsonObject, problem: str) -> None:
    prod.pod("track-balancer").update(change)

    assert problem in unfollowed(prod)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/usr/local/sbin", "/usr/local/sbin is mounted over programs"),
        ("/usr", "/usr is mounted over programs"),
        ("/", "/ is mounted over programs"),
        ("/etc", "/etc is mounted over programs"),
        ("bin/sh", "/bin/sh is mounted over programs"),
        ("/etc/ld.so.preload", "/etc/ld.so.preload is mounted over programs"),
        ("/etc/x/../haproxy/haproxy.cfg", "no ConfigMap of the stack holds /etc/haproxy/haproxy.cfg"),
        ("etc/haproxy/haproxy.cfg", "no ConfigMap of the stack holds /etc/haproxy/haproxy.cfg"),
        ("//etc//haproxy/haproxy.cfg", "no ConfigMap of the stack holds /etc/haproxy/haproxy.cfg"),
    ],
)
def test_what_is_mounted_over_programs_or_files_is_seen(prod: State, path: str, problem: str) -> None:
    prod.container("track-balancer")["volumeMounts"].append({"name": "tmp", "mountPath": path})

    assert problem in unfollowed(prod)


def projected(state: State, *further: JsonObject) -> None:
    """Have several sources make up the folder that the balancer reads."""
    sources = [{"configMap": {"name": "track-balancer"}}, *further]
    state.pod("track-balancer")["volumes"][0] = {"name": "configuration", "projected": {"sources": sources}}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"secret": {"name": "any"}}, "no ConfigMap of the stack holds"),
        ({"secret": {"name": "any", "items": [{"key": "a", "path": "haproxy.cfg"}]}}, "the content of"),
        ({"secret": {"name": "any", "items": [{"key": "a", "path": UNKNOWN}]}}, "no ConfigMap of the stack holds"),
        ({"configMap": {"name": "elsewhere"}}, "no ConfigMap of the stack holds"),
        ({"configMap": {"name": "track-balancer"}}, "the content of"),
        ({"configMap": {"name": "elsewhere", "items": [{"key": "a", "path": "haproxy.cfg"}]}}, "the content of"),
        ({"downwardAPI": {"items": [{"path": "haproxy.cfg", "fieldRef": {}}]}}, "the content of"),
        ({"serviceAccountToken": {"path": "haproxy.cfg"}}, "the content of"),
        ({"podCertificate": {"keyPath": "haproxy.cfg"}}, "no ConfigMap of the stack holds"),
        ({}, "no ConfigMap of the stack holds"),
    ],
)
def test_a_source_that_may_hold_the_same_file_is_refused(prod: State, source: JsonObject, problem: str) -> None:
    projected(prod, source)

    assert problem in unfollowed(prod)


@accepted(FOLLOWED)
def test_a_source_that_holds_another_file(state: State) -> None:
    projected(state, {"secret": {"name": "track-balancer-tls", "items": [{"key": "tls.crt", "path": "other.pem"}]}})


@refused(FOLLOWED, "the content of /etc/haproxy/more.cfg cannot be seen")
def test_a_folder_with_a_file_in_binary_form(state: State) -> None:
    state.inputs("ConfigMap", "track-balancer")["binaryData"] = {"more.cfg": "ZnJvbnRlbmQgZXZpbA=="}
    state.container("track-balancer")["command"][-1] = "/etc/haproxy"


@refused(FOLLOWED, f"{TRACK_BALANCER} its HAProxy configuration cannot be judged: no ConfigMap of the stack holds")
def test_two_volumes_of_one_name(state: State) -> None:
    state.pod("track-balancer")["volumes"].append({"name": "configuration", "configMap": {"name": "track-balancer"}})


@accepted(FOLLOWED)
def test_words_that_change_no_way(state: State) -> None:
    state.edit(
        "track-balancer", "    no strict-limits\n", "    no strict-limits\n    stats socket /run/admin mode 600\n"
    )
    state.edit("track-balancer", "    balance roundrobin\n", "    balance leastconn\n    option log-health-checks\n")
    state.edit("track-balancer", "    option dontlognull\n", "    option dontlognull\n    compression algo gzip\n")
    state.container("track-balancer")["env"] = [{"name": "TZ", "value": "UTC"}]
    state.pod("track-balancer")["dnsConfig"] = {"options": [{"name": "ndots", "value": "2"}]}


@accepted(FOLLOWED)
def test_a_proxy_that_waits_before_it_ends(state: State) -> None:
    state.container("track-balancer")["lifecycle"] = {"preStop": {"exec": {"command": ["/bin/sleep", "10"]}}}


@refused(FOLLOWED, "section entry leads to nowhere, which is nowhere")
def test_a_backend_that_is_not_there(state: State) -> None:
    state.edit("track-balancer", "    default_backend", "    use_backend nowhere\n    default_backend")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("    # nothing\u2028    http-request deny", "the character '\\u2028'"),
        ("    # nothing\x0b    http-request deny", "the character '\\x0b'"),
        ("    # nothing\r    http-request deny", "the character '\\r'"),
        ("    http-request\u00a0deny", "the character '\\xa0'"),
        (r"    use_backend \x69nstances", "a character by its code"),
        (r"    use_backend inst\tances", "a character by its code"),
    ],
)
def test_what_haproxy_reads_in_another_way_is_refused(prod: State, text: str, problem: str) -> None:
    prod.edit("track-balancer", "    default_backend instances\n", f"{text}\n    default_backend instances\n")

    assert problem in unfollowed(prod)


@accepted(FOLLOWED)
def test_a_configuration_with_the_line_ends_of_another_system(state: State) -> None:
    data = state.inputs("ConfigMap", "track-balancer")["data"]
    data["haproxy.cfg"] = data["haproxy.cfg"].replace("\n", "\r\n")
