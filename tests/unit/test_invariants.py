"""Each rule over installations refuses what it is there to refuse."""

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from tests.unit.components.conftest import build
from tests.unit.engine import Answers, JsonObject, Recording
from tests.unit.invariants import INVARIANTS, Rule
from tests.unit.stacks import settings_of
from tests.unit.variants import variants

Path = tuple[str | int, ...]

POD: Path = ("spec", "template", "spec")
CONTAINER: Path = (*POD, "containers", 0)
LABELS: Path = ("metadata", "labels")
INGRESS: Path = ("spec", "ingress", 0, "from")
GONE = object()
"""What stands there is removed."""


@dataclass(frozen=True)
class Instead:
    """Text that stands in the place of another."""

    old: str
    new: str


@dataclass(frozen=True)
class Mistake:
    """`value` at `path` of an object's inputs, as in a JSON patch: the last part may be "-", for one more entry."""

    target: str
    path: Path
    value: object
    variant: str = "production"

    def made_in(self, inputs: JsonObject) -> None:
        """Make it."""
        place: Any = inputs
        for part in self.path[:-1]:
            place = place[part]
        last = self.path[-1]
        if last == "-":
            place.append(self.value)
        elif self.value is GONE:
            del place[last]
        elif isinstance(self.value, Instead):
            assert self.value.old in place[last]
            place[last] = place[last].replace(self.value.old, self.value.new)
        else:
            place[last] = self.value


def gateway(target: str, *path: str | int) -> Mistake:
    return Mistake(target, ("spec", *path), "another", "gateway")


