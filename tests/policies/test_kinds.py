"""Kinds: the pack refuses what it does not judge, and what it would judge in place of something else."""

from dataclasses import replace

import pytest

from policies.pack.resources import raw_resources
from policies.pack.rules.kinds import objects_are_declared_once, only_kinds_that_are_judged
from policies.pack.stack import StackView
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

KINDS = "only-kinds-that-are-judged"
ONCE = "objects-are-declared-once"


@pytest.mark.parametrize(
    "token",
    [
        "aws:ec2/instance:Instance",
        "command:local:Command",
        "docker:index/container:Container",
        "kubernetes:apps/v1:DeploymentList",
        "kubernetes:apps/v1:DeploymentPatch",
        "kubernetes:apps/v1:ReplicaSet",
        "kubernetes:core/v1:Endpoints",
        "kubernetes:core/v1:Pod",
        "kubernetes:core/v1:PodPatch",
        "kubernetes:core/v1:ServicePatch",
        "kubernetes:discovery.k8s.io/v1:EndpointSlice",
        "kubernetes:gateway.networking.k8s.io/v1beta1:ReferenceGrant",
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:networking.k8s.io/v1:Ingress",
        "kubernetes:v1:Service",
        "pulumi-nodejs:dynamic:Resource",
        "pulumi-python:dynamic:Resource",
        "pulumi:pulumi:Anything",
        "randomly:index:Resource",
    ],
)
def test_what_no_rule_judges_is_refused_by_the_word_that_would_allow_it(prod: State, token: str) -> None:
    prod.add(token, {"metadata": {"name": "other", "namespace": "tracardi-track"}, "spec": {}})
    _, _, kind = token.rpartition(":")
    word = f"{token.split(':')[1].partition('/')[0]}/{kind}" if token.startswith("kubernetes:") else token

    rule, view = only_kinds_that_are_judged, StackView(raw_resources(prod.analysed()))
    (finding,) = rule.check(view, rule.values({}))
    assert f" {word}, which no rule judges" in rule.message(finding)
    assert list(rule.check(view, rule.values({"alsoAllowed": [word]}))) == []


@refused(KINDS, "Command shell is of type command:local:Command, which no rule judges")
def test_a_command_beside_the_cluster(state: State) -> None:
    state.add("command:local:Command", {"metadata": {"name": "shell"}, "create": "kubectl apply -f more.yaml"})


@refused(
    KINDS,
    "Service tracardi-track/hidden calls itself DaemonSet",
    also=("services-lead-to-pods-of-the-stack",),
)
def test_an_object_that_is_called_like_another_kind(state: State) -> None:
    metadata = {"name": "hidden", "namespace": "tracardi-track"}
    state.add("kubernetes:core/v1:Service", {"apiVersion": "v1", "kind": "DaemonSet", "metadata": metadata, "spec": {}})


@refused(
    KINDS,
    "calls itself one of serving.knative.dev/v1",
    also=("services-lead-to-pods-of-the-stack",),
)
def test_an_object_that_is_called_like_another_group(state: State) -> None:
    metadata = {"name": "hidden", "namespace": "tracardi-track"}
    inputs = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": metadata, "spec": {}}
    state.add("kubernetes:core/v1:Service", inputs)


@refused(KINDS, "calls itself something that cannot be seen")
def test_an_object_whose_kind_cannot_be_seen(state: State) -> None:
    state.inputs("ConfigMap", "track-balancer")["kind"] = UNKNOWN


@accepted(KINDS)
def test_things_that_compute_and_reach_nothing(state: State) -> None:
    state.add("random:index/randomId:RandomId", {"metadata": {"name": "id"}, "byteLength": 8})
    state.add("pulumi:pulumi:StackReference", {"metadata": {"name": "other"}})
    state.add("kubernetes:core/v1:ResourceQuota", {"metadata": {"name": "quota", "namespace": "tracardi-track"}})


@accepted(KINDS, options={KINDS: {"alsoAllowed": ["command:local:Command", "monitoring.coreos.com/PodMonitor"]}})
def test_kinds_that_are_listed(state: State) -> None:
    state.add("command:local:Command", {"metadata": {"name": "notify"}})
    state.add("kubernetes:monitoring.coreos.com/v1:PodMonitor", {"metadata": {"name": "api"}})


@refused(
    ONCE,
    "NetworkPolicy tracardi-console/gui-balancer is declared twice, as tracardi-namespaces-gui-balancer-allow and as",
)
def test_a_policy_that_is_declared_twice(state: State) -> None:
    state.duplicate("NetworkPolicy", "gui-balancer", "late")["metadata"]["name"] = "gui-balancer"


@refused(ONCE, "ConfigMap tracardi-track/elsewhere is declared twice")
def test_a_config_map_that_is_declared_in_two_versions_of_its_group(state: State) -> None:
    metadata = {"name": "elsewhere", "namespace": "tracardi-track"}
    state.add("kubernetes:core/v1:ConfigMap", {"metadata": metadata, "data": {"a": "1"}})
    state.add("kubernetes:core/v2:ConfigMap", {"metadata": metadata, "data": {"a": "2"}})


@refused(ONCE, "PriorityClass one/urgent is declared twice")
def test_an_object_of_the_whole_cluster_that_is_declared_in_two_namespaces(state: State) -> None:
    for namespace in ("two", "one"):
        metadata = {"name": "urgent", "namespace": namespace}
        state.add("kubernetes:scheduling.k8s.io/v1:PriorityClass", {"metadata": metadata, "value": 1})


@refused(
    ONCE,
    "ConfigMap late has a name or namespace that cannot be seen",
    also=("namespaces-enforce-restricted",),
)
def test_an_object_whose_name_cannot_be_seen(state: State) -> None:
    state.add("kubernetes:core/v1:ConfigMap", {"metadata": {"name": "late"}, "data": {"a": "1"}})
    state.resources[-1].inputs["metadata"] = {"name": UNKNOWN}


@accepted(ONCE)
def test_objects_of_one_name_in_two_namespaces_and_of_two_kinds(state: State) -> None:
    for kind in ("ConfigMap", "ResourceQuota"):
        for namespace in ("tracardi-track", "tracardi-console"):
            metadata = {"name": "twin", "namespace": namespace}
            state.add(f"kubernetes:core/v1:{kind}", {"metadata": metadata})


@accepted(ONCE)
def test_objects_that_get_a_name_of_their_own(state: State) -> None:
    for _ in range(2):
        state.add("kubernetes:core/v1:ConfigMap", {"metadata": {"name": "auto"}, "data": {"a": "1"}})
        state.resources[-1].inputs["metadata"] = {"namespace": "tracardi-track"}


def test_objects_of_two_providers_are_perhaps_in_two_clusters(prod: State) -> None:
    rule, raw = objects_are_declared_once, raw_resources(prod.analysed())
    elsewhere = [
        replace(found, provider="urn:other") if "Service" in found.token and found.name.endswith("-entry") else found
        for found in raw
    ]

    assert list(rule.check(StackView(raw), rule.values({}))) == []
    (finding,) = rule.check(StackView(tuple(elsewhere)), rule.values({}))
    assert "has another provider than " in rule.message(finding)


def test_a_component_is_no_object_of_its_own(prod: State) -> None:
    raw = raw_resources(prod.analysed())
    component = replace(raw[0], token="aws:eks:Cluster", urn="urn:cluster", made=False)  # noqa: S106 - a type

    rule = only_kinds_that_are_judged
    assert list(rule.check(StackView((*raw, component)), rule.values({}))) == []
    assert list(rule.check(StackView((*raw, replace(component, made=True))), rule.values({})))
