"""What holds for every pod, whichever component asked for it."""

import pytest

from model.services import SERVICE_NAMES
from tests.unit.components.conftest import build
from tests.unit.engine import Recording, Registered
from tests.unit.stacks import changed, settings_of, stack_file


def containers(workload: Registered) -> list[dict[str, object]]:
    return [*workload.pod["containers"], *workload.pod.get("initContainers", [])]


def test_every_pod_meets_pod_security_restricted(stack: Recording) -> None:
    for workload in stack.workloads():
        pod = workload.pod["securityContext"]
        assert pod["runAsNonRoot"] is True, workload.name
        assert pod["runAsUser"] > 0, workload.name
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}, workload.name
        for container in containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, workload.name


def test_no_pod_gets_a_token_or_service_links(stack: Recording) -> None:
    for workload in stack.workloads():
        assert workload.pod["automountServiceAccountToken"] is False, workload.name
        assert workload.pod["enableServiceLinks"] is False, workload.name
        account = stack.find("ServiceAccount", workload.pod["serviceAccountName"], workload.namespace)
        assert account.inputs["automountServiceAccountToken"] is False


def test_every_container_is_pinned_and_bounded(stack: Recording) -> None:
    for workload in stack.workloads():
        for container in containers(workload):
            repository, _, tag = str(container["image"]).rpartition(":")
            assert "/" in repository, workload.name
            assert tag != "latest", workload.name
            assert tag[0].isdigit(), workload.name
            resources = container["resources"]
            assert isinstance(resources, dict)
            assert set(resources["requests"]) == {"cpu", "memory", "ephemeral-storage"}, workload.name
            assert {"memory", "ephemeral-storage"} <= set(resources["limits"]), workload.name


def test_every_long_running_container_has_probes(stack: Recording) -> None:
    for workload in (*stack.of_kind("Deployment"), *stack.of_kind("StatefulSet")):
        # Nobody sends requests to a worker; it only has to have begun.
        first = "startupProbe" if workload.object_name in SERVICE_NAMES else "readinessProbe"
        for container in workload.pod["containers"]:
            assert {first, "livenessProbe"} <= set(container), workload.name


def test_no_probe_sends_headers(stack: Recording) -> None:
    """With an Authorization header, Tracardi's /healthcheck asks Redis."""
    for workload in stack.workloads():
        for container in containers(workload):
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                probe = container.get(kind, {})
                assert isinstance(probe, dict)
                assert "httpHeaders" not in probe.get("httpGet", {}), workload.name


def test_a_pod_in_service_drains_before_it_stops(stack: Recording) -> None:
    serving = [each for each in stack.of_kind("Deployment") if each.object_name not in SERVICE_NAMES]
    assert len(serving) == 6
    for deployment in serving:
        (container,) = deployment.pod["containers"]
        drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert drain == 10, deployment.name
        assert deployment.pod["terminationGracePeriodSeconds"] >= drain + 13, deployment.name


def test_a_saturated_api_pod_is_neither_taken_out_nor_restarted(stack: Recording) -> None:
    for name in ("track-api", "gui-api"):
        api = stack.find("Deployment", name).container("api")
        readiness, liveness = api["readinessProbe"], api["livenessProbe"]
        assert readiness["timeoutSeconds"] * readiness["failureThreshold"] > 6
        assert liveness["timeoutSeconds"] * liveness["failureThreshold"] >= 60


def test_production_instances_run_on_nodes_of_their_own(prod: Recording) -> None:
    for workload in (*prod.of_kind("Deployment"), *prod.of_kind("StatefulSet")):
        instances = workload.spec["replicas"]
        by_node, by_zone = workload.pod["topologySpreadConstraints"]
        assert by_node["topologyKey"] == "kubernetes.io/hostname"
        assert by_node["nodeTaintsPolicy"] == "Honor"
        assert by_node["labelSelector"]["matchLabels"] == workload.spec["selector"]["matchLabels"]
        assert by_zone["topologyKey"] == "topology.kubernetes.io/zone"
        assert by_zone["whenUnsatisfiable"] == "ScheduleAnyway"
        assert by_zone["nodeTaintsPolicy"] == "Honor"
        if instances > 1:
            assert by_node["maxSkew"] == 1, workload.name
            assert by_node["whenUnsatisfiable"] == "DoNotSchedule", workload.name
            assert by_node["minDomains"] == instances, workload.name


def test_many_instances_share_nodes_where_there_are_not_as_many() -> None:
    """Three nodes are required; of more, maxSkew puts instances on each before it puts a second one anywhere."""
    many = changed(stack_file("prod"), track__replicas={"min": 10, "max": 20}, data__elasticsearch={"nodes": 5})
    stack = build(settings_of(many))

    for kind, name, required in (("Deployment", "track-api", 3), ("StatefulSet", "elasticsearch", 5)):
        by_node = stack.find(kind, name).pod["topologySpreadConstraints"][0]
        assert by_node["minDomains"] == required
        assert (by_node["maxSkew"], by_node["whenUnsatisfiable"]) == (1, "DoNotSchedule")


