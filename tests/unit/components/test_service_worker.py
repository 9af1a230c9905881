"""Tracardi's further services: one component for every row of the catalogue."""

from dataclasses import replace
from typing import Any

import pytest

from components.context import context_of
from components.service_worker import ServiceWorker, ServiceWorkerArgs
from model.lifecycle import API_LIVENESS, worker_liveness
from model.service import Edition, Service
from model.services import services_of
from settings.services import ServiceSettings
from tests.unit.components.clusters import DATA
from tests.unit.components.conftest import build
from tests.unit.engine import JsonObject, Recording, run
from tests.unit.stacks import changed, settings_of, stack_file
from tests.unit.variants import variants

OPEN, COMMERCIAL = Edition


def stack_with(**changes: Any) -> Recording:  # noqa: ANN401 - any setting
    """The production stack with `changes`."""
    return build(settings_of(changed(stack_file("prod"), **changes)))


def alone(row: Service, **said: Any) -> Recording:  # noqa: ANN401 - any setting
    """One service by itself, with what a stack says of it."""
    context = context_of(settings_of(stack_file("prod")))
    settings = ServiceSettings.model_validate(said)

    def program() -> None:
        ServiceWorker("worker", ServiceWorkerArgs(context, row, settings, "index", DATA))

    return run(program)


@pytest.fixture(scope="module")
def every() -> Recording:
    return build(settings_of(variants()["every service"]))


@pytest.fixture(scope="module")
def old() -> Recording:
    return build(settings_of(variants()["services of 0.8.2.1"]))


def test_production_merges_profiles_without_being_asked_and_the_smallest_stack_does_not(
    prod: Recording, dev: Recording
) -> None:
    assert prod.find("Deployment", "apm").namespace == "tracardi-console"
    assert not [each for each in dev.registered if "apm" in each.name]
    assert not [each for each in prod.registered if "update-worker" in each.name]


def test_a_service_can_be_left_out() -> None:
    stack = stack_with(services={"apm": {"enabled": False}})

    assert not [each for each in stack.registered if "apm" in each.name]
    assert "apm" not in str(stack.find("NetworkPolicy", "redis").spec)


def test_a_worker_runs_what_its_row_says(every: Recording) -> None:
    apm, updates = (every.find("Deployment", name) for name in ("apm", "update-worker"))

    merging = apm.container("apm")
    assert merging["image"] == "docker.io/tracardi/apm:1.0.0"
    assert merging["command"] == ["/opt/venv/bin/python3", "app/main.py"]
    assert merging["workingDir"] == "/app"
    assert merging["envFrom"] == [{"configMapRef": {"name": "index-shape"}}]
    environment = apm.environment("apm")
    assert environment["MODE"] == "worker"
    assert environment["PAUSE"] == "60"
    assert "PRODUCTION" not in environment
    assert environment["AUTO_PROFILE_MERGING"]["secretKeyRef"]["name"] == "apm-credentials"
    assert updates.container("update-worker")["command"] == ["huey_consumer.py", "tracardi.worker.worker.queue"]
    assert updates.environment("update-worker")["LOGGING_LEVEL"] == "debug"


def test_a_worker_finds_the_stores_as_the_api_does(every: Recording) -> None:
    prefixes = ("ELASTIC_", "REDIS_", "MYSQL_")
    api = every.find("Deployment", "gui-api").environment("api")
    expected = {name: value for name, value in api.items() if name.startswith(prefixes)}

    for name in ("apm", "update-worker"):
        found = every.find("Deployment", name).environment(name)
        stores = {key: value for key, value in found.items() if key.startswith(prefixes)}
        assert str(stores).replace(f"{name}-credentials", "gui-api-credentials") == str(expected)


@pytest.mark.parametrize("variable", ["LICENSE", "INSTALLATION_TOKEN", "EXPOSE_GUI_API", "MULTI_TENANT", "TENANT"])
def test_no_worker_is_told_what_is_not_for_it(every: Recording, old: Recording, variable: str) -> None:
    """TENANT follows TENANT_NAME, which the shape of the indices says for everybody."""
    for stack in (every, old):
        for workload in stack.workloads():
            if workload.object_name in {"apm", "update-worker"}:
                assert variable not in workload.environment(workload.object_name)


def test_nobody_connects_to_a_worker(every: Recording) -> None:
    for name in ("apm", "update-worker"):
        assert "ports" not in every.find("Deployment", name).container(name)
        assert not [service for service in every.of_kind("Service") if service.object_name == name]
        assert "ingress" not in every.find("NetworkPolicy", name).spec


