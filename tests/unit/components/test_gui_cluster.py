"""The console's pods: nginx without privileges, and what its pages may do in a browser."""

import json
import re
from typing import Any

import pytest

from components.certificates import CertificateAuthority, CertificateAuthorityArgs
from components.context import context_of
from components.gui_cluster import GuiCluster, GuiClusterArgs
from components.pods import TMP
from tests.unit.engine import Recording, run
from tests.unit.stacks import changed, settings_of, stack_file

FULL = {"certificates__encryption": "full"}
STARTED = ["nginx", "-c", "/etc/tracardi/nginx.conf", "-g", "daemon off;"]
VENDOR = "track.tracardi.com"


def console(**changes: Any) -> Recording:  # noqa: ANN401 - any setting
    """The console as production's settings with `changes` make it."""
    settings = settings_of(changed(stack_file("prod"), **changes))
    context = context_of(settings)

    def program() -> dict[str, object]:
        internal = (
            CertificateAuthority("inside", CertificateAuthorityArgs("inside")).authority if context.encrypted else None
        )
        upstream = GuiCluster("gui", GuiClusterArgs(context, settings.gui, settings.gui_api.host, internal)).upstream
        return {"health_path": upstream.health_path, "ca_secret": upstream.ca_secret, "slots": upstream.slots}

    return run(program)


@pytest.fixture(scope="module")
def plain() -> Recording:
    return console()


@pytest.fixture(scope="module")
def encrypted() -> Recording:
    return console(**FULL)


def files(stack: Recording) -> dict[str, str]:
    return dict(stack.find("ConfigMap", "gui").inputs["data"])


def headers(stack: Recording) -> dict[str, str]:
    """What nginx adds to every answer."""
    return dict(re.findall(r'add_header (\S+) "([^"]*)" always;', files(stack)["nginx.conf"]))


def policy(stack: Recording, header: str = "Content-Security-Policy") -> dict[str, list[str]]:
    directives = (directive.split() for directive in headers(stack)[header].split(";"))
    return {name: sources for name, *sources in directives}


def locations(configuration: str) -> dict[str, str]:
    """The blocks that answer requests, by what they match."""
    blocks = re.findall(r"^ *location ([^{]+?) \{(.*?)^        \}", configuration, re.DOTALL | re.MULTILINE)
    return dict(blocks)


# nginx


def test_nginx_writes_only_where_a_read_only_container_lets_it(plain: Recording) -> None:
    configuration = files(plain)["nginx.conf"]
    container = plain.find("Deployment", "gui").container("gui")

    written = re.findall(r"^\s*(?:pid|\w+_temp_path) (\S+);", configuration, re.MULTILINE)
    assert len(written) == 6
    assert all(path.startswith(f"{TMP}/") for path in written)
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")] == [TMP]
    # Only root may change the user, and only root may bind a port below 1024.
    assert not re.search(r"^\s*user ", configuration, re.MULTILINE)
    assert re.findall(r"listen (\d+)", configuration) == ["8080"]


