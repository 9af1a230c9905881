"""The configuration of a balancer, as text: a pure function of what stands behind it and who may reach it."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from components.rendering import render
from model.lifecycle import (
    BALANCER_CHECK_FAILURES,
    BALANCER_CHECK_SECONDS,
    BALANCER_KEEP_ALIVE_SECONDS,
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_CLIENT,
    MAX_REDIRECTS,
    MAX_REDIRECTS_PER_CLIENT,
    MAX_REQUESTS_PER_CLIENT,
    MAX_REQUESTS_PER_INSTANCE,
    QUEUE_TIMEOUT_SECONDS,
    SERVER_TIMEOUT_SECONDS,
)
from model.ports import Port
from model.routes import Route
from settings.balancer import BalancerSettings, IpFamilyPolicy

CONFIGURATION = PurePosixPath("/etc/haproxy")
"""Folder of the configuration in a balancer's container."""
CERTIFICATES = CONFIGURATION / "certs"
"""Folder of the certificate that clients see. HAProxy pairs tls.crt with the key that is called tls.crt.key."""
UPSTREAM = CONFIGURATION / "upstream"
"""Folder of the authority that instances are verified with."""


@dataclass(frozen=True)
class Upstream:
    """The instances behind a balancer: `slots` of them at most, found by the DNS name `host`."""

    host: str
    port: int
    slots: int
    health_path: str
    ca_secret: str | None = None
    """Secret in the balancer's namespace whose key ca.crt verifies that instances are `host`; None for plain text.

    With it, no port of the balancer's own is plain either, but for the redirect to https.
    """


def haproxy_configuration(
    host: str,
    upstream: Upstream,
    settings: BalancerSettings,
    *,
    routes: tuple[Route, ...] = (),
    trusted: tuple[str, ...] = (),
) -> str:
    """HAProxy's configuration for the entry `host`.

    `routes` are the only requests that pass, where any are given; `trusted` are the only client networks, likewise.

    Raises:
        ValueError: neither is given; such an entry would open everything to everybody.
    """
    if not routes and not trusted:
        raise ValueError(f"the entry {host} has neither routes nor trusted networks")
    return render(
        "haproxy.cfg.j2",
        host=host,
        routes=routes,
        trusted=trusted,
        upstream=upstream,
        # Proxies in front that tell the client's address in a header; none where clients connect themselves.
        hops=settings.gateway.trusted_hops if settings.gateway else 0,
        # Who tells the client's address ahead of the connection, by the PROXY protocol.
        declared=() if settings.gateway else tuple(map(str, settings.service.proxy_protocol)),
        dual_stack=settings.service.ip_family_policy is not IpFamilyPolicy.SINGLE_STACK,
        certificate=CERTIFICATES / "tls.crt",
        authority=UPSTREAM / "ca.crt",
        max_body_bytes=settings.max_body_bytes,
        requests_per_second=settings.requests_per_second,
        https_port=int(Port.BALANCER_HTTPS),
        http_port=int(Port.BALANCER_HTTP),
        metrics_port=int(Port.BALANCER_METRICS),
        keep_alive=BALANCER_KEEP_ALIVE_SECONDS,
        queue_timeout=QUEUE_TIMEOUT_SECONDS,
        server_timeout=SERVER_TIMEOUT_SECONDS,
        check_seconds=BALANCER_CHECK_SECONDS,
        check_failures=BALANCER_CHECK_FAILURES,
        # Each balancer counts its own requests only.
        max_connections=max(2, MAX_REQUESTS_PER_INSTANCE // settings.replicas),
        connections=MAX_CONNECTIONS,
        connections_per_client=MAX_CONNECTIONS_PER_CLIENT,
        redirects=MAX_REDIRECTS,
        redirects_per_client=MAX_REDIRECTS_PER_CLIENT,
        requests_at_once=MAX_REQUESTS_PER_CLIENT,
    )