def test_a_worker_reaches_its_stores_and_what_is_allowed(every: Recording) -> None:
    rules = every.find("NetworkPolicy", "update-worker").spec["egress"]

    assert [rule["ports"][0]["port"] for rule in rules] == [9200, 6379, 3306, 3306, 53]
    assert rules[3]["to"] == [{"ipBlock": {"cidr": "203.0.113.64/26"}}]


def test_workers_begin_after_the_installation(every: Recording) -> None:
    (job,) = every.of_kind("Job")

    for name in ("apm", "update-worker"):
        assert every.comes_after(every.find("Deployment", name), job)


def test_the_kernel_is_asked_about_a_worker(every: Recording) -> None:
    script = every.find("ConfigMap", "apm").inputs["data"]["worker.sh"]
    container = every.find("Deployment", "apm").container("apm")

    assert script.startswith("#!/bin/sh\n")
    command = ["sh", "/etc/tracardi/worker/worker.sh"]
    assert container["startupProbe"]["exec"]["command"] == [*command, "started"]
    assert container["livenessProbe"]["exec"]["command"] == [*command, "alive"]
    assert "readinessProbe" not in container
    # It pauses for 60 s, and has to be seen at work between two questions.
    assert container["livenessProbe"]["periodSeconds"] == 120


@pytest.mark.parametrize("quiet", [1, 10, 60, 100])
def test_a_worker_may_hang_as_long_as_the_api(quiet: int) -> None:
    probe = worker_liveness(quiet)

    assert probe.period >= 2 * quiet
    assert 0 <= probe.period * probe.failures - API_LIVENESS.period * API_LIVENESS.failures < probe.period


def test_a_migration_is_not_cut_off(every: Recording, old: Recording) -> None:
    new = every.find("Deployment", "update-worker")
    stop = new.container("update-worker")["lifecycle"]["preStop"]["exec"]["command"]

    assert stop == ["sh", "/etc/tracardi/worker/worker.sh", "stop", "INT"]
    # Celery finishes what it is at when it gets TERM, which it gets anyway.
    assert "lifecycle" not in old.find("Deployment", "update-worker").container("update-worker")
    for stack in (every, old):
        assert stack.find("Deployment", "update-worker").pod["terminationGracePeriodSeconds"] == 600


def test_a_single_worker_has_no_budget_that_would_hold_a_drain_back(every: Recording) -> None:
    assert not {"apm", "update-worker"} & {budget.object_name for budget in every.of_kind("PodDisruptionBudget")}
    assert every.find("Deployment", "apm").spec["replicas"] == 1


def test_the_loop_of_0_8_serves_production() -> None:
    stack = stack_with(installation__release="0.8.2.1", data__mysql=None)

    assert stack.find("Deployment", "apm").environment("apm")["PRODUCTION"] == "yes"
    assert not [name for name in stack.find("Deployment", "apm").environment("apm") if name.startswith("MYSQL_")]


def test_a_worker_of_0_8_finds_redis_port_where_it_looks(old: Recording) -> None:
    """With a tunnel, on the pod's own loopback address."""
    environment = old.find("Deployment", "update-worker").environment("update-worker")

    assert environment["REDIS_HOST"] == "127.0.0.1:6379"
    assert environment["REDIS_PORT"] == "6379"


