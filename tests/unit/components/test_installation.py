"""The installation Job and what it is given."""

import json

from tests.unit.components.conftest import build
from tests.unit.engine import Recording, Registered
from tests.unit.stacks import changed, settings_of, stack_file


def job(stack: Recording) -> Registered:
    (found,) = stack.of_kind("Job")
    return found


def test_the_job_is_named_after_its_inputs(prod: Recording) -> None:
    same = build(settings_of(changed(stack_file("prod"), track__replicas__max=12)))
    other_source = build(settings_of(changed(stack_file("prod"), installation__eventSources=[])))
    other_admin = build(settings_of(changed(stack_file("prod"), installation__adminEmail="b@example.com")))

    names = {job(stack).object_name for stack in (prod, same)}
    assert len(names) == 1
    assert len(names | {job(other_source).object_name, job(other_admin).object_name}) == 3


def test_secrets_reach_the_program_as_files(stack: Recording) -> None:
    pod = job(stack).pod
    (container,) = pod["containers"]

    assert not [variable for variable in container["env"] if "valueFrom" in variable]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["credentials"]["secret"]["secretName"] == "installation-credentials"
    assert container["command"] == ["python3", "/etc/tracardi/install.py"]


def test_the_program_goes_through_the_gui_api(stack: Recording) -> None:
    environment = job(stack).environment("install")

    assert environment["TRACARDI_API_URL"] == f"http://gui-api.{stack.installation}-console.svc.cluster.local:8080"
    assert int(environment["TRACARDI_DEADLINE_SECONDS"]) < job(stack).spec["activeDeadlineSeconds"]


def test_a_refusal_is_not_tried_again(stack: Recording) -> None:
    (rule,) = job(stack).spec["podFailurePolicy"]["rules"]

    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"]["values"] == [1]
    assert job(stack).pod["restartPolicy"] == "Never"


def test_declared_event_sources_reach_the_program(prod: Recording) -> None:
    sources = json.loads(prod.find("ConfigMap", "installation").inputs["data"]["event-sources.json"])

    assert [(source["id"], source["type"], source["enabled"]) for source in sources] == [("website", ["rest"], True)]
    assert sources[0]["bridge"]["id"] == "778ded05-4ff3-4e08-9a86-72c0195fa95d"


def test_a_finished_job_is_kept(stack: Recording) -> None:
    """Removed, it would run again at the next `pulumi up`."""
    assert "ttlSecondsAfterFinished" not in job(stack).spec
