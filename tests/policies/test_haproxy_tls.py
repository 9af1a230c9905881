"""HAProxy's TLS as the rules read it: what a bind line accepts, which ciphers it offers, and whom it answers for."""

import pytest

from policies.pack.programs.haproxy.ciphers import weak_cipher, weak_suite
from policies.pack.programs.haproxy.configuration import Section, parse
from policies.pack.programs.haproxy.hosts import insisted_hosts
from policies.pack.programs.haproxy.listening import encrypts, only_redirects, only_reports_health, weakness

STRONG = "ssl-default-bind-options ssl-min-ver TLSv1.2"


def judged(parameters: str, options: str = STRONG) -> str | None:
    """What the rules have against a bind line."""
    configuration = parse(f"global\n  {options}\n\nfrontend f\n  mode http\n  bind :8443 {parameters}\n")
    (frontend,) = configuration.of("frontend")
    return weakness(configuration, frontend.binds[0])


@pytest.mark.parametrize(
    "parameters",
    [
        "ssl crt a",
        "ssl crt a no-tlsv12",
        "ssl crt a ssl-min-ver TLSv1.3",
        "ssl crt a force-tlsv13",
        "crt a ssl alpn h2 strict-sni",
        "ssl default-crt a",
        "ssl crt a verify required ca-file b",
    ],
)
def test_strong_binds_are_accepted(parameters: str) -> None:
    assert judged(parameters) is None


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ("ssl", "has no certificate"),
        ("ssl crt-list a", "has crt-list, which these rules do not follow"),
        ("ssl crt a crt-ignore-err all", "has crt-ignore-err, which these rules do not follow"),
        ("ssl crt a ca-ignore-err all", "has the parameter ca-ignore-err, which these rules do not know"),
        ("ssl crt a allow-0rtt", "has the parameter allow-0rtt, which these rules do not know"),
        ("ssl crt a generate-certificates", "has the parameter generate-certificates, which these rules do not know"),
        ("ssl crt a force-sslv3", "accepts SSLv3"),
        ("ssl crt a force-tlsv10", "accepts TLSv1.0"),
        ("ssl crt a ssl-min-ver SSLv3", "accepts SSLv3"),
        ("ssl crt a ssl-min-ver TLSv1.3 ssl-min-ver TLSv1.1", "accepts TLSv1.1"),
        ("ssl crt a ssl-max-ver TLSv1.0", "accepts TLSv1.0 at most"),
        ("ssl crt a ssl-min-ver tlsv1.2", "accepts tlsv1.2"),
        ("ssl crt a ciphers ALL", "offers ALL in its ciphers, which is weak or not known to these rules"),
        ("ssl crt a ciphersuites TLS_SHA256_SHA256", "offers TLS_SHA256_SHA256 in its ciphersuites"),
    ],
)
def test_weak_binds_are_not(parameters: str, problem: str) -> None:
    assert (judged(parameters) or "").startswith(problem)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("maxconn 1", "does not say the oldest TLS version that it accepts"),
        ("ssl-default-bind-options no-tlsv13", "does not say the oldest TLS version that it accepts"),
        (f"{STRONG} ssl-max-ver TLSv1.1", "accepts TLSv1.1 at most"),
        (f"{STRONG} force-tlsv11", "accepts TLSv1.1"),
        (f"ssl-default-bind-options ssl-min-ver TLSv1.0\n  {STRONG}", "accepts TLSv1.0"),
        (f"{STRONG}\n  ssl-default-bind-ciphers HIGH", "offers HIGH in its ciphers"),
        (f"{STRONG}\n  ssl-default-bind-ciphersuites TLS_NULL", "offers TLS_NULL in its ciphersuites"),
    ],
)
def test_what_holds_for_every_bind_is_judged(options: str, problem: str) -> None:
    assert (judged("ssl crt a", options) or "").startswith(problem)


def test_what_is_said_after_a_line_has_no_effect_on_it() -> None:
    configuration = parse(f"frontend f\n  bind :8443 ssl crt a\n\nglobal\n  {STRONG}\n")
    (frontend,) = configuration.of("frontend")
    assert weakness(configuration, frontend.binds[0]) == "does not say the oldest TLS version that it accepts"


def test_a_parameter_s_value_is_no_switch() -> None:
    (frontend,) = parse("frontend f\n  bind :80 name ssl\n").of("frontend")
    assert not encrypts(frontend.binds[0])


