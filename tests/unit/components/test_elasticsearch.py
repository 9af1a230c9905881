"""Elasticsearch: how it forms, proves who it is, reports, and restarts without losing its quorum."""

from typing import Any

import pytest
import yaml

from components.elasticsearch import heap_mebibytes
from tests.unit.components.stores import data_services, prod_with
from tests.unit.engine import Recording


def configuration(recording: Recording) -> dict[str, Any]:
    """What elasticsearch.yml says."""
    text = recording.find("ConfigMap", "elasticsearch").inputs["data"]["elasticsearch.yml"]
    return dict(yaml.safe_load(text))


@pytest.fixture(scope="module")
def three() -> Recording:
    """Production's three nodes."""
    return data_services(prod_with())[0]


@pytest.fixture(scope="module")
def single() -> Recording:
    """The single node of a small installation."""
    return data_services(prod_with(data__elasticsearch__nodes=1, installation__profile="small"))[0]


def test_nodes_find_each_other_before_they_are_ready(three: Recording) -> None:
    elasticsearch = three.find("StatefulSet", "elasticsearch")
    nodes = three.find("Service", "elasticsearch-nodes")

    assert elasticsearch.spec["podManagementPolicy"] == "Parallel"
    assert elasticsearch.spec["serviceName"] == "elasticsearch-nodes"
    assert nodes.spec["publishNotReadyAddresses"] is True
    assert nodes.spec["clusterIP"] == "None"
    assert configuration(three)["discovery.seed_hosts"] == [
        f"elasticsearch-{node}.elasticsearch-nodes.tracardi-data.svc.cluster.local" for node in range(3)
    ]


@pytest.mark.parametrize(("nodes", "first"), [(1, 1), (3, 3), (5, 3)])
def test_only_a_cluster_that_never_formed_elects_its_first_masters(nodes: int, first: int) -> None:
    found, _ = data_services(prod_with(data__elasticsearch__nodes=nodes, installation__profile="small"))

    initial = found.find("StatefulSet", "elasticsearch").environment("prepare")["INITIAL_MASTER_NODES"]
    assert initial.split(",") == [f"elasticsearch-{node}" for node in range(first)]
    assert "cluster.initial_master_nodes" not in configuration(found)
    scripts = found.find("ConfigMap", "elasticsearch").inputs["data"]
    assert "if [ ! -e /var/lib/elasticsearch/formed ]" in scripts["prepare.sh"]
    assert "touch /var/lib/elasticsearch/formed" in scripts["ready.sh"]


@pytest.mark.parametrize("layer", ["http", "transport"])
def test_every_connection_is_encrypted_and_nobody_is_let_in_without_a_password(three: Recording, layer: str) -> None:
    settings = configuration(three)

    assert settings["xpack.security.enabled"] is True
    assert settings[f"xpack.security.{layer}.ssl.enabled"] is True
    assert settings[f"xpack.security.{layer}.ssl.certificate"] == "certs/tls.crt"
    assert settings[f"xpack.security.{layer}.ssl.certificate_authorities"] == ["certs/ca.crt"]


def test_only_nodes_talk_among_nodes(three: Recording) -> None:
    settings = configuration(three)

    assert settings["xpack.security.transport.ssl.client_authentication"] == "required"
    assert settings["xpack.security.transport.ssl.verification_mode"] == "certificate"


def test_every_node_is_named_in_the_certificate(three: Recording) -> None:
    (request,) = three.of_kind("CertRequest")
    names = request.inputs["dnsNames"]

    assert names[0] == "elasticsearch.tracardi-data.svc.cluster.local"
    assert {f"elasticsearch-{node}.elasticsearch-nodes.tracardi-data.svc.cluster.local" for node in range(3)} < {*names}


def test_a_renewed_certificate_is_read_by_running_nodes(three: Recording) -> None:
    """Elasticsearch watches the files; a single file of a Secret (subPath) would never change."""
    elasticsearch = three.find("StatefulSet", "elasticsearch")
    (mount,) = (
        mount for mount in elasticsearch.container("elasticsearch")["volumeMounts"] if mount["name"] == "certificates"
    )

    assert "subPath" not in mount
    assert not [name for name in elasticsearch.spec["template"]["metadata"]["annotations"] if "certificate" in name]


@pytest.mark.parametrize("allowed", [False, True])
def test_memory_maps_are_used_on_prepared_nodes_only(allowed: bool) -> None:  # noqa: FBT001 - the setting itself
    found, _ = data_services(prod_with(data__elasticsearch__allowMmap=allowed))

    assert configuration(found)["node.store.allow_mmap"] is allowed