def test_a_schedule_makes_a_cron_job_in_the_place_of_pods(old: Recording) -> None:
    job = old.find("CronJob", "apm")
    spec = job.spec

    assert not [each for each in old.of_kind("Deployment") if each.object_name == "apm"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("*/10 * * * *", "Etc/UTC", "Forbid")
    assert job.pod["restartPolicy"] == "Never"
    assert job.environment("apm")["MODE"] == "job"
    # A run goes through production and staging, one after the other.
    assert "PRODUCTION" not in job.environment("apm")
    probes = {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle"}
    assert not probes & job.container("apm").keys()
    assert [each["name"] for each in job.pod["initContainers"]] == ["redis-tunnel"]


def test_a_service_keeps_its_account_when_it_becomes_a_cron_job(prod: Recording) -> None:
    """Under another name in the state, the old one would take the new one with it."""
    scheduled = stack_with(services={"apm": {"schedule": "0 * * * *"}})

    assert scheduled.find("ServiceAccount", "apm").urn == prod.find("ServiceAccount", "apm").urn


def test_a_new_index_shape_rolls_workers(every: Recording) -> None:
    annotations = every.find("Deployment", "apm").template["metadata"]["annotations"]
    api = every.find("Deployment", "gui-api").template["metadata"]["annotations"]

    for name in ("checksum/index-shape", "checksum/elasticsearch-ca"):
        assert annotations[name] == api[name]


@pytest.mark.parametrize("release", ["1.0.0", "0.8.2.1"])
def test_every_row_of_the_commercial_edition_leads_to_a_workload(release: str) -> None:
    for name, row in services_of(COMMERCIAL, release).items():
        stack = alone(row)
        (workload,) = stack.workloads()
        assert workload.object_name.startswith(name)
        kind = "Job" if row.prepares else "CronJob" if row.schedule else "Deployment"
        assert workload.inputs["kind"] == kind
        assert workload.container(name)["image"] == f"docker.io/{row.repository}:1.0.0"


def test_a_service_with_instances_has_a_budget_and_is_spread() -> None:
    stack = alone(services_of(COMMERCIAL, "1.0.0")["background-worker"], replicas=3)
    (workload,) = stack.workloads()

    assert workload.spec["replicas"] == 3
    assert stack.find("PodDisruptionBudget", "background-worker").spec["maxUnavailable"] == 1
    by_node: JsonObject = workload.pod["topologySpreadConstraints"][0]
    assert (by_node["whenUnsatisfiable"], by_node["minDomains"]) == ("DoNotSchedule", 3)


def test_a_service_is_told_of_no_store_that_it_does_not_need() -> None:
    (workload,) = alone(services_of(COMMERCIAL, "1.0.0")["tms"]).workloads()

    environment = workload.environment("tms")
    assert "MYSQL_HOST" in environment
    assert not [name for name in environment if name.startswith(("ELASTIC_", "REDIS_"))]
    assert "elasticsearch-ca" not in {volume["name"] for volume in workload.pod["volumes"]}


def test_one_row_makes_a_service() -> None:
    """Whatever a sixth service is, the table says it."""
    row = replace(services_of(OPEN, "1.0.0")["apm"], command=("worker",), environment=(("A", "b"),), quiet_seconds=100)

    container = next(iter(alone(row).workloads())).container("apm")

    assert container["command"] == ["worker"]
    assert {"name": "A", "value": "b"} in container["env"]
    assert container["livenessProbe"]["periodSeconds"] == 200


@pytest.fixture(scope="module")
def commercial() -> Recording:
    return build(settings_of(variants()["commercial"]))


def test_the_queue_is_made_ready_before_anything_of_tracardis_begins(commercial: Recording) -> None:
    (job,) = (job for job in commercial.of_kind("Job") if job.object_name.startswith("init-"))
    (check,) = (check for check in commercial.of_kind("Job") if check.object_name.startswith("preflight-"))
    others = ("init-", "preflight-", "gui", "track-b")

    assert commercial.comes_after(job, check)
    for workload in commercial.workloads():
        if workload.namespace != "tracardi-data" and not workload.object_name.startswith(others):
            assert commercial.comes_after(workload, job), workload.object_name
    assert commercial.comes_after(commercial.find("Deployment", "gui-api"), job)
    assert job.inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}
    assert not {"startupProbe", "readinessProbe", "livenessProbe"} & job.container("init").keys()


def test_it_is_made_ready_again_when_it_is_another_queue_and_only_then(commercial: Recording) -> None:
    def job(**changes: Any) -> str:  # noqa: ANN401 - any setting
        stack = build(settings_of(changed(variants()["commercial"], **changes)))
        return next(job.object_name for job in stack.of_kind("Job") if job.object_name.startswith("init-"))

    first = next(job.object_name for job in commercial.of_kind("Job") if job.object_name.startswith("init-"))

    assert job(track__replicas={"min": 4, "max": 9}) == first
    assert job(data__pulsar__external__tenant="other") != first


def test_each_takes_the_licence_from_a_secret_and_the_open_source_worker_none(commercial: Recording) -> None:
    for name in ("track-api", "gui-api", "apm", "background-worker", "bridge-queue"):
        deployment = commercial.find("Deployment", name)
        container = "api" if name.endswith("-api") else name
        expected = {"secretKeyRef": {"name": f"{name}-credentials", "key": "licence"}}
        assert deployment.environment(container)["LICENSE"] == expected
        assert deployment.environment(container)["PULSAR_TENANT"] == "cdp"
    updates = commercial.find("Deployment", "update-worker")
    assert not [name for name in updates.environment("update-worker") if name.startswith(("PULSAR_", "LICENSE"))]
    assert not [each for each in updates.pod.get("initContainers", []) if each["name"] == "pulsar-tunnel"]


def test_the_commercial_api_starts_where_its_image_says(commercial: Recording) -> None:
    api = commercial.find("Deployment", "track-api").container("api")

    assert api["image"] == "docker.io/tracardi/com-tracardi-api:1.0.0"
    assert "workingDir" not in api
