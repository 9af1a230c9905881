"""Reading HAProxy's configuration: what listens, where it leads, and what its conditions let pass."""

import pytest

from policies.pack.programs.haproxy.clients import Told, client_lists, misplaced_trust
from policies.pack.programs.haproxy.conditions import path_lists
from policies.pack.programs.haproxy.configuration import Section, Target, parse
from policies.pack.programs.haproxy.verification import encrypted
from policies.pack.unreadable import UnreadableError

FRONTEND = "frontend entry\n    mode http\n"


def frontend(*lines: str) -> Section:
    (section,) = parse(FRONTEND + "\n".join(f"    {line}" for line in lines)).sections
    return section


def passing(section: Section, *paths: str) -> list[str]:
    """Those of `paths` that every allow list of `section` admits."""
    lists = list(path_lists(section))
    assert lists
    return [path for path in paths if all(any(entry.admit(path) for entry in members) for members in lists)]


def test_comments_and_quotes_are_read_as_haproxy_reads_them() -> None:
    section = frontend("acl a path '/with space' # not this", 'http-request deny if "a" # nor this')

    assert list(section.starting("acl")) == [("a", "path", "/with space")]
    assert list(section.starting("http-request")) == [("deny", "if", "a")]


def test_a_backslash_in_a_pattern_stays() -> None:
    section = frontend(r"acl a path_reg ^/t\.js$ # a comment", "http-request deny unless a")

    assert passing(section, "/t.js", "/tajs") == ["/t.js"]


@pytest.mark.parametrize(
    "text", ["", "bind :80\n", "frontend f\n  .if defined(X)\n", "frontend f\n  bind 'x\n", "backend b\n"]
)
def test_what_cannot_be_judged_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        parse(text)


@pytest.mark.parametrize(
    ("address", "ports"),
    [
        (":8443", [8443]),
        ("*:80,*:81", [80, 81]),
        ("[::]:443", [443]),
        ("0.0.0.0:8000-8002", [8000, 8001, 8002]),
    ],
)
def test_binds_say_their_ports(address: str, ports: list[int]) -> None:
    found = [port for bind in frontend(f"bind {address}").binds for port in bind.ports or ()]

    assert found == ports


@pytest.mark.parametrize("address", ["/var/run/socket", "fd@3", ":${PORT}"])
def test_a_bind_that_names_no_port_may_answer_on_any(address: str) -> None:
    configuration = parse(f"{FRONTEND}    bind {address}\n")

    assert [section.name for section, _ in configuration.listening_on(443)] == ["entry"]


def test_defaults_reach_the_sections_that_follow_them_or_name_them() -> None:
    configuration = parse(
        "defaults one\n  mode http\ndefaults two\n  mode tcp\nfrontend a\nfrontend b from one\n  bind :80\n"
    )

    assert {section.name: section.mode for section in configuration.of("frontend")} == {"a": "tcp", "b": "http"}
    assert parse(FRONTEND).sections[0].mode == "http"
    assert parse("frontend a\n").sections[0].mode == "tcp"


def test_a_frontend_leads_to_the_backends_it_names() -> None:
    configuration = parse(
        f"{FRONTEND}    use_backend one if x\n    default_backend two\n"
        "backend one\n    server a one:80 check\nbackend two\n    server-template b 3 two:81\nbackend three\n"
    )
    behind = configuration.behind(configuration.of("frontend")[0])

    assert [target for section in behind for target in section.targets] == [Target("one", 80), Target("two", 81)]


@pytest.mark.parametrize("name", ["%[path]", "%HM", "one-%[path]", "on$e"])
def test_a_computed_backend_can_be_any(name: str) -> None:
    configuration = parse(f"{FRONTEND}    use_backend {name}\nbackend one\nbackend two\nlisten three\n")

    assert [section.name for section in configuration.behind(configuration.of("frontend")[0])] == [
        "one",
        "two",
        "three",
    ]


def test_a_listen_section_leads_to_its_own_servers_too() -> None:
    configuration = parse("listen a\n    server x here:80\n    use_backend b\nbackend b\n    server y there:81\n")
    hosts = {
        target.host for section in configuration.behind(configuration.of("listen")[0]) for target in section.targets
    }

    assert hosts == {"here", "there"}


@pytest.mark.parametrize(
    "condition",
    [
        "unless a or b",
        "unless a || b",
        "if !a !b",
        "if ! a !b",
        "unless a or { path /b }",
        "if !{ path /a } !{ path -m str /b }",
        "unless a x or b",
        "if x or !a !b",
    ],
)
def test_conditions_that_are_allow_lists(condition: str) -> None:
    section = frontend("acl a path /a", "acl b path_reg ^/b$", "acl x src 192.0.2.1", f"http-request deny {condition}")

    assert passing(section, "/a", "/b", "/c", "/a/b") == ["/a", "/b"]


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "if a",
        "unless !a",
        "unless a or x",
        "unless x",
        "unless unknown",
        "if !a x",
        "if !a !x",
        "unless { path -f /list }",
        "unless { path -m dom a }",
        "unless { path }",
    ],
)
def test_conditions_that_are_no_allow_lists(condition: str) -> None:
    section = frontend("acl a path /a", "acl x src 192.0.2.1", f"http-request deny {condition}")

    assert list(path_lists(section)) == []