@pytest.mark.parametrize(("release", "tag"), [("1.0.0", "8.11.3"), ("0.8.2.1", "7.17.29")])
def test_each_release_gets_the_version_it_is_known_to_work_with(release: str, tag: str) -> None:
    found, _ = data_services(prod_with(installation__release=release, data__mysql=None))

    image = found.find("StatefulSet", "elasticsearch").container("elasticsearch")["image"]
    assert image == f"docker.io/library/elasticsearch:{tag}"


def test_a_node_that_waits_for_others_is_not_killed(three: Recording) -> None:
    node = three.find("StatefulSet", "elasticsearch").container("elasticsearch")

    assert node["startupProbe"]["exec"]["command"] == ["sh", "/etc/tracardi/ready.sh", "started"]
    assert node["readinessProbe"]["exec"]["command"] == ["sh", "/etc/tracardi/ready.sh", "ready"]
    assert node["livenessProbe"]["tcpSocket"]["port"] == 9200


def test_the_next_node_goes_down_only_when_no_shard_depends_on_it(three: Recording, single: Recording) -> None:
    elasticsearch = three.find("StatefulSet", "elasticsearch")

    assert elasticsearch.environment("elasticsearch")["READY_STATUS"] == "green"
    # Kubernetes' own default, one at a time: `Parallel` is about scaling, not about updates.
    assert "updateStrategy" not in elasticsearch.spec
    budget = three.find("PodDisruptionBudget", "elasticsearch").spec
    assert budget["maxUnavailable"] == 1
    assert "unhealthyPodEvictionPolicy" not in budget
    assert single.find("StatefulSet", "elasticsearch").environment("elasticsearch")["READY_STATUS"] == "yellow"


def test_probes_verify_whom_they_ask(three: Recording) -> None:
    ready = three.find("ConfigMap", "elasticsearch").inputs["data"]["ready.sh"]

    assert "--cacert" in ready
    for flag in ("-k", "--insecure"):
        assert flag not in ready.split()


@pytest.mark.parametrize("writable", ["config", "logs", "tmp"])
def test_a_node_writes_nowhere_but_where_it_must(three: Recording, writable: str) -> None:
    elasticsearch = three.find("StatefulSet", "elasticsearch")
    node = elasticsearch.container("elasticsearch")

    assert node["securityContext"]["readOnlyRootFilesystem"] is True
    (mount,) = (mount for mount in node["volumeMounts"] if mount["mountPath"].endswith(f"elasticsearch/{writable}"))
    (volume,) = (volume for volume in elasticsearch.pod["volumes"] if volume["name"] == mount["name"])
    assert "emptyDir" in volume


@pytest.mark.parametrize(("memory", "heap"), [("4Gi", 2048), ("2Gi", 1024), ("1536Mi", 768)])
def test_half_of_a_node_is_heap(memory: str, heap: int) -> None:
    assert heap_mebibytes(memory) == heap


def test_a_node_runs_as_the_user_and_group_that_its_image_s_files_are_for(three: Recording) -> None:
    security = three.find("StatefulSet", "elasticsearch").pod["securityContext"]

    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (1000, 0, 1000)


def test_a_node_s_data_lie_on_its_volume_under_its_own_name(three: Recording) -> None:
    """First masters are named, so a node has to know its own name."""
    mounts = {
        mount["name"]: mount["mountPath"]
        for mount in three.find("StatefulSet", "elasticsearch").container("elasticsearch")["volumeMounts"]
    }

    assert configuration(three)["path.data"].startswith(f"{mounts['data']}/")
    assert configuration(three)["node.name"] == "${HOSTNAME}"


def test_a_node_looks_for_its_temporary_files_where_it_may_write(three: Recording) -> None:
    node = three.find("StatefulSet", "elasticsearch")
    mounts = {mount["mountPath"]: mount for mount in node.container("elasticsearch")["volumeMounts"]}

    assert not mounts[node.environment("elasticsearch")["ES_TMPDIR"]].get("readOnly")


def test_a_node_asks_nothing_of_the_internet(three: Recording) -> None:
    """No pod here may reach it: every start would wait, and fail, in the background."""
    assert configuration(three)["ingest.geoip.downloader.enabled"] is False


def test_no_log_outgrows_what_a_pod_may_write(three: Recording) -> None:
    """The image logs garbage collection into files of up to 2 GB."""
    options = three.find("StatefulSet", "elasticsearch").environment("elasticsearch")["ES_JAVA_OPTS"]

    assert " -Xlog:disable " in options


def test_old_and_new_nodes_of_an_update_never_share_a_server(three: Recording) -> None:
    (by_host, _) = three.find("StatefulSet", "elasticsearch").pod["topologySpreadConstraints"]

    assert by_host["whenUnsatisfiable"] == "DoNotSchedule"
    assert "matchLabelKeys" not in by_host