def test_probes_ask_for_what_is_not_the_page_that_every_path_has(plain: Recording) -> None:
    container = plain.find("Deployment", "gui").container("gui")
    blocks = locations(files(plain)["nginx.conf"])

    paths = {container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")}
    assert paths == {plain.outputs["health_path"]} == {"/env-config.js"}
    assert "index.html" in blocks["/"]
    assert "index.html" not in blocks["= /env-config.js"]
    assert "alias /etc/tracardi/env-config.js;" in blocks["= /env-config.js"]


@pytest.mark.parametrize("release", ["1.0.0", "0.8.2.1"])
def test_the_console_is_told_its_settings_for_its_release(release: str) -> None:
    without = {"data__mysql": None} if release == "0.8.2.1" else {}
    stack = console(installation__release=release, **without)

    text = files(stack)["env-config.js"]
    assert text.startswith("window._env_ = ")
    told = json.loads(text.removeprefix("window._env_ = ").removesuffix(";\n"))
    assert told["MULTI_TENANT"] == "no"
    assert ("MODE" in told) == (release == "1.0.0")


def test_instances_keep_idle_connections_longer_than_balancers(plain: Recording) -> None:
    assert "keepalive_timeout 600s;" in files(plain)["nginx.conf"]


def test_logs_hold_no_arguments(plain: Recording) -> None:
    (entry,) = re.findall(r"log_format entry '([^']*)'", files(plain)["nginx.conf"])

    assert not {"$request", "$request_uri", "$args", "$query_string", "$http_referer"} & set(
        re.findall(r"\$\w+", entry)
    )


def test_no_location_drops_the_headers(plain: Recording) -> None:
    """One add_header in a location takes all of the server's away there."""
    blocks = locations(files(plain)["nginx.conf"])

    assert len(blocks) == 2
    # nginx answers 416 without any of them.
    assert "max_ranges 0;" in files(plain)["nginx.conf"]
    assert not [match for match, body in blocks.items() if "add_header" in body]
    assert headers(plain)["X-Content-Type-Options"] == "nosniff"
    assert headers(plain)["X-Frame-Options"] == "DENY"


def test_whatever_the_image_has_kubernetes_send_nginx_finishes_what_it_has_begun(plain: Recording) -> None:
    command = plain.find("Deployment", "gui").container("gui")["command"]

    assert command == ["sh", "/etc/tracardi/supervise.sh", "HUP", "QUIT", "", "--", *STARTED]
    assert files(plain)["supervise.sh"].startswith("#!/bin/sh")


def test_another_configuration_rolls_the_pods(plain: Recording) -> None:
    other = console(guiApi__host="other.example.com")

    def checksum(stack: Recording) -> str:
        annotations = stack.find("Deployment", "gui").spec["template"]["metadata"]["annotations"]
        return str(annotations["checksum/configuration"])

    assert checksum(plain) == checksum(console(track__replicas__max=12))
    assert checksum(plain) != checksum(other)


# Content-Security-Policy


def test_pages_load_and_call_nothing_but_themselves_and_the_gui_api(plain: Recording) -> None:
    directives = policy(plain)

    assert directives["default-src"] == ["'self'"]
    for name in ("script-src", "connect-src", "img-src"):
        hosts = {source for source in directives[name] if "." in source or ":" in source} - {"data:"}
        assert hosts == {"https://api.example.com:*"}, name
    assert "'unsafe-eval'" not in directives["script-src"]
    assert directives["frame-ancestors"] == directives["object-src"] == ["'none'"]
    assert directives["base-uri"] == directives["form-action"] == ["'self'"]


def test_the_vendor_s_telemetry_is_neither_loaded_nor_called(plain: Recording) -> None:
    everybody = {"*", "https:", "http:", "wss:", f"https://{VENDOR}", "https://*.tracardi.com"}

    for name, sources in policy(plain).items():
        assert not everybody & set(sources), name
    # What no directive names falls back to this one.
    assert policy(plain)["default-src"] == ["'self'"]


def test_declared_sources_are_added_where_scripts_images_and_calls_come_from() -> None:
    stack = console(gui__contentSecurityPolicy={"sources": ["https://cdn.example.com", "wss://live.example.com"]})

    directives = policy(stack)
    for name in ("script-src", "connect-src", "img-src"):
        assert {"https://cdn.example.com", "wss://live.example.com"} <= set(directives[name])
    assert directives["style-src"] == ["'self'", "'unsafe-inline'"]


def test_the_policy_can_be_tried_before_it_is_enforced() -> None:
    stack = console(gui__contentSecurityPolicy={"mode": "report-only"})

    assert policy(stack, "Content-Security-Policy-Report-Only")["object-src"] == ["'none'"]
    assert "Content-Security-Policy" not in headers(stack)


def test_the_policy_can_be_switched_off() -> None:
    stack = console(gui__contentSecurityPolicy={"mode": "off"})

    assert set(headers(stack)) == {"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"}


# TLS all the way


def test_with_tls_all_the_way_nginx_serves_the_certificate_that_balancers_verify(encrypted: Recording) -> None:
    deployment = encrypted.find("Deployment", "gui")
    configuration = files(encrypted)["nginx.conf"]
    (volume,) = (volume for volume in deployment.pod["volumes"] if "secret" in volume)
    (mount,) = (mount for mount in deployment.container("gui")["volumeMounts"] if mount["name"] == volume["name"])

    assert "listen 8080 ssl;" in configuration
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in configuration
    assert "subPath" not in mount
    named = re.findall(r"ssl_certificate(?:_key)? (\S+);", configuration)
    assert named == [f"{mount['mountPath']}/{item['path']}" for item in volume["secret"]["items"]]
    assert volume["secret"]["secretName"] == encrypted.outputs["ca_secret"] == "gui-tls"
    (request,) = (request for request in encrypted.of_kind("CertRequest"))
    assert request.inputs["dnsNames"] == ["gui.tracardi-console.svc.cluster.local", "localhost"]


def test_with_tls_all_the_way_a_renewed_certificate_is_served_by_itself(encrypted: Recording) -> None:
    command = encrypted.find("Deployment", "gui").container("gui")["command"]

    assert command[:6] == ["sh", "/etc/tracardi/supervise.sh", "HUP", "QUIT", "/run/secrets/tls", "--"]
    assert command[6:] == STARTED


def test_with_tls_all_the_way_probes_speak_it(encrypted: Recording) -> None:
    container = encrypted.find("Deployment", "gui").container("gui")

    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["scheme"] == "HTTPS"
    assert [port["name"] for port in container["ports"]] == ["https"]


def test_without_tls_inside_nginx_speaks_plain_http(plain: Recording) -> None:
    container = plain.find("Deployment", "gui").container("gui")

    assert "ssl" not in files(plain)["nginx.conf"]
    assert plain.outputs["ca_secret"] is None
    assert "scheme" not in container["readinessProbe"]["httpGet"]


# Where users bring their own console


def test_without_a_console_nothing_of_it_is_made() -> None:
    context = context_of(settings_of({**stack_file("dev"), "tracardi:gui": {"enabled": False}}))

    assert not {"gui", "gui-balancer"} & {role.value for role in context.roles}