def test_acls_of_one_name_add_up() -> None:
    section = frontend("acl a path /a", "acl a path_beg -i /B", "http-request deny unless a")

    assert passing(section, "/a", "/A", "/b/c", "/c") == ["/a", "/b/c"]


def test_an_acl_with_a_part_that_is_not_understood_is_no_list() -> None:
    section = frontend("acl a path /a", "acl a always_true", "http-request deny unless a")

    assert list(path_lists(section)) == []


def test_a_pattern_that_cannot_be_read_may_match_anything() -> None:
    assert passing(frontend("http-request deny unless { path_reg ^/(a }"), "/x") == ["/x"]


@pytest.mark.parametrize(
    "line",
    [
        "tcp-request connection reject unless known",
        "tcp-request session reject unless known",
        "tcp-request content reject if !known",
        "http-request deny deny_status 403 unless known",
        "http-request silent-drop unless { src 192.0.2.0/24 2001:db8::/32 }",
    ],
)
def test_lists_of_client_networks(line: str) -> None:
    (found,) = client_lists(frontend("acl known src 192.0.2.0/24 2001:db8::/32", line))

    assert [str(network) for network in found.networks] == ["192.0.2.0/24", "2001:db8::/32"]


@pytest.mark.parametrize("definition", ["src -f /list", "src", "hdr(x-real-ip) 192.0.2.1", "src localhost"])
def test_lists_of_client_networks_that_cannot_be_read(definition: str) -> None:
    section = frontend(f"acl known {definition}", "tcp-request connection reject unless known")

    assert list(client_lists(section)) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("tcp-request session reject unless known", [Told.CONNECTION]),
        ("http-request set-src req.hdr_ip(x)\n    http-request deny unless known", [Told.HEADER]),
        ("http-request deny unless known\n    http-request set-src req.hdr_ip(x)", [Told.CONNECTION]),
        ("tcp-request connection expect-proxy layer4\n    tcp-request connection reject unless known", []),
        ("tcp-request connection set-src src\n    tcp-request connection reject unless known", []),
        ("tcp-request session accept if x\n    tcp-request session reject unless known", []),
        ("http-request allow\n    http-request deny unless known", []),
    ],
)
def test_lists_judge_the_address_that_is_known_where_they_stand(line: str, told: list[Told]) -> None:
    section = frontend("acl known src 192.0.2.0/24", *line.split("\n    "))

    assert [found.told for found in client_lists(section)] == told


@pytest.mark.parametrize(
    ("line", "trusting"),
    [
        ("tcp-request connection expect-proxy layer4 if { src 192.0.2.0/24 }", False),
        ("tcp-request connection expect-proxy layer4 if { src 192.0.2.1 } or { src 192.0.2.2 }", False),
        ("tcp-request connection expect-proxy layer4 if known other", False),
        ("tcp-request connection expect-proxy layer4", True),
        ("tcp-request connection expect-proxy layer4 unless { src 192.0.2.0/24 }", True),
        ("tcp-request connection expect-proxy layer4 if known or other", True),
        ("tcp-request connection expect-netscaler-cip layer4", True),
    ],
)
def test_only_known_proxies_are_believed(line: str, trusting: bool) -> None:  # noqa: FBT001 - what is expected
    section = frontend("bind :443", "acl known src 192.0.2.0/24", "acl other method GET", line)

    assert bool(list(misplaced_trust(section, section.binds[0]))) is trusting


@pytest.mark.parametrize("address", ["127.0.0.1:6379", "127.8.0.1:6379", "[::1]:6379"])
def test_nobody_outside_reaches_a_bind_to_loopback(address: str) -> None:
    assert parse(f"{FRONTEND}    bind {address}\n").listening_on(6379) == ()


def test_servers_take_over_what_was_said_before_them() -> None:
    first, second = (
        parse(
            "defaults\n  default-server ssl\nfrontend f\nbackend b\n"
            "  server one a:1\n  default-server check\n  server two b:2 no-ssl\n"
        )
        .of("backend")[0]
        .servers
    )

    assert (first.parameters, second.parameters) == (("ssl",), ("ssl", "check", "no-ssl"))
    assert (encrypted(first), encrypted(second)) == (True, False)


def test_only_sections_that_serve_take_over_defaults() -> None:
    sections = parse("defaults\n  mode http\nresolvers r\n  parse-resolv-conf\nfrontend f\n").sections

    assert [(section.keyword, section.lines) for section in sections[1:]] == [
        ("resolvers", (("parse-resolv-conf",),)),
        ("frontend", (("mode", "http"),)),
    ]
