"""One entry alone, built from a piece of a stack file."""

import json

import pulumi

from components.certificates import Authority, Issuer
from components.context import Context, context_of
from components.haproxy import Upstream
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from model.roles import Role
from model.routes import Collection, routes
from settings.balancer import BalancerSettings
from settings.certificates import IssuerSettings
from tests.unit.engine import JsonObject, Recording, run
from tests.unit.stacks import settings_of, stack_file

TRUSTED = ("192.0.2.0/24", "2001:db8:1::/48")
INSTANCES = Upstream("track-api.tracardi-track.svc.cluster.local", 8080, 11, "/healthcheck")
VERIFIED_INSTANCES = Upstream(INSTANCES.host, 8080, 11, "/healthcheck", "instances-tls")
ISSUER = IssuerSettings(name="letsencrypt")


def balancer_settings(**settings: object) -> BalancerSettings:
    """The section `balancer` of a stack file."""
    return BalancerSettings.model_validate_json(json.dumps(settings))


def production_context() -> Context:
    """What the parts of the production stack have in common."""
    return context_of(settings_of(stack_file("prod")))


def authority(name: str) -> Authority:
    """An authority of the stack's own."""
    return Authority(pulumi.Output.from_input(f"{name} certificate"), pulumi.Output.secret(f"{name} key"))


def entry(
    settings: JsonObject,
    *,
    public: bool = False,
    issuer: Issuer | None = ISSUER,
    upstream: Upstream = INSTANCES,
    inside: bool = True,
) -> Recording:
    """Everything that an entry with `settings` consists of.

    Without an `issuer` its certificate is generated; `inside` is whether it gets an authority for inside the cluster.
    """
    role = Role.TRACK_BALANCER if public else Role.GUI_BALANCER

    def program() -> dict[str, object]:
        made = LoadBalancer(
            "entry",
            LoadBalancerArgs(
                context=production_context(),
                role=role,
                host="entry.example.com",
                upstream=upstream,
                settings=balancer_settings(**settings),
                issuer=issuer or authority("entries"),
                internal=authority("inside") if inside else None,
                routes=routes(frozenset(Collection)) if public else (),
                trusted=() if public else TRUSTED,
            ),
        )
        return {"addresses": made.addresses}

    return run(program)