MISTAKES = {
    "secrets_stand_in_secrets_alone": (
        Mistake("ConfigMap/redis", ("data", "redis.conf"), "requirepass canary-tracardi"),
        # The same word, encoded, at each of the three places where it can stand.
        Mistake("ConfigMap/redis", ("data", "x"), "Y2FuYXJ5LXRyYWNhcmRp"),
        Mistake("ConfigMap/redis", ("data", "x"), "eGNhbmFyeS10cmFjYXJkaQ=="),
        Mistake("ConfigMap/redis", ("data", "x"), "eHhjYW5hcnktdHJhY2FyZGk="),
        Mistake("Secret/redis-credentials", ("metadata", "annotations"), {"was": "canary-tracardi"}),
    ),
    "the_state_holds_no_secret_in_clear": (
        Mistake("Deployment/track-api", (*CONTAINER, "args"), ["--password=canary-tracardi"]),
    ),
    "every_role_has_its_pods": (
        Mistake("Deployment/gui", (*POD[:2], *LABELS, "app.kubernetes.io/component"), "gui-api"),
        Mistake("Deployment/gui", ("metadata", "name"), "console"),
    ),
    "pods_are_restricted": (
        Mistake("Deployment/gui", (*POD, "securityContext", "runAsUser"), 0),
        Mistake("Deployment/gui", (*POD, "securityContext", "seccompProfile"), GONE),
        Mistake("Deployment/gui", (*POD, "hostNetwork"), value=True),
        Mistake("Deployment/gui", (*POD, "automountServiceAccountToken"), GONE),
        Mistake("Deployment/gui", (*POD, "volumes", "-"), {"name": "host", "hostPath": {"path": "/"}}),
        Mistake("Deployment/gui", (*CONTAINER, "resources", "limits", "memory"), GONE),
        Mistake("StatefulSet/redis", (*CONTAINER, "ports", 0, "hostPort"), 6379),
        Mistake("StatefulSet/elasticsearch", (*POD, "initContainers", 0, "securityContext", "privileged"), value=True),
    ),
    "pods_find_what_they_refer_to": (
        Mistake("Deployment/track-api", (*CONTAINER, "envFrom", 0, "configMapRef", "name"), "index-shapes"),
        Mistake("Secret/track-api-credentials", ("data", "redis-password"), GONE),
        Mistake("Secret/elasticsearch-credentials", ("data", "elasticsearch-password"), GONE),
        Mistake("Deployment/gui", (*POD, "serviceAccountName"), "default"),
        Mistake("Deployment/gui", (*CONTAINER, "volumeMounts", 0), GONE),
    ),
    "pods_see_their_own_secrets": (
        Mistake("StatefulSet/redis", (*POD, "volumes", 1, "secret", "secretName"), "mysql-credentials"),
        Mistake("Secret/redis-credentials", ("data", "mysql-password"), "x"),
        Mistake(
            "Deployment/track-balancer", (*POD, "volumes", "-"), {"name": "x", "secret": {"secretName": "gui-tls"}}
        ),
        # The instances' certificate, and not their authority alone.
        Mistake(
            "Deployment/track-balancer",
            (*POD, "volumes", "-"),
            {"name": "x", "secret": {"secretName": "track-api-tls"}},
            "full TLS",
        ),
    ),
    "every_secret_serves_somebody": (Mistake("Secret/redis-credentials", ("metadata", "name"), "left-behind"),),
    "api_pods_share_one_index_shape": (
        Mistake("ConfigMap/index-shape", ("data", "ELASTIC_INDEX_SHARDS"), "4"),
        Mistake("Deployment/gui-api", (*CONTAINER, "env", "-"), {"name": "TENANT_NAME", "value": "other"}),
        Mistake("Deployment/gui-api", (*CONTAINER, "envFrom"), GONE),
        Mistake(
            "Deployment/gui-api", (*POD[:2], "metadata", "annotations", "checksum/index-shape"), "of another shape"
        ),
    ),
    "only_the_gui_api_serves_the_gui": (
        Mistake("Deployment/track-api", (*CONTAINER, "env", "-"), {"name": "EXPOSE_GUI_API", "value": "yes"}),
    ),
    "variables_are_set_once": (
        Mistake("Deployment/track-api", (*CONTAINER, "env", "-"), {"name": "EXPOSE_GUI_API", "value": "no"}),
    ),
    "pods_are_spread_as_far_as_they_reach": (
        Mistake("Deployment/track-api", (*POD, "topologySpreadConstraints", 0, "minDomains"), 4),
        Mistake("Deployment/gui", (*POD, "topologySpreadConstraints", 0, "whenUnsatisfiable"), "ScheduleAnyway"),
        Mistake("HorizontalPodAutoscaler/track-api", ("spec", "minReplicas"), 1),
    ),
    "names_fit_kubernetes": (
        Mistake("Service/redis", ("metadata", "name"), "r" * 64),
        Mistake("Service/redis", ("metadata", "namespace"), "default"),
        Mistake("Service/redis", ("metadata", "name"), "redis-nodes"),
        Mistake("Service/redis", (*LABELS, "x"), "not one"),
        Mistake("Deployment/gui", (*POD[:2], *LABELS, "x"), "l" * 64),
    ),
    "namespaces_are_closed": (
        Mistake("NetworkPolicy/default-deny", ("spec", "policyTypes"), ["Ingress"]),
        Mistake("Namespace/tracardi-data", (*LABELS, "pod-security.kubernetes.io/enforce"), "baseline"),
        Mistake("Namespace/tracardi-data", ("metadata", "name"), "data"),
    ),
    "policies_name_every_peer": (
        Mistake("NetworkPolicy/redis", INGRESS, []),
        Mistake("NetworkPolicy/redis", (*INGRESS, "-"), {"podSelector": {}}),
        Mistake("NetworkPolicy/redis", (*INGRESS, "-"), {"namespaceSelector": {}}),
        Mistake("NetworkPolicy/redis", ("spec", "ingress", 0, "ports"), []),
        Mistake("NetworkPolicy/redis", ("spec", "policyTypes"), ["Ingress"]),
    ),
    "the_internet_meets_the_public_balancer_alone": (
        Mistake("NetworkPolicy/gui-api-balancer", (*INGRESS, "-"), {"ipBlock": {"cidr": "0.0.0.0/0"}}),
        Mistake("NetworkPolicy/track-balancer", ("spec", "egress", 0, "to", "-"), {"ipBlock": {"cidr": "::/0"}}),
        Mistake("Service/gui-balancer-entry", ("spec", "loadBalancerSourceRanges"), []),
        Mistake("Service/redis", ("spec", "type"), "NodePort"),
    ),
    "selectors_meet_one_role": (
        Mistake("Service/redis", ("spec", "selector", "app.kubernetes.io/component"), GONE),
        Mistake("Service/redis", ("spec", "ports", 0, "targetPort"), 6380),
        Mistake("NetworkPolicy/redis", ("spec", "podSelector", "matchLabels", "x"), "y"),
        Mistake(
            "PodDisruptionBudget/gui", ("spec", "selector", "matchLabels", "app.kubernetes.io/component"), "gui-api"
        ),
    ),
    "balancers_have_a_slot_for_every_instance": (
        Mistake("ConfigMap/track-balancer", ("data", "haproxy.cfg"), Instead("instance 11 ", "instance 10 ")),
        Mistake("ConfigMap/track-balancer", ("data", "haproxy.cfg"), Instead("11 track-api.", "11 gui-api.")),
    ),
    "references_between_objects_hold": (
        Mistake("HorizontalPodAutoscaler/track-api", ("spec", "scaleTargetRef", "name"), "gui"),
        Mistake("StatefulSet/redis", ("spec", "serviceName"), "redis-pods"),
        gateway("Gateway/track-balancer", "listeners", 0, "tls", "certificateRefs", 0, "name"),
        gateway("HTTPRoute/track-balancer", "rules", 0, "backendRefs", 0, "name"),
        gateway("HTTPRoute/track-balancer", "parentRefs", 0, "name"),
        gateway("BackendTLSPolicy/track-balancer", "targetRefs", 0, "name"),
        gateway("BackendTLSPolicy/track-balancer", "validation", "caCertificateRefs", 0, "name"),
    ),
    "gateways_stand_where_they_are_asked_for": (
        Mistake("Service/track-balancer-entry", ("spec", "type"), "LoadBalancer", "gateway"),
        Mistake("Gateway/track-balancer", ("metadata", "name"), "another", "gateway"),
    ),
}


