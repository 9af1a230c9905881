"""The installation Job and what it is given."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.context import context_of
from components.haproxy import Upstream
from components.installation import DEADLINE_SECONDS, PROGRAM, Installation, InstallationArgs, stored_in
from model.releases import release_of, supported_versions
from tests.unit.components.conftest import build
from tests.unit.components.stores import OUTSIDE
from tests.unit.engine import Recording, Registered, run
from tests.unit.stacks import changed, settings_of, stack_file
from tests.unit.variants import existing

API = Upstream("gui-api.tracardi-console.svc.cluster.local", 8080, 3, "/healthcheck")
VERIFIED = Upstream(API.host, API.port, API.slots, API.health_path, "gui-api-tls")


def job(stack: Recording) -> Registered:
    (found,) = stack.of_kind("Job")
    return found


def installed(api: Upstream = API, /, **changes: Any) -> Registered:  # noqa: ANN401 - any setting
    """The Job that installs through `api`, as production's settings with `changes` make it."""
    settings = settings_of(changed(stack_file("prod"), **changes))
    context = context_of(settings)

    def program() -> None:
        place = stored_in(settings.data, settings.index)
        Installation("installation", InstallationArgs(context, settings.installation, api, place))

    return job(run(program))


SEARCH_ELSEWHERE: dict[str, Any] = {
    "data__elasticsearch": {"external": {"urls": ["https://search.example.com"], "networks": OUTSIDE}},
    "credentials__elasticsearch": existing("search"),
}
MYSQL_ELSEWHERE: dict[str, Any] = {
    "data__mysql": {"external": {"host": "db.example.com", "networks": OUTSIDE}},
    "credentials__mysql": existing("db"),
}
REDIS_ELSEWHERE: dict[str, Any] = {
    "data__redis": {"external": {"host": "cache.example.com", "networks": OUTSIDE}},
    "credentials__redis": existing("cache"),
}

INPUTS: dict[str, dict[str, Any]] = {
    "no event source": {"installation__eventSources": []},
    "an event source's name": {"installation__eventSources": [{"id": "website", "name": "Shop"}]},
    "the administrator's address": {"installation__adminEmail": "b@example.com"},
    "the release": {"installation__release": "0.8.2.1", "data__mysql": None},
    "the image": {"platform__images__api__digest": f"sha256:{'0' * 64}"},
    "the mirror": {"platform__imageRegistry": "registry.example.com"},
    "Elasticsearch of others": SEARCH_ELSEWHERE,
    "MySQL of others": MYSQL_ELSEWHERE,
    "the tenant": {"index__tenantName": "acme"},
}

NO_INPUTS: dict[str, dict[str, Any]] = {
    "replicas": {"track__replicas__max": 12, "guiApi__replicas": 3},
    "hosts": {"track__host": "t.example.com", "guiApi__host": "a.example.com", "gui__host": "g.example.com"},
    "certificates": {"certificates": {"source": "provided", "secrets": {"track": "a", "guiApi": "b", "gui": "c"}}},
    "balancers": {"guiApi__balancer__replicas": 3},
    "data services": {"data__elasticsearch__nodes": 5},
    "Redis of others, which keeps nothing": REDIS_ELSEWHERE,
    "other images": {"platform__images__haproxy__digest": f"sha256:{'0' * 64}"},
    "labels of pods": {"platform__labels": {"example.com/team": "data"}},
    "nodes of pods": {"platform__nodeSelector": {"pool": "apps"}, "platform__imagePullSecrets": ["mirror"]},
    "the console's policy": {"gui__contentSecurityPolicy": {"mode": "off"}},
    "trusted networks": {"network__trusted": ["198.51.100.0/24"]},
}


@pytest.mark.parametrize("changes", INPUTS.values(), ids=INPUTS)
def test_it_runs_again_when_an_input_changes(changes: dict[str, Any]) -> None:
    before, after = installed(), installed(**changes)

    assert before.object_name != after.object_name
    # What is not taken over by one object must not be taken over by the next.
    assert before.urn != after.urn


def test_another_database_or_other_nodes_are_another_place() -> None:
    mysql, search = installed(**MYSQL_ELSEWHERE), installed(**SEARCH_ELSEWHERE)

    for changes in ({"host": "other.example.com"}, {"port": 3307}, {"database": "other"}):
        external = {**MYSQL_ELSEWHERE["data__mysql"]["external"], **changes}
        assert installed(**{**MYSQL_ELSEWHERE, "data__mysql": {"external": external}}).object_name != mysql.object_name
    others = {**SEARCH_ELSEWHERE["data__elasticsearch"]["external"], "urls": ["https://other.example.com"]}
    elsewhere = installed(**{**SEARCH_ELSEWHERE, "data__elasticsearch": {"external": others}})
    assert elsewhere.object_name != search.object_name


