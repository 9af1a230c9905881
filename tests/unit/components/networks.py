"""An installation's namespaces and the policies of its pods, and nothing in them."""

from typing import Any

from components.context import context_of
from components.egress import reached_by_address
from components.keeping import Keeping
from components.namespaces import Namespaces, NamespacesArgs
from components.network_policies import NetworkPolicies, NetworkPoliciesArgs
from model.graph import Destination
from model.roles import Role
from tests.unit.engine import Recording, run
from tests.unit.stacks import changed, settings_of, stack_file

PROXIES = {"namespace": "gateways", "labels": {"app": "envoy"}}
EXTERNAL: dict[str, dict[str, Any]] = {
    "redis": {"external": {"host": "cache.example.com", "networks": ["10.1.0.0/16"]}},
    "elasticsearch": {"external": {"urls": ["https://search.example.com"], "networks": ["10.2.0.0/16"]}},
    "mysql": {"external": {"host": "db.example.com", "networks": ["10.3.0.0/16"]}},
}
GIVEN = {name: {"value": f"correct-horse-battery-{name}"} for name in ("elasticsearch", "redis", "mysql")}
VARIANTS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "no MySQL": {"installation__release": "0.8.2.1", "data__mysql": None},
    "small, without a console": {"installation__profile": "small", "gui": {"enabled": False}},
    "stores of others": {"data": EXTERNAL, "credentials": GIVEN},
    "scrapers": {"network__scrapers": [{"namespace": "monitoring"}]},
    "gateway": {
        "track__balancer": {"mode": "gateway", "gateway": {"className": "envoy", "proxies": PROXIES}},
    },
    "a balancer that hides clients": {"track__balancer__service": {"proxyProtocol": ["203.0.113.0/28"]}},
}


def namespaces(
    egress: dict[Role, tuple[Destination, ...]] | None = None,
    *,
    keep: bool = False,
    protect: bool = False,
    **changes: Any,  # noqa: ANN401 - any setting
) -> Recording:
    """The namespaces and their policies as production's settings with `changes` make them."""
    sections = {key: value for key, value in changes.items() if "__" not in key}
    configuration = changed(stack_file("prod"), **{key: value for key, value in changes.items() if "__" in key})
    configuration |= {f"tracardi:{key}": value for key, value in sections.items()}
    settings = settings_of(configuration)
    entries = {
        Role.TRACK_BALANCER: settings.track.balancer,
        Role.GUI_API_BALANCER: settings.gui_api.balancer,
        Role.GUI_BALANCER: settings.gui.balancer,
    }

    def program() -> dict[str, object]:
        context = context_of(settings)
        made = Namespaces("namespaces", NamespacesArgs(context, Keeping(keep, protect)))
        NetworkPolicies(
            "policies",
            NetworkPoliciesArgs(
                context,
                settings.network,
                entries,
                egress or {},
                context.roles,
                reached_by_address(settings),
                prefix="namespaces",
                formerly=made,
            ),
        )
        return {"namespaces": made.names, "roles": sorted(context.roles)}

    return run(program)