@cache
def recorded(variant: str) -> Recording:
    return build(settings_of(variants()[variant]))


def with_mistake(mistake: Mistake) -> Recording:
    """A variant in which one object, the first of its name, is as it must not be."""
    kind, name = mistake.target.split("/")
    original = recorded(mistake.variant)
    wrong = next(each for each in original.of_kind(kind) if each.object_name == name)
    inputs = deepcopy(wrong.inputs)
    mistake.made_in(inputs)
    recording = Recording(Answers({}))
    recording.registered = [replace(each, inputs=inputs) if each is wrong else each for each in original.registered]
    return recording


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        pytest.param(rule, mistake, id=f"{rule.__name__}-{index}")
        for rule in INVARIANTS
        for index, mistake in enumerate(MISTAKES.get(rule.__name__, ()))
    ],
)
def test_a_rule_refuses_a_mistake(rule: Rule, mistake: Mistake) -> None:
    settings = settings_of(variants()[mistake.variant])
    assert list(rule(recorded(mistake.variant), settings)) == []

    assert list(rule(with_mistake(mistake), settings)) != []


def test_each_rule_has_a_mistake_to_refuse() -> None:
    assert MISTAKES.keys() == {rule.__name__ for rule in INVARIANTS}


def test_an_output_that_is_not_encrypted_is_a_fault() -> None:
    original = recorded("production")
    recording = Recording(Answers({}))
    recording.registered, recording.outputs = original.registered, original.outputs
    (rule,) = (rule for rule in INVARIANTS if rule.__name__ == "the_state_holds_no_secret_in_clear")

    assert list(rule(recording, settings_of(variants()["production"]))) == ["the output adminPassword shows a secret"]
