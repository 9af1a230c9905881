"""Two installations in one cluster: nothing of one is the other's, and one goes without the other's noticing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.live import JsonObject, Watch, told, worst
from tests.cluster.stacks import PODS, Deployment
from tests.measured import Measured
from tests.unit.stacks import changed, stack_file

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

FIRST, SECOND = "tracardi", "tracardi-dev"
"""The names that the shipped stacks have, of which one begins with the other."""

POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
INSTANCE = "app.kubernetes.io/instance"


@pytest.fixture
def second(production: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """The small stack in production's cluster, yet to be deployed."""
    deployed = Deployment(production.cluster, tmp_path / "second")
    deployed.configure(changed(stack_file("dev"), data__keep=False))
    yield deployed
    deployed.stack.destroy()


def registered(deployment: Deployment) -> set[tuple[str, str, str]]:
    """Kind, namespace ("" where it has none) and name of every object of Kubernetes that a stack has made."""
    state: JsonObject = vars(deployment.stack.export_stack())["deployment"]
    made = [each for each in state["resources"] if not each.get("external")]
    found = [each["outputs"] for each in made if each["type"].startswith("kubernetes:")]
    objects = [each for each in found if "metadata" in each]
    return {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in objects}


def owner(namespace: str) -> str:
    """The installation that a namespace is of, by the namespaces' names."""
    return namespace.rpartition("-")[0]


def selects(selector: JsonObject, labels: JsonObject) -> bool:
    assert not selector.keys() - {"matchLabels"}, "this test reads no other selectors"
    wanted: JsonObject = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def reached(policy: JsonObject, pods: list[JsonObject], namespaces: dict[str, JsonObject]) -> Iterator[JsonObject]:
    """The pods that a NetworkPolicy is for, and those that it lets these speak with."""
    own, spec = policy["metadata"]["namespace"], policy["spec"]
    peers = [
        peer
        for direction, end in (("ingress", "from"), ("egress", "to"))
        for rule in spec.get(direction, ())
        for peer in rule.get(end, ())
        if "ipBlock" not in peer
    ]
    for pod in pods:
        metadata = pod["metadata"]
        labels, namespace = metadata.get("labels", {}), metadata["namespace"]
        if namespace == own and selects(spec["podSelector"], labels):
            yield pod
        for peer in peers:
            if "namespaceSelector" in peer:
                admitted = selects(peer["namespaceSelector"], namespaces[namespace])
            else:
                admitted = namespace == own
            if admitted and selects(peer.get("podSelector", {}), labels):
                yield pod


def volumes(production: Deployment, installation: str) -> dict[str, str]:
    """Volumes of an installation, and whose claim each holds."""
    return {
        item["metadata"]["name"]: f"{claim['namespace']}/{claim['name']}"
        for item in production.client.items("/api/v1/persistentvolumes")
        for claim in (item["spec"]["claimRef"],)
        if owner(claim["namespace"]) == installation
    }


def addresses(production: Deployment, installation: str) -> set[str]:
    """What an installation's load balancers are reached at."""
    services = [each for each in production.objects("services") if owner(each["metadata"]["namespace"]) == installation]
    assert services
    return {entry["ip"] for each in services for entry in each["status"]["loadBalancer"].get("ingress", ())}


def test_two_installations_share_a_cluster_and_nothing_else(
    production: Deployment, second: Deployment, measured: Measured
) -> None:
    everything = {role: len(names) for role, names in production.placed().items()}
    before = volumes(production, FIRST)
    with Watch(production.client, f"{PODS}%2C{INSTANCE}%3D{FIRST}") as watch:
        second.stack.up()
        second.settle()

        both = registered(production), registered(second)
        assert not both[0] & both[1]
        assert {(kind, owner(namespace or name)) for kind, namespace, name in both[1]} == {
            (kind, SECOND) for kind, _, _ in both[1]
        }
        assert {kind for kind, namespace, _ in both[1] if not namespace} == {"Namespace"}

        client = production.client
        pods = client.items("/api/v1/pods")
        namespaces = {
            item["metadata"]["name"]: item["metadata"]["labels"] for item in client.items("/api/v1/namespaces")
        }
        touched = [
            (owner(policy["metadata"]["namespace"]), owner(pod["metadata"]["namespace"]))
            for policy in client.items(POLICIES)
            for pod in reached(policy, pods, namespaces)
        ]
        assert set(touched) == {(FIRST, FIRST), (SECOND, SECOND)}
        slices = client.items(
            "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=app.kubernetes.io/name%3Dtracardi"
        )
        targets = [
            (owner(item["metadata"]["namespace"]), owner(endpoint["targetRef"]["namespace"]))
            for item in slices
            for endpoint in item["endpoints"] or ()
        ]
        assert set(targets) == {(FIRST, FIRST), (SECOND, SECOND)}
        assert len(addresses(production, FIRST)) == len(addresses(production, SECOND)) == 3
        assert not addresses(production, FIRST) & addresses(production, SECOND)
        assert len(volumes(production, SECOND)) == 3
        assert production.previewed() == {"same"}

        second.stack.destroy()

    assert volumes(production, SECOND) == {}
    assert volumes(production, FIRST) == before
    assert {owner(item["metadata"]["name"]) for item in production.objects("namespaces")} == {FIRST}
    ready = worst(watch, everything)
    measured("another installation came and went: ready at the worst moment", told(ready, everything))
    assert ready == everything
    assert len(watch.snapshots) == 1, json.dumps(watch.snapshots[-1])[:2000]
