"""The stores: how they form, how they are checked, and what they keep."""

import pytest

from components.elasticsearch import heap_mebibytes
from tests.unit.engine import Recording


def test_elasticsearch_nodes_find_each_other_before_they_are_ready(prod: Recording) -> None:
    elasticsearch = prod.find("StatefulSet", "elasticsearch")
    nodes = prod.find("Service", "elasticsearch-nodes")

    assert elasticsearch.spec["podManagementPolicy"] == "Parallel"
    assert elasticsearch.spec["serviceName"] == "elasticsearch-nodes"
    assert nodes.spec["publishNotReadyAddresses"] is True
    settings = prod.find("ConfigMap", "elasticsearch").inputs["data"]["elasticsearch.yml"]
    assert '"elasticsearch-2.elasticsearch-nodes.tracardi-data.svc.cluster.local"' in settings


def test_only_a_cluster_that_never_formed_elects_its_first_masters(prod: Recording) -> None:
    elasticsearch = prod.find("StatefulSet", "elasticsearch")

    assert elasticsearch.environment("prepare")["INITIAL_MASTER_NODES"] == (
        "elasticsearch-0,elasticsearch-1,elasticsearch-2"
    )
    scripts = prod.find("ConfigMap", "elasticsearch").inputs["data"]
    assert "if [ ! -e /var/lib/elasticsearch/formed ]" in scripts["prepare.sh"]
    assert "touch /var/lib/elasticsearch/formed" in scripts["ready.sh"]


def test_elasticsearch_speaks_tls_and_asks_for_a_password(prod: Recording) -> None:
    settings = prod.find("ConfigMap", "elasticsearch").inputs["data"]["elasticsearch.yml"]

    for line in (
        "xpack.security.enabled: true",
        "xpack.security.http.ssl.enabled: true",
        "xpack.security.transport.ssl.enabled: true",
        "xpack.security.transport.ssl.client_authentication: required",
        "node.store.allow_mmap: false",
    ):
        assert line in settings.splitlines()


def test_every_node_is_named_in_the_certificate(prod: Recording) -> None:
    (request,) = prod.of_kind("CertRequest")
    names = request.inputs["dnsNames"]

    assert names[0] == "elasticsearch.tracardi-data.svc.cluster.local"
    assert {f"elasticsearch-{node}.elasticsearch-nodes.tracardi-data.svc.cluster.local" for node in range(3)} < {*names}


def test_probes_show_no_password_in_their_arguments(prod: Recording) -> None:
    ready = prod.find("ConfigMap", "elasticsearch").inputs["data"]["ready.sh"]
    curl = ready[ready.index("curl") :]

    assert "ELASTIC_PASSWORD" not in curl
    assert "--cacert" in curl
    for flag in ("-k", "--insecure"):
        assert flag not in curl.split()


@pytest.mark.parametrize(("memory", "heap"), [("4Gi", 2048), ("2Gi", 1024), ("1536Mi", 768)])
def test_half_of_a_node_is_heap(memory: str, heap: int) -> None:
    assert heap_mebibytes(memory) == heap


def test_every_store_keeps_its_data_on_a_volume(stack: Recording) -> None:
    for store in stack.of_kind("StatefulSet"):
        (claim,) = store.spec["volumeClaimTemplates"]
        mounts = [mount["name"] for mount in store.pod["containers"][0]["volumeMounts"]]
        assert claim["metadata"]["name"] in mounts, store.name
        assert claim["spec"]["resources"]["requests"]["storage"]


def test_no_budget_blocks_the_drain_of_a_single_instance(stack: Recording) -> None:
    budgets = {budget.object_name for budget in stack.of_kind("PodDisruptionBudget")}

    assert not {"redis", "mysql"} & budgets


def test_no_store_is_reachable_from_outside(stack: Recording) -> None:
    for service in stack.of_kind("Service"):
        if service.namespace == f"{stack.installation}-data":
            assert service.spec.get("type", "ClusterIP") == "ClusterIP", service.name