@pytest.mark.parametrize(
    "text",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE+AESGCM:ECDHE+CHACHA20",
        "HIGH:!aNULL:!MD5:!3DES",
        "DEFAULT",
        "EECDH+AESGCM:EDH+AESGCM",
        "AES256-GCM-SHA384 AES128-SHA",
        "@SECLEVEL=2:ECDHE:!RC4",
    ],
)
def test_strong_ciphers_are_accepted(text: str) -> None:
    assert weak_cipher(text) is None


@pytest.mark.parametrize(
    ("text", "weak"),
    [
        ("HIGH", "HIGH"),
        ("ALL:!aNULL", "ALL"),
        ("HIGH:!aNULL:RC4-SHA", "RC4-SHA"),
        ("ECDHE:DES-CBC3-SHA", "DES-CBC3-SHA"),
        ("ECDHE:null", "NULL"),
        ("NULL-SHA256", "NULL-SHA256"),
        ("AECDH-AES256-SHA", "AECDH-AES256-SHA"),
        ("aNULL:ECDHE", "ANULL"),
        ("ECDHE:@SECLEVEL=0", "@SECLEVEL=0"),
        ("ECDHE+eNULL", "ECDHE+ENULL"),
        ("EXP-RC4-MD5", "EXP-RC4-MD5"),
        ("COMPLEMENTOFALL", "COMPLEMENTOFALL"),
        ("SOMETHING", "SOMETHING"),
        ("!ECDHE", "nothing"),
        ("", "nothing"),
    ],
)
def test_weak_ciphers_are_named(text: str, weak: str) -> None:
    assert weak_cipher(text) == weak


def test_suites_of_tls_1_3_are_known_by_name() -> None:
    assert weak_suite("TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") is None
    assert weak_suite("TLS_AES_128_GCM_SHA256:TLS_SHA384_SHA384") == "TLS_SHA384_SHA384"


def frontend(*lines: str) -> Section:
    text = "\n  ".join(("frontend f", "mode http", "bind :80", *lines))
    return parse(text).of("frontend")[0]


@pytest.mark.parametrize(
    "lines",
    [
        ("http-request redirect scheme https",),
        ("http-request deny if { src 192.0.2.1 }", "http-request redirect location https://%[hdr(host)]/ code 301"),
        ("redirect prefix https://a.example.com",),
        ("acl allow path /a", "http-request redirect location https://b/ if allow", "redirect scheme https"),
    ],
)
def test_redirects_to_https_are_known(lines: tuple[str, ...]) -> None:
    assert only_redirects(frontend(*lines))


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("http-request redirect scheme http",),
        ("http-request redirect location https://",),
        ("http-request redirect scheme https if { path / }",),
        ("http-request redirect scheme https", "http-request redirect location http://a/ if { path /a }"),
        ("http-request use-service prometheus-exporter", "http-request redirect scheme https"),
        ("http-request lua.answer", "http-request redirect scheme https"),
        ("stats enable", "http-request redirect scheme https"),
        ("mode tcp", "http-request redirect scheme https"),
        ("option http_proxy", "http-request redirect scheme https"),
        ("use_backend b if { path /b }", "http-request redirect scheme https"),
    ],
)
def test_what_is_no_redirect_of_everything_is_known(lines: tuple[str, ...]) -> None:
    assert not only_redirects(frontend(*lines))


def test_a_page_that_says_only_that_it_lives_is_known() -> None:
    assert only_reports_health(frontend("monitor-uri /healthz", "http-request deny deny_status 404"))
    assert not only_reports_health(frontend("monitor-uri /healthz"))
    assert not only_reports_health(frontend("monitor-uri /healthz", "http-request deny if { path /a }"))
    assert not only_reports_health(frontend("stats uri /", "http-request deny"))


@pytest.mark.parametrize(
    ("lines", "hosts"),
    [
        (("http-request deny unless { req.hdr(host),field(1,:),lower -m str a.example.com }",), {"a.example.com"}),
        (("acl ours hdr(Host) -i A.example.com b.example.com:8443", "http-request deny if !ours"), None),
        (("http-request reject unless { hdr(host) a } or { hdr(host) b }",), {"a", "b"}),
        (("http-request deny if { hdr(host) a }",), set()),
        (("http-request deny unless { hdr(host) -m reg ^a }",), set()),
        (("http-request deny unless { hdr_end(host) a }",), set()),
        (("http-request set-header X-A b unless { hdr(host) a }",), set()),
    ],
)
def test_the_hosts_that_a_frontend_insists_on_are_known(lines: tuple[str, ...], hosts: set[str] | None) -> None:
    assert insisted_hosts(frontend(*lines)) == ({"a.example.com", "b.example.com"} if hosts is None else hosts)
