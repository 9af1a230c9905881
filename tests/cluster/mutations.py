"""Changes of what the program registers, made on the way to the engine, as a mistake in the program would make them."""

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

from tests.unit.stacks import REPOSITORY

Properties = dict[str, Any]


@dataclass(frozen=True)
class Mutation:
    """A change of one resource, and the rule that must refuse it."""

    kind: str
    """The resource's kind."""
    name: str
    """The resource's name in the program, without the installation's."""
    rule: str
    named: str
    """How a message names the resource."""
    change: Callable[[Properties], None]


def run(name: str) -> None:
    """Run the program of this repository with the mutation of that name."""
    mutation = MUTATIONS[name]

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if not (args.type_.endswith(f":{mutation.kind}") and args.name == f"tracardi-{mutation.name}"):
            return None
        properties = dict(args.props)
        mutation.change(properties)
        return pulumi.ResourceTransformResult(properties, args.opts)

    pulumi.runtime.register_resource_transform(transform)
    runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__")


def _container(properties: Properties) -> Properties:
    container: Properties = properties["spec"]["template"]["spec"]["containers"][0]
    return container


def _variable(name: str, value: str) -> Callable[[Properties], None]:
    def change(properties: Properties) -> None:
        container = _container(properties)
        # The API server refuses a second variable of a name, and then Pulumi asks no rule.
        others = [variable for variable in container["env"] if variable["name"] != name]
        container["env"] = [*others, {"name": name, "value": value}]

    return change


def _specified(**changes: object) -> Callable[[Properties], None]:
    return lambda properties: properties["spec"].update(changes)


def _rewritten(old: str, new: str) -> Callable[[Properties], None]:
    def change(properties: Properties) -> None:
        assert any(old in text for text in properties["data"].values())
        properties["data"] = {key: text.replace(old, new) for key, text in properties["data"].items()}

    return change


def _open_to_all(properties: Properties) -> None:
    properties["spec"].pop("clusterIP", None)
    properties["spec"]["type"] = "LoadBalancer"


def _latest(properties: Properties) -> None:
    container = _container(properties)
    container["image"] = container["image"].rpartition(":")[0] + ":latest"


MUTATIONS = {
    "an entry to the GUI API": Mutation(
        "Service", "gui-api-api-service", "internet-reaches-no-gui-api", "tracardi-console/gui-api", _open_to_all
    ),
    "a flipped flag": Mutation(
        "Deployment",
        "track-api-deployment",
        "internet-reaches-no-gui-api",
        "tracardi-track/track-api",
        _variable("EXPOSE_GUI_API", "yes"),
    ),
    "a selector of other pods": Mutation(
        "Service",
        "track-balancer-entry",
        "entries-can-be-followed",
        "tracardi-track/track-balancer-entry",
        _specified(selector={"app": "nobody"}),
    ),
    "a namespace without default-deny": Mutation(
        "NetworkPolicy",
        "namespaces-track-deny",
        "namespaces-deny-by-default",
        "tracardi-track",
        _specified(policyTypes=["Ingress"]),
    ),
    "egress to everywhere": Mutation(
        "NetworkPolicy",
        "namespaces-track-api-allow",
        "egress-is-limited",
        "tracardi-track/track-api",
        lambda properties: properties["spec"]["egress"].append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
    ),
    "too few collectors": Mutation(
        "HorizontalPodAutoscaler",
        "track-api-autoscaler",
        "track-instances",
        "tracardi-track/track-api",
        _specified(minReplicas=1),
    ),
    "a budget that stops drains": Mutation(
        "PodDisruptionBudget",
        "track-api-budget",
        "budgets-allow-drains",
        "tracardi-track/track-api",
        _specified(maxUnavailable=0),
    ),
    "an old version of TLS": Mutation(
        "ConfigMap",
        "track-balancer-configuration",
        "entries-serve-tls",
        "tracardi-track/track-balancer",
        _rewritten("TLSv1.2", "TLSv1.0"),
    ),
    "a literal password": Mutation(
        "Deployment",
        "gui-api-api-deployment",
        "secrets-are-never-literal",
        "tracardi-console/gui-api",
        _variable("ELASTIC_PASSWORD", "hunter2-hunter2"),
    ),
    "a short password": Mutation(
        "RandomPassword",
        "credentials-redis-password",
        "generated-passwords-are-strong",
        "tracardi-credentials-redis-password",
        lambda properties: properties.update(length=16),
    ),
    "a floating image": Mutation(
        "Deployment", "gui-pods-deployment", "images-are-pinned", "tracardi-console/gui", _latest
    ),
    "the host's network": Mutation(
        "Deployment",
        "gui-pods-deployment",
        "pods-are-restricted",
        "tracardi-console/gui",
        lambda properties: properties["spec"]["template"]["spec"].update(hostNetwork=True),
    ),
    "a licence in open source": Mutation(
        "Deployment",
        "gui-api-api-deployment",
        "no-licence-in-open-source",
        "tracardi-console/gui-api",
        _variable("LICENSE", "a licence"),
    ),
}
"""What may go wrong, by what went wrong; at least one for each family of rules."""
