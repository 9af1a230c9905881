"""API pods as the cluster made them."""

from pathlib import Path

import pytest

from components.programs import serve
from tests.cluster.live import JsonObject
from tests.cluster.stacks import Deployment

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

API = {"track-api": "tracardi-track", "gui-api": "tracardi-console"}
"""The API's two roles, and their namespaces."""


@pytest.mark.parametrize("role", API)
def test_every_pod_runs_one_worker(production: Deployment, role: str) -> None:
    """The program has one, and no way to have more."""
    programs = {tuple(container["command"]) for container in containers(production, role)}

    assert programs == {("python3", "/etc/tracardi/program/serve.py")}
    config_map = production.client.get(f"/api/v1/namespaces/{API[role]}/configmaps/api-program")
    assert config_map["data"]["serve.py"] == Path(serve.__file__).read_text(encoding="utf-8")


def test_every_pod_of_both_clusters_reads_the_same_index_shape(production: Deployment) -> None:
    shapes = []
    for role, namespace in API.items():
        shape = production.client.get(f"/api/v1/namespaces/{namespace}/configmaps/index-shape")["data"]
        shapes.append(shape)
        for container in containers(production, role):
            assert container["envFrom"] == [{"configMapRef": {"name": "index-shape"}}]
            assert not shape.keys() & {variable["name"] for variable in container["env"]}

    assert shapes[0] == shapes[1]
    assert shapes[0]["ELASTIC_INDEX_SHARDS"] == "3"


def containers(production: Deployment, role: str) -> list[JsonObject]:
    found = [pod["spec"]["containers"][0] for pod in production.pods(role)]
    assert len(found) > 1
    return found
