"""Spread: the pack refuses what brings instances together, or only hopes that they come apart."""

import pytest

from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

RULE = "instances-on-hosts-of-their-own"
HOST = "kubernetes.io/hostname"
TRACK = "Deployment tracardi-track/track-api"
GUI = "Deployment tracardi-console/gui"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def constraint(state: State, workload: str) -> JsonObject:
    """The spread over hosts."""
    found: JsonObject = state.pod(workload)["topologySpreadConstraints"][0]
    return found


def labels(state: State, workload: str) -> JsonObject:
    """What the pods of a workload are selected by."""
    found: JsonObject = dict(constraint(state, workload)["labelSelector"]["matchLabels"])
    return found


def many(state: State) -> None:
    """Ten collectors, spread over three hosts."""
    state.spec("HorizontalPodAutoscaler", "track-api")["minReplicas"] = 10


@refused(RULE, f"{TRACK} does not require hosts of their own for its 3 instances")
def test_instances_that_may_share_a_host(state: State) -> None:
    constraint(state, "track-api")["whenUnsatisfiable"] = "ScheduleAnyway"


@refused(RULE, "StatefulSet tracardi-data/elasticsearch")
def test_instances_that_two_hosts_would_do_for(state: State) -> None:
    del constraint(state, "elasticsearch")["minDomains"]


@refused(RULE, f"{TRACK} does not require 3 hosts for its 10 instances")
def test_many_instances_that_two_hosts_would_do_for(state: State) -> None:
    many(state)
    constraint(state, "track-api")["minDomains"] = 2


@accepted(RULE)
def test_many_instances_that_three_hosts_share(state: State) -> None:
    many(state)


@refused(RULE, "StatefulSet tracardi-data/elasticsearch does not require hosts of their own for its 5 instances")
def test_many_instances_with_data_that_three_hosts_share(state: State) -> None:
    state.spec("StatefulSet", "elasticsearch")["replicas"] = 5


@refused(RULE, GUI)
def test_a_spread_that_counts_other_pods(state: State) -> None:
    constraint(state, "gui")["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] = "something-else"


@refused(RULE, "for its 3 instances")
def test_no_spread_at_all(state: State) -> None:
    del state.pod("track-api")["topologySpreadConstraints"]


@refused(RULE, f"{GUI} does not require hosts of their own for its 2 instances")
def test_a_spread_that_counts_the_pods_of_others_as_well(state: State) -> None:
    constraint(state, "gui")["labelSelector"] = {}


@refused(RULE, f"{TRACK} draws its instances to the same host")
def test_instances_that_want_to_be_together(state: State) -> None:
    term = {"topologyKey": HOST, "labelSelector": {"matchLabels": labels(state, "track-api")}}
    state.pod("track-api")["affinity"] = {"podAffinity": {REQUIRED: [term]}}


@refused(RULE, f"{TRACK} may run on 2 named hosts only")
def test_instances_that_may_only_run_on_two_hosts(state: State) -> None:
    terms = [{"matchExpressions": [{"key": HOST, "operator": "In", "values": ["a", "b"]}]}]
    state.pod("track-api")["affinity"] = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}


@refused(RULE, "Deployment tracardi-console/one", "Deployment tracardi-console/gui-api")
def test_a_cluster_of_single_instances(state: State) -> None:
    state.spec("Deployment", "gui-api")["replicas"] = 1
    state.remove("PodDisruptionBudget", "gui-api")
    state.duplicate("Deployment", "gui-api", "one")


def apart(state: State, workload: str) -> JsonObject:
    """An anti-affinity of a workload towards itself."""
    del state.pod(workload)["topologySpreadConstraints"]
    term: JsonObject = {"topologyKey": HOST, "labelSelector": {"matchLabels": labels_of(state, workload)}}
    state.pod(workload)["affinity"] = {"podAntiAffinity": {REQUIRED: [term]}}
    return term


def labels_of(state: State, workload: str) -> JsonObject:
    """Labels of the pods."""
    return dict(state.template(workload)["metadata"]["labels"])


@accepted(RULE)
def test_an_anti_affinity_instead_of_a_spread(state: State) -> None:
    apart(state, "gui")


@accepted(RULE)
def test_an_anti_affinity_that_names_its_own_namespace_and_looks_for_two_values(state: State) -> None:
    component = {"key": "app.kubernetes.io/component", "operator": "In", "values": ["gui", "console"]}
    apart(state, "gui").update(namespaces=["tracardi-console"], labelSelector={"matchExpressions": [component]})


@accepted(RULE)
def test_a_spread_written_with_an_expression(state: State) -> None:
    component = {"key": "app.kubernetes.io/component", "operator": "In", "values": ["track-api"]}
    constraint(state, "track-api").update(labelSelector={"matchExpressions": [component]}, nodeAffinityPolicy="Honor")


@accepted(RULE)
def test_more_named_hosts_than_instances(state: State) -> None:
    terms = [{"matchExpressions": [{"key": HOST, "operator": "In", "values": ["a", "b", "c"]}]}]
    state.pod("track-api")["affinity"] = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}


@accepted(RULE)
def test_a_set_needs_no_revision(state: State) -> None:
    constraint(state, "elasticsearch")["matchLabelKeys"] = ["controller-revision-hash"]


