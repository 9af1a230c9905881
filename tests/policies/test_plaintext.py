"""Plain text: where TLS reaches all the way, the pack refuses every port and connection without it."""

import pytest

from policies.pack.programs.nginx import Directive, parse
from policies.pack.unreadable import UnreadableError
from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State
from tests.unit.components.conftest import build
from tests.unit.engine import JsonObject
from tests.unit.stacks import changed, settings_of
from tests.unit.variants import variants

RULE = "full-encryption-has-no-plain-port"
BALANCER = "Deployment tracardi-track/track-balancer"
API = "Deployment tracardi-track/track-api"
CONSOLE = "Deployment tracardi-console/gui"
FULL = "full TLS"
TRACK_API = "track-api.tracardi-track.svc.cluster.local"


@refused(RULE, f"{BALANCER} answers in plain text at frontend metrics, in container haproxy", stack=FULL)
def test_metrics_in_plain_text(state: State) -> None:
    state.edit("track-balancer", "bind :8404 ssl crt /etc/haproxy/certs/tls.crt", "bind :8404")


@refused(RULE, f"{BALANCER} frontend metrics accepts TLSv1.0, in container haproxy", stack=FULL)
def test_metrics_with_an_old_version(state: State) -> None:
    state.edit("track-balancer", "bind :8404 ssl", "bind :8404 ssl ssl-min-ver TLSv1.0")


@refused(RULE, f"{BALANCER} speaks to {TRACK_API} in plain text, in backend instances", stack=FULL)
def test_one_balancer_that_speaks_plain_text(state: State) -> None:
    state.edit("track-balancer", "default-server ssl verify required", "default-server verify required")


