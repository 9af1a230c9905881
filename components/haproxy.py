"""The configuration of a balancer, as text: a pure function of what stands behind it and who may reach it."""

from dataclasses import dataclass

from components.rendering import render
from model.lifecycle import (
    BALANCER_KEEP_ALIVE_SECONDS,
    MAX_CONNECTIONS_PER_INSTANCE,
    QUEUE_TIMEOUT_SECONDS,
    SERVER_TIMEOUT_SECONDS,
)
from model.ports import Port
from model.routes import Route
from settings.balancer import BalancerSettings


@dataclass(frozen=True)
class Upstream:
    """The instances behind a balancer: `slots` of them at most, found by the DNS name `host`."""

    host: str
    port: int
    slots: int
    health_path: str


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
        upstream=upstream.host,
        upstream_port=int(upstream.port),
        slots=upstream.slots,
        health_path=upstream.health_path,
        max_body_bytes=settings.max_body_bytes,
        requests_per_second=settings.requests_per_second,
        https_port=int(Port.BALANCER_HTTPS),
        http_port=int(Port.BALANCER_HTTP),
        metrics_port=int(Port.BALANCER_METRICS),
        keep_alive=BALANCER_KEEP_ALIVE_SECONDS,
        queue_timeout=QUEUE_TIMEOUT_SECONDS,
        server_timeout=SERVER_TIMEOUT_SECONDS,
        max_connections=MAX_CONNECTIONS_PER_INSTANCE,
    )
