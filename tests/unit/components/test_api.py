"""The two API clusters: one image, two duties."""

import pytest

from tests.unit.components.conftest import build
from tests.unit.engine import Recording
from tests.unit.stacks import changed, settings_of, stack_file


def test_the_track_cluster_collects_and_does_nothing_else(stack: Recording) -> None:
    environment = stack.find("Deployment", "track-api").environment("api")

    assert environment["EXPOSE_GUI_API"] == "no"
    assert environment["PRODUCTION"] == "yes"
    assert environment["API_DOCS"] == "no"
    assert environment["SAVE_LOGS"] == "no"
    assert environment["TRACK_DEBUG"] == "no"


def test_the_gui_api_can_manage_users(stack: Recording) -> None:
    """User management works on an empty index with PRODUCTION=yes."""
    environment = stack.find("Deployment", "gui-api").environment("api")

    assert environment["EXPOSE_GUI_API"] == "yes"
    assert environment["PRODUCTION"] == "no"


@pytest.mark.parametrize("name", ["track-api", "gui-api"])
def test_one_pod_runs_one_worker(stack: Recording, name: str) -> None:
    container = stack.find("Deployment", name).container("api")

    assert container["command"] == ["python3", "-m", "uvicorn", "app.main:application"]
    assert "--workers=1" in container["args"]


@pytest.mark.parametrize("name", ["track-api", "gui-api"])
def test_instances_keep_idle_connections_longer_than_balancers(stack: Recording, name: str) -> None:
    arguments = stack.find("Deployment", name).container("api")["args"]

    assert "--timeout-keep-alive=75" in arguments
    balancer = stack.find("ConfigMap", f"{name.removesuffix('-api') if name == 'track-api' else name}-balancer")
    assert "pool-purge-delay 30s" in balancer.inputs["data"]["haproxy.cfg"]


@pytest.mark.parametrize("name", ["track-api", "gui-api"])
def test_variables_that_break_tracardi_are_absent(stack: Recording, name: str) -> None:
    environment = stack.find("Deployment", name).environment("api")

    assert not {"LICENSE", "MULTI_TENANT", "TENANT_NAME"} & set(environment)
    assert environment["REDIS_PORT"] == "6379"
    assert environment["MYSQL_PORT"] == "3306"


@pytest.mark.parametrize("name", ["track-api", "gui-api"])
def test_elasticsearch_is_verified(stack: Recording, name: str) -> None:
    environment = stack.find("Deployment", name).environment("api")

    assert environment["ELASTIC_HOST"] == f"https://elasticsearch.{stack.installation}-data.svc.cluster.local:9200"
    assert environment["ELASTIC_VERIFY_CERTS"] == "yes"
    assert environment["ELASTIC_CA_FILE"] == "/etc/tracardi/elasticsearch/ca.crt"


def test_the_index_shape_is_the_same_in_every_namespace(stack: Recording) -> None:
    track = stack.find("ConfigMap", "index-shape", f"{stack.installation}-track").inputs["data"]
    console = stack.find("ConfigMap", "index-shape", f"{stack.installation}-console").inputs["data"]

    assert track == console
    assert track["ELASTIC_INDEX_SHARDS"] == "3"
    for name in ("track-api", "gui-api"):
        sources = stack.find("Deployment", name).container("api")["envFrom"]
        assert sources == [{"configMapRef": {"name": "index-shape"}}]


def test_a_changed_index_shape_rolls_every_api_pod() -> None:
    before = build(settings_of(stack_file("prod")))
    after = build(settings_of(changed(stack_file("prod"), index__shards=5)))

    def annotation(stack: Recording, name: str) -> str:
        annotations = stack.find("Deployment", name).spec["template"]["metadata"]["annotations"]
        return str(annotations["checksum/index-shape"])

    assert annotation(before, "track-api") == annotation(before, "gui-api")
    assert annotation(before, "track-api") != annotation(after, "track-api")


def test_extra_variables_never_replace_ours() -> None:
    stack = build(settings_of(changed(stack_file("prod"), track__environment={"LOGGING_LEVEL": "error", "EXTRA": "1"})))

    environment = stack.find("Deployment", "track-api").environment("api")
    assert environment["EXTRA"] == "1"
    assert "EXTRA" not in stack.find("Deployment", "gui-api").environment("api")


def test_the_autoscaler_owns_the_number_of_collectors(prod: Recording) -> None:
    deployment = prod.find("Deployment", "track-api")
    autoscaler = prod.find("HorizontalPodAutoscaler", "track-api")

    assert deployment.spec["replicas"] == 3
    assert deployment.ignored_changes == ("spec.replicas",)
    assert (autoscaler.spec["minReplicas"], autoscaler.spec["maxReplicas"]) == (3, 10)
    assert autoscaler.spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "track-api"}


def test_equal_bounds_need_no_autoscaler(dev: Recording) -> None:
    assert dev.of_kind("HorizontalPodAutoscaler") == ()
    assert dev.find("Deployment", "track-api").ignored_changes == ()