@refused(RULE, f"{BALANCER} speaks to {TRACK_API} in plain text", stack=FULL)
def test_a_server_that_takes_tls_back(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 no-ssl")


@refused(RULE, f"{API} may answer in plain text (it has no certificate and key), in container api", stack=FULL)
def test_an_api_without_a_certificate(state: State) -> None:
    container = state.container("track-api")
    container["args"] = [word for word in container["args"] if not word.startswith("--certificate")]


@refused(RULE, f"{API} may answer in plain text (uvicorn has no certificate and key), in container api", stack=FULL)
def test_an_api_that_is_served_by_uvicorn_itself(state: State) -> None:
    serve(state, "--ssl-certfile=/run/secrets/tls/tls.crt")


@refused(RULE, f"{API} may answer in plain text (uvicorn has no certificate and key), in container api", stack=FULL)
def test_an_api_that_takes_its_certificate_back(state: State) -> None:
    serve(state, "--ssl-certfile=a", "--ssl-keyfile=b", "--ssl-certfile=", "--ssl-keyfile=")


@refused(RULE, "may answer in plain text (its command line has --ssl-ciphers", stack=FULL)
def test_an_api_with_ciphers_of_its_own(state: State) -> None:
    serve(state, "--ssl-certfile=a", "--ssl-keyfile=b", "--ssl-ciphers=NULL")


@refused(
    RULE,
    f"{API} may answer in plain text (it starts as its image has it, in plain text)",
    also=("one-worker-per-pod",),
    stack=FULL,
)
def test_an_api_as_its_image_has_it(state: State) -> None:
    container = state.container("track-api")
    del container["command"], container["args"]


@refused(
    RULE, f"{API} may answer in plain text (its command line cannot be seen)", also=("one-worker-per-pod",), stack=FULL
)
def test_an_api_whose_command_line_cannot_be_seen(state: State) -> None:
    state.container("track-api")["args"].append(UNKNOWN)


@refused(RULE, "which is not the program that these rules know", also=("one-worker-per-pod",), stack=FULL)
def test_an_api_that_another_program_serves(state: State) -> None:
    state.edit("api-program", "minimum_version", "maximum_version", "serve.py", "tracardi-track")


@refused(RULE, f"{CONSOLE} listens on 8080 in plain text, in container gui", stack=FULL)
def test_a_console_without_tls(state: State) -> None:
    nginx(state, "listen 8080 ssl;", "listen 8080;")


@refused(RULE, f"{CONSOLE} listens on 8081 in plain text", stack=FULL)
def test_a_console_with_a_second_port(state: State) -> None:
    nginx(state, "listen 8080 ssl;", "listen 8080 ssl; listen 8081;")


@refused(RULE, f"{CONSOLE} listens on port 80 in plain text", stack=FULL)
def test_a_console_with_a_server_that_says_nothing_about_its_port(state: State) -> None:
    nginx(state, "    server {", "    server { root /tmp; }\n    server {")


@refused(RULE, f"{CONSOLE} accepts TLSv1 TLSv1.2", stack=FULL)
def test_a_console_with_an_old_version(state: State) -> None:
    nginx(state, "ssl_protocols TLSv1.2 TLSv1.3", "ssl_protocols TLSv1 TLSv1.2")


@refused(RULE, f"{CONSOLE} includes files that these rules do not follow", stack=FULL)
def test_a_console_with_further_files(state: State) -> None:
    nginx(state, "    server {", "    include /etc/nginx/conf.d/*.conf;\n    server {")


@refused(RULE, f"{CONSOLE} may answer in plain text (a directive without a name)", stack=FULL)
def test_a_console_whose_configuration_does_not_end(state: State) -> None:
    nginx(state, "    server {", "    server { {")


@refused(RULE, f"{CONSOLE} may answer in plain text (its command line names no configuration)", stack=FULL)
def test_a_console_with_the_configuration_of_its_image(state: State) -> None:
    state.container("gui")["command"] = ["nginx", "-g", "daemon off;"]


@refused(
    RULE,
    "Deployment tracardi-console/gui-api runs a program that these rules do not know",
    also=("containers-are-probed", "entries-lead-only-where-intended", "images-come-from-known-registries"),
    stack=FULL,
)
def test_a_program_that_nobody_knows(state: State) -> None:
    sidecar = {**state.container("gui-api"), "name": "sidecar", "image": f"example.com/proxy@sha256:{'0' * 64}"}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        del sidecar[probe]
    sidecar["env"] = []
    state.pod("gui-api")["containers"].append(sidecar)


@refused(
    RULE,
    f"{BALANCER} answers in plain text at frontend metrics",
    f"{API} may answer in plain text (it has no certificate and key)",
    f"{CONSOLE} listens on 8080 in plain text",
    options={RULE: {"required": True}},
)
def test_tls_at_the_edge_where_more_is_required(state: State) -> None:
    state.spec("Service", "track-balancer-entry")["ports"][0]["name"] = "tls"


@refused(RULE, f"{BALANCER} speaks to {TRACK_API} in plain text")
def test_tls_that_reaches_one_instance(state: State) -> None:
    """An API with a certificate is enough to tell that all of them should have one."""
    command = ["python3", "-m", "uvicorn", "app.main:application", "--ssl-certfile=a", "--ssl-keyfile=b"]
    state.container("gui-api").update(command=command, args=[])


@refused(RULE, f"{BALANCER} writes letters in plain text to alerts, in container haproxy", stack=FULL)
def test_a_balancer_that_writes_letters(state: State) -> None:
    section = "mailers alerts\n    mailer one 192.0.2.1:25\n\nfrontend metrics\n"
    state.edit("track-balancer", "frontend metrics\n", section)


@accepted(RULE, stack=FULL, options={RULE: {"exceptions": ["tracardi-console/gui"]}})
def test_a_console_that_is_an_exception(state: State) -> None:
    nginx(state, "listen 8080 ssl;", "listen 8080;")


@accepted(RULE, stack=FULL)
def test_other_ways_to_the_same(state: State) -> None:
    serve(state, "--ssl-certfile", "/run/secrets/tls/tls.crt", "--ssl-keyfile", "/run/secrets/tls/tls.key")
    nginx(
        state,
        "    server {",
        "    server { listen 8081; return 301 https://gui.example.com$request_uri; }\n    server {",
    )
    state.edit("track-balancer", "frontend metrics\n", "frontend local\n    bind 127.0.0.1:9000\n\nfrontend metrics\n")


GATEWAY = {"mode": "gateway", "gateway": {"className": "cilium", "proxies": {"namespace": "gateways"}}}


@pytest.mark.parametrize(
    "further", [{"data__redis__tunnel": True, "data__mysql__tunnel": True}, {"track__balancer": GATEWAY}], ids=str
)
def test_full_encryption_goes_with_tunnels_and_gateways(further: JsonObject) -> None:
    recording = build(settings_of(changed(variants()[FULL], **further)))

    assert analyse(State.of(recording), configuration("prod")) == {}


def serve(state: State, *arguments: str) -> None:
    """Have the track API served by uvicorn with `arguments`."""
    command = ["python3", "-m", "uvicorn", "app.main:application", "--host=0.0.0.0", "--port=8080", *arguments]
    state.container("track-api").update(command=command, args=[])


def nginx(state: State, old: str, new: str) -> None:
    state.edit("gui", old, new, "nginx.conf")


def test_nginx_is_read_as_it_reads_itself() -> None:
    text = "# about\nhttp { map $a $b { default 'x;y'; }\n server { listen \"80\"; # plain\n } }\nworker_processes 1;"

    inside = (Directive(("listen", "80")),)
    mapped = (Directive(("default", "x;y")),)
    assert parse(text) == (
        Directive(("http",), (Directive(("map", "$a", "$b"), mapped), Directive(("server",), inside))),
        Directive(("worker_processes", "1")),
    )


@pytest.mark.parametrize("text", ["http {", "}", "http { } }", "listen 80", "; ", "a 'b", "{ }"])
def test_what_nginx_would_refuse_is_not_judged(text: str) -> None:
    with pytest.raises(UnreadableError):
        parse(text)