def test_it_runs_again_when_the_program_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = installed()
    changed_program = tmp_path / "install.py"
    changed_program.write_text(PROGRAM.read_text(encoding="utf-8") + "# fixed\n", encoding="utf-8")
    monkeypatch.setattr("components.installation.PROGRAM", changed_program)

    assert installed().object_name != before.object_name


@pytest.mark.parametrize(
    "api",
    [Upstream("gui-api.elsewhere", 8080, 3, "/healthcheck"), Upstream(API.host, 8081, 3, "/healthcheck"), VERIFIED],
    ids=["host", "port", "TLS"],
)
def test_it_runs_again_when_the_api_has_another_address(api: Upstream) -> None:
    assert installed(api).object_name != installed().object_name


@pytest.mark.parametrize("changes", NO_INPUTS.values(), ids=NO_INPUTS)
def test_it_does_not_run_again_for_anything_else(changes: dict[str, Any]) -> None:
    """A Job whose pod changes is replaced, so everything but the name is ignored once it is there."""
    before, after = installed(), installed(**changes)

    assert (before.urn, before.object_name) == (after.urn, after.object_name)
    assert after.ignored_changes == ("spec",)
    without_spec = [{key: value for key, value in each.inputs.items() if key != "spec"} for each in (before, after)]
    assert without_spec[0] == without_spec[1]


def test_instances_behind_the_api_s_name_are_no_input() -> None:
    assert installed(Upstream(API.host, API.port, 9, "/healthcheck")).object_name == installed().object_name


def test_a_job_that_failed_runs_again_at_the_next_update() -> None:
    """Or a store that was down for too long would have to be followed by kubectl."""
    assert installed().inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}


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
    assert "TRACARDI_API_CA_FILE" not in environment
    assert int(environment["TRACARDI_DEADLINE_SECONDS"]) < job(stack).spec["activeDeadlineSeconds"]


def test_with_tls_inside_the_program_verifies_the_gui_api_and_sees_nothing_of_its_key() -> None:
    found = installed(VERIFIED)
    environment = found.environment("install")
    volumes = {volume["name"]: volume for volume in found.pod["volumes"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in found.container("install")["volumeMounts"]}

    assert environment["TRACARDI_API_URL"] == f"https://{API.host}:8080"
    folder, _, file = environment["TRACARDI_API_CA_FILE"].rpartition("/")
    secret = volumes[mounts[folder]]["secret"]
    assert secret["secretName"] == "gui-api-tls"
    assert secret["items"] == [{"key": "ca.crt", "path": file}]


def test_a_failure_is_told_at_once_with_its_last_lines(stack: Recording) -> None:
    """Pulumi waits for as long as it may where a pod failure policy ends a Job, and shows no log."""
    spec = job(stack).spec

    assert spec["backoffLimit"] == 0
    assert "FailJob" not in [rule["action"] for rule in spec["podFailurePolicy"]["rules"]]
    assert job(stack).container("install")["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert job(stack).pod["restartPolicy"] == "Never"


def test_what_may_go_away_is_tried_again_by_the_program_for_nearly_as_long_as_the_job_may_take(
    stack: Recording,
) -> None:
    told, limit = int(job(stack).environment("install")["TRACARDI_DEADLINE_SECONDS"]), DEADLINE_SECONDS

    assert job(stack).spec["activeDeadlineSeconds"] == limit
    assert limit * 0.9 < told < limit < int(job(stack).patience.removesuffix("s"))


def test_a_pod_that_had_to_leave_its_node_has_not_failed(stack: Recording) -> None:
    (rule,) = job(stack).spec["podFailurePolicy"]["rules"]

    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


@pytest.mark.parametrize("release", supported_versions())
def test_the_program_runs_in_the_image_and_the_python_of_the_release(release: str) -> None:
    without = {"data__mysql": None} if release.startswith("0.8") else {}
    container = installed(installation__release=release, **without).container("install")

    facts = release_of(release)
    assert container["image"] == str(facts.api)
    assert container["command"][0] == facts.python


def test_declared_event_sources_reach_the_program(prod: Recording) -> None:
    sources = json.loads(prod.find("ConfigMap", "installation").inputs["data"]["event-sources.json"])

    assert [(source["id"], source["type"], source["enabled"]) for source in sources] == [("website", ["rest"], True)]
    assert sources[0]["bridge"]["id"] == "778ded05-4ff3-4e08-9a86-72c0195fa95d"


def test_a_finished_job_is_kept(stack: Recording) -> None:
    """Removed, it would run again at the next `pulumi up`."""
    assert "ttlSecondsAfterFinished" not in job(stack).spec


def test_the_whole_stack_keeps_its_job_when_other_parts_change(prod: Recording) -> None:
    same = build(settings_of(changed(stack_file("prod"), track__replicas__max=12)))

    assert job(same).object_name == job(prod).object_name
