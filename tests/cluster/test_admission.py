"""A real API server admits whatever accepted settings lead to, and Pod Security admits its pods."""

import base64
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import trustme
from hypothesis import given

from tests.cluster.admission import Admission, pods_of
from tests.cluster.live import Client, JsonObject
from tests.manifests.rendering import manifests
from tests.unit.components.conftest import build
from tests.unit.stacks import changed, settings_of
from tests.unit.strategies import configurations
from tests.unit.test_properties import accepted, few
from tests.unit.variants import variants
from tools.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

LONGEST_NAME = "an-installation-of-thirty-chars"[:30]
VARIANTS = variants()


@pytest.fixture(scope="module")
def admission(cluster: Cluster) -> Iterator[Admission]:
    with Admission(Client(cluster)) as judge:
        yield judge


@cache
def pair() -> dict[str, str]:
    """A certificate and its key, as a Secret has them: the server looks into Secrets of their type."""
    issued = trustme.CA().issue_cert("track.example.com")
    files = {"tls.crt": issued.cert_chain_pems[0], "tls.key": issued.private_key_pem}
    return {name: base64.b64encode(file.bytes()).decode() for name, file in files.items()}


def objects_of(configuration: dict[str, Any]) -> list[JsonObject]:
    objects = manifests(build(settings_of(configuration)))
    for manifest in objects:
        if manifest.get("type") == "kubernetes.io/tls":
            manifest["data"].update(pair())
    return objects


def judged(admission: Admission, objects: list[JsonObject]) -> list[str]:
    """What is wrong with `objects` and with the pods that they lead to, once what pods need is really there."""
    pods = list(pods_of(objects))
    admission.create(manifest for manifest in objects if manifest["kind"] == "Namespace")
    admission.create(manifest for manifest in objects if manifest["kind"] == "ServiceAccount")
    classes = {pod["spec"].get("priorityClassName", "system-cluster-critical") for pod in pods}
    admission.create(_priority(name) for name in classes - {"system-cluster-critical"})
    return admission.faults([*objects, *pods])


def _priority(name: str) -> JsonObject:
    return {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 1}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_server_admits_every_object_and_pod_of_a_variant(admission: Admission, name: str) -> None:
    assert judged(admission, objects_of(VARIANTS[name])) == []


def test_the_server_admits_whatever_accepted_settings_lead_to(admission: Admission) -> None:
    count = 0

    @few
    @given(configurations())
    def admit(configuration: dict[str, Any]) -> None:
        nonlocal count
        accepted(configuration)
        count += 1
        # Few names, because each has namespaces that are really made, and one that is as long as it may be.
        named = changed(configuration, installation__name=LONGEST_NAME if count % 2 else "tracardi")
        assert judged(admission, objects_of(named)) == []

    admit()

    assert count >= 25
    assert admission.judged > 1000


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hostNetwork": True}, 'violates PodSecurity "restricted:latest": host namespaces'),
        ({"securityContext": {}}, "runAsNonRoot != true"),
        ({"serviceAccountName": "missing"}, "error looking up service account tracardi-track/missing"),
        ({"restartPolices": "Never"}, 'unknown field "spec.restartPolices"'),
    ],
    ids=["host", "root", "account", "misspelt"],
)
def test_a_pod_that_is_not_as_it_must_be_is_refused(admission: Admission, change: JsonObject, told: str) -> None:
    objects = objects_of(VARIANTS["production"])
    assert judged(admission, objects) == []
    pod = deepcopy(next(pod for pod in pods_of(objects) if pod["metadata"]["name"] == "track-api"))
    pod["spec"].update(change)

    (fault,) = admission.faults([pod])

    assert told in fault


def test_a_custom_object_is_judged_by_its_definition(admission: Admission) -> None:
    objects = objects_of(VARIANTS["gateway"])
    assert {"Gateway", "HTTPRoute", "BackendTLSPolicy", "Certificate"} <= {each["kind"] for each in objects}
    assert judged(admission, objects) == []
    route = deepcopy(next(each for each in objects if each["kind"] == "HTTPRoute"))
    route["spec"]["rules"][0]["backendRefs"] = [{"name": "x", "port": 70000}]

    (fault,) = admission.faults([route])

    assert "port" in fault