def test_the_pods_of_an_update_are_spread_among_themselves(stack: Recording) -> None:
    """Counted together with those that they replace, new pods could end up side by side."""
    for deployment in stack.of_kind("Deployment"):
        for constraint in deployment.pod["topologySpreadConstraints"]:
            assert constraint["matchLabelKeys"] == ["pod-template-hash"], deployment.name


def test_every_pod_can_read_and_write_its_volumes(stack: Recording) -> None:
    """Secrets are mounted for the pod's own group, and a fresh volume belongs to root."""
    for workload in stack.workloads():
        assert workload.pod["securityContext"]["fsGroup"] > 0, workload.name
        for volume in workload.pod.get("volumes", []):
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440, f"{workload.name} {volume['name']}"


def test_a_small_installation_fits_on_one_node(dev: Recording) -> None:
    for workload in (*dev.of_kind("Deployment"), *dev.of_kind("StatefulSet")):
        for constraint in workload.pod["topologySpreadConstraints"]:
            assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
            assert "minDomains" not in constraint


def test_stateless_pods_leave_a_lost_node_within_half_a_minute(stack: Recording) -> None:
    for deployment in stack.of_kind("Deployment"):
        seconds = {toleration["key"]: toleration["tolerationSeconds"] for toleration in deployment.pod["tolerations"]}
        assert seconds == {"node.kubernetes.io/not-ready": 30, "node.kubernetes.io/unreachable": 30}


def test_a_rolling_update_never_falls_below_the_required_instances(stack: Recording) -> None:
    for deployment in stack.of_kind("Deployment"):
        assert deployment.spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_several_instances_have_a_budget_that_lets_a_drain_go_on(prod: Recording) -> None:
    for workload in (*prod.of_kind("Deployment"), *prod.of_kind("StatefulSet")):
        budgets = [
            budget for budget in prod.of_kind("PodDisruptionBudget") if budget.object_name == workload.object_name
        ]
        if workload.spec["replicas"] == 1:
            assert budgets == [], workload.name
            continue
        (budget,) = budgets
        assert budget.spec["maxUnavailable"] == 1
        assert budget.spec["selector"]["matchLabels"] == workload.spec["selector"]["matchLabels"]
        always = budget.spec.get("unhealthyPodEvictionPolicy")
        assert always == (None if workload.object_name == "elasticsearch" else "AlwaysAllow")


def test_selectors_never_change(stack: Recording) -> None:
    """They are immutable in Kubernetes: a change would replace every workload."""
    for workload in (*stack.of_kind("Deployment"), *stack.of_kind("StatefulSet")):
        expected = {
            "app.kubernetes.io/name": "tracardi",
            "app.kubernetes.io/instance": stack.installation,
            "app.kubernetes.io/component": workload.object_name,
        }
        assert workload.spec["selector"]["matchLabels"] == expected
        assert expected.items() <= workload.spec["template"]["metadata"]["labels"].items()


def test_the_platform_reaches_every_pod() -> None:
    platform = {
        "imageRegistry": "mirror.example.com/hub",
        "imagePullSecrets": ["pull"],
        "storageClass": "fast",
        "nodeSelector": {"pool": "tracardi"},
        "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "tracardi", "effect": "NoSchedule"}],
        "priorityClass": "important",
        "labels": {"example.com/team": "data"},
        "annotations": {"example.com/note": "x"},
    }
    stack = build(settings_of(changed(stack_file("prod"), platform=platform)))

    assert len(list(stack.workloads())) == 11
    for workload in stack.workloads():
        pod, template = workload.pod, workload.template["metadata"]
        assert all(str(container["image"]).startswith("mirror.example.com/hub/") for container in containers(workload))
        assert pod["imagePullSecrets"] == [{"name": "pull"}]
        assert pod["nodeSelector"] == {"pool": "tracardi"}
        assert pod["tolerations"][0]["key"] == "dedicated"
        assert pod["priorityClassName"] == "important"
        assert template["labels"]["example.com/team"] == "data"
        assert template["annotations"]["example.com/note"] == "x"
    for store in stack.of_kind("StatefulSet"):
        assert store.spec["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"


@pytest.mark.parametrize("stack_name", ["dev", "prod"])
def test_the_older_release_runs_without_mysql(stack_name: str) -> None:
    stack = build(settings_of(changed(stack_file(stack_name), installation__release="0.8.2.1", data__mysql=None)))

    assert {store.object_name for store in stack.of_kind("StatefulSet")} == {"elasticsearch", "redis"}
    api = stack.find("Deployment", "track-api")
    assert not [name for name in api.environment("api") if name.startswith("MYSQL_")]
    assert api.container("api")["image"].endswith(":0.8.2.1")
    assert stack.find("StatefulSet", "elasticsearch").container("elasticsearch")["image"].endswith(":7.17.29")