@accepted(RULE)
def test_instances_that_want_to_be_near_their_clients(state: State) -> None:
    balancer = {"app.kubernetes.io/component": "track-balancer"}
    term = {"topologyKey": HOST, "labelSelector": {"matchLabels": balancer}}
    preferred = [{"weight": 1, "podAffinityTerm": term}]
    state.pod("track-api")["affinity"] = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


@pytest.mark.parametrize(
    "change",
    [
        {"maxSkew": 2},
        {"maxSkew": UNKNOWN},
        {"minDomains": 1},
        {"minDomains": UNKNOWN},
        {"topologyKey": "topology.kubernetes.io/zone"},
        {"topologyKey": UNKNOWN},
        {"labelSelector": None},
        {"labelSelector": UNDECRYPTED},
        {"labelSelector": {"matchLabels": UNKNOWN}},
        {"labelSelector": {"matchExpressions": [{"key": "app.kubernetes.io/component", "operator": "Exists"}]}},
        {"nodeTaintsPolicy": "Ignore"},
        {"nodeTaintsPolicy": None},
        {"nodeAffinityPolicy": "Ignore"},
        {"matchLabelKeys": None},
        {"matchLabelKeys": ["app.kubernetes.io/component"]},
        {"matchLabelKeys": UNKNOWN},
        {"matchLabelKeys": ["pod-template-hash", UNKNOWN]},
        {"whenUnsatisfiable": UNKNOWN},
        {"whenUnsatisfiable": None},
    ],
)
def test_a_spread_that_does_not_hold(prod: State, change: JsonObject) -> None:
    constraint(prod, "gui").update(change)

    assert set(analyse(prod)) == {RULE}


def test_a_set_of_which_each_pod_is_compared_with_itself(prod: State) -> None:
    constraint(prod, "elasticsearch")["matchLabelKeys"] = ["statefulset.kubernetes.io/pod-name"]

    assert set(analyse(prod)) == {RULE}


def test_one_constraint_that_holds_is_enough(prod: State) -> None:
    constraints = prod.pod("gui")["topologySpreadConstraints"]
    constraints.insert(0, {**constraints[0], "whenUnsatisfiable": "ScheduleAnyway"})

    assert analyse(prod) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"topologyKey": "topology.kubernetes.io/zone"},
        {"namespaces": ["tracardi-track"]},
        {"namespaceSelector": {"matchLabels": {"team": "cdp"}}},
        {"mismatchLabelKeys": ["app.kubernetes.io/component"]},
        {"matchLabelKeys": ["apps.kubernetes.io/pod-index"]},
        {"labelSelector": None},
        {"labelSelector": UNKNOWN},
        {"labelSelector": {"matchLabels": {"app.kubernetes.io/component": "gui-api"}}},
    ],
)
def test_an_anti_affinity_that_does_not_hold(prod: State, change: JsonObject) -> None:
    apart(prod, "gui").update(change)

    assert set(analyse(prod)) == {RULE}


@pytest.mark.parametrize(
    "change",
    [
        {"nodeName": "node-1"},
        {"nodeName": UNKNOWN},
        {"nodeSelector": {HOST: "node-1"}},
        {"nodeSelector": UNDECRYPTED},
        {"schedulerName": "my-own"},
        {"affinity": UNDECRYPTED},
        {
            "affinity": {
                "nodeAffinity": {
                    REQUIRED: {
                        "nodeSelectorTerms": [
                            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}
                        ]
                    }
                }
            }
        },
        {"affinity": {"podAffinity": {REQUIRED: [{"topologyKey": HOST, "labelSelector": {}}]}}},
        {
            "affinity": {
                "podAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 100, "podAffinityTerm": {"topologyKey": HOST, "labelSelector": UNKNOWN}}
                    ]
                }
            }
        },
    ],
)
def test_what_brings_instances_together_is_refused_beside_a_spread(prod: State, change: JsonObject) -> None:
    prod.pod("gui").update(change)

    assert set(analyse(prod)) == {RULE}


def test_more_hosts_are_demanded_where_that_is_configured(prod: State) -> None:
    many(prod)
    (message,) = analyse(prod, {RULE: {"hosts": 5}})[RULE]
    assert f"{TRACK} does not require 5 hosts for its 10 instances" in message

    constraint(prod, "track-api")["minDomains"] = 5
    assert analyse(prod, {RULE: {"hosts": 5}}) == {}


def test_a_preference_is_enough_where_that_is_configured(prod: State) -> None:
    optional = {RULE: {"required": False}}
    for name in ("gui", "track-api"):
        constraint(prod, name)["whenUnsatisfiable"] = "ScheduleAnyway"
        del constraint(prod, name)["minDomains"]
    assert analyse(prod, optional) == {}

    term = apart(prod, "gui")
    preferred = [{"weight": 1, "podAffinityTerm": term}]
    prod.pod("gui")["affinity"] = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    assert analyse(prod, optional) == {}

    del prod.pod("gui")["affinity"]
    (message,) = analyse(prod, optional)[RULE]
    assert f"{GUI} does not even prefer hosts of their own for its 2 instances" in message
