"""The check of stores that others run, and what it is given."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.preflight import PROGRAM
from components.programs import preflight
from model.releases import release_of
from model.roles import Role, Tier
from tests.unit.components.conftest import build
from tests.unit.components.stores import AUTHORITY, OUTSIDE
from tests.unit.engine import JsonObject, Recording, Registered
from tests.unit.stacks import changed, settings_of
from tests.unit.variants import GIVEN, existing, variants

EXTERNAL = variants()["external data"]
TUNNELS = variants()["external data through tunnels"]
QUEUE = variants()["commercial"]
PLAIN_QUEUE = variants()["commercial 0.8.2.1 with a queue in plain text"]
PREFIXES = {"elasticsearch": "ELASTIC_", "redis": "REDIS_", "mysql": "MYSQL_", "pulsar": "PULSAR_"}
REDIS = {"host": "cache.example.com", "networks": OUTSIDE}


@cache
def external() -> Recording:
    """Production with every store run by others."""
    return build(settings_of(EXTERNAL))


@cache
def tunnels() -> Recording:
    """The same, with tunnels to Redis and MySQL."""
    return build(settings_of(TUNNELS))


@cache
def queue() -> Recording:
    """Production of the commercial edition with Pulsar, and nothing else, run by others, through TLS."""
    return build(settings_of(QUEUE))


def redis_alone(**changes: Any) -> Recording:  # noqa: ANN401 - any setting
    """Production with Redis run by others."""
    usual = {"data__redis": {"external": REDIS}, "credentials__redis": existing("cache")}
    return build(settings_of(changed(variants()["production"], **{**usual, **changes})))


def job(stack: Recording) -> Registered:
    (found,) = (each for each in stack.of_kind("Job") if each.object_name.startswith("preflight-"))
    return found


def variables(stack: Recording) -> JsonObject:
    return job(stack).environment("preflight")


def plan(stack: Recording) -> JsonObject:
    return dict(json.loads(stack.find("ConfigMap", "preflight").inputs["data"]["plan.json"]))


@pytest.fixture(params=[external, tunnels, queue], ids=["external", "tunnels", "queue"])
def outside(request: pytest.FixtureRequest) -> Recording:
    """Each of the installations whose stores others run."""
    stack: Recording = request.param()
    return stack


# Where it is


def test_where_no_store_is_run_by_others_there_is_nothing_of_it(stack: Recording) -> None:
    assert not [each.name for each in stack.registered if "preflight" in each.name]


def test_where_it_is_switched_off_there_is_nothing_of_it() -> None:
    without = build(settings_of(changed(EXTERNAL, data__preflight=False)))

    assert not [each.name for each in without.registered if "preflight" in each.name]
    assert without.find("Deployment", "track-api").inputs == external().find("Deployment", "track-api").inputs


@pytest.mark.parametrize("api", ["track-api", "gui-api"])
def test_whatever_uses_the_stores_waits_for_it(outside: Recording, api: str) -> None:
    (installation,) = (each for each in outside.of_kind("Job") if each.object_name.startswith("installation-"))

    assert outside.comes_after(outside.find("Deployment", api), job(outside))
    assert outside.comes_after(installation, job(outside))


def test_it_waits_for_what_it_reads(outside: Recording) -> None:
    needed = [
        outside.find("Secret", "preflight-credentials"),
        outside.find("ConfigMap", "preflight"),
        outside.find("ServiceAccount", "preflight"),
        outside.find("NetworkPolicy", "preflight"),
        *(each for each in outside.of_kind("ConfigMap") if each.object_name.startswith("preflight-")),
    ]

    for each in needed:
        assert outside.comes_after(job(outside), each), each.name


@pytest.mark.parametrize("stack", [external, tunnels, redis_alone], ids=["external", "tunnels", "redis alone"])
def test_until_it_is_over_nothing_changes_for_pods_that_use_the_stores(stack: Callable[[], Recording]) -> None:
    """Those that are there go on, and so do new ones of theirs, with what they were given before."""
    found = stack()
    theirs = [
        each
        for each in found.registered
        if each.token.startswith("kubernetes:")
        and not each.token.endswith(":Namespace")
        and each.namespace in {"tracardi-track", "tracardi-console"}
        and each.object_name != "default-deny"
        and not each.object_name.startswith("preflight")
    ]
    early = {f"{each.inputs['kind']}/{each.object_name}" for each in theirs if not found.comes_after(each, job(found))}

    assert len(theirs) > 30
    assert early == set()


def test_it_mounts_nothing_that_changes_once_it_is_over(outside: Recording) -> None:
    volumes = job(outside).pod["volumes"]
    maps = {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}

    assert len(maps) > 1
    assert {name for name in maps if not name.startswith("preflight")} == set()


@pytest.mark.parametrize(("host", "asks"), [("cache.example.com", True), ("203.0.113.9", False)])
def test_it_asks_dns_where_a_store_has_a_name(host: str, asks: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    found = redis_alone(data__redis__external__host=host)

    ports = [port["port"] for rule in found.find("NetworkPolicy", "preflight").spec["egress"] for port in rule["ports"]]
    assert (53 in ports) is asks


def test_it_does_not_wait_for_what_it_is_to_protect(outside: Recording) -> None:
    assert not outside.comes_after(job(outside), outside.find("Deployment", "gui-api"))


def egress(stack: Recording, role: str) -> list[JsonObject]:
    return [rule for rule in stack.find("NetworkPolicy", role).spec["egress"] if "ipBlock" in str(rule)]


@pytest.mark.parametrize("api", ["track-api", "gui-api"])
def test_it_reaches_what_both_api_clusters_reach_and_takes_no_connection(outside: Recording, api: str) -> None:
    """So that one of it speaks for both."""
    assert egress(outside, "preflight") == egress(outside, api) != []
    assert "ingress" not in outside.find("NetworkPolicy", "preflight").spec


def test_it_asks_dns_even_where_it_reaches_nothing_inside(outside: Recording) -> None:
    rules = outside.find("NetworkPolicy", "preflight").spec["egress"]

    assert [port["port"] for rule in rules if "kube-dns" in str(rule) for port in rule["ports"]] == [53, 53]


def test_what_only_api_pods_may_reach_it_may_not() -> None:
    allowed = {"allow": [{"cidr": "203.0.113.9/32", "port": 443}]}
    stack = redis_alone(track__egress=allowed, guiApi__egress=allowed)

    assert "203.0.113.9" in str(egress(stack, "gui-api"))
    assert "203.0.113.9" not in str(egress(stack, "preflight"))


def test_it_runs_as_api_pods_do() -> None:
    platform = {
        "imageRegistry": "registry.example.com",
        "imagePullSecrets": ["mirror"],
        "nodeSelector": {"pool": "apps"},
        "labels": {"example.com/team": "data"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    }
    stack = redis_alone(platform=platform)
    mine, theirs = job(stack), stack.find("Deployment", "gui-api")

    assert mine.namespace == theirs.namespace == f"tracardi-{Tier.CONSOLE}"
    for key in ("imagePullSecrets", "nodeSelector", "tolerations", "securityContext", "automountServiceAccountToken"):
        assert mine.pod[key] == theirs.pod[key], key
    assert mine.container("preflight")["image"] == theirs.container("api")["image"]
    labels = mine.spec["template"]["metadata"]["labels"]
    assert labels["example.com/team"] == "data"
    # Or the GUI API's Service would lead to it.
    assert labels["app.kubernetes.io/component"] == "preflight"


def test_its_failure_is_told_at_once_with_its_last_lines(outside: Recording) -> None:
    """Pulumi waits for as long as it may where a pod failure policy ends a Job, and shows no log."""
    spec = job(outside).spec

    assert spec["backoffLimit"] == 0
    assert [rule["action"] for rule in spec["podFailurePolicy"]["rules"]] == ["Ignore"]
    assert job(outside).container("preflight")["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert job(outside).pod["restartPolicy"] == "Never"


def test_it_says_what_it_found_before_it_is_ended(outside: Recording) -> None:
    told = variables(outside)
    limit = job(outside).spec["activeDeadlineSeconds"]

    # Time enough for the image to arrive.
    assert int(told["PREFLIGHT_DEADLINE_SECONDS"]) * 2 < limit
    assert int(job(outside).patience.removesuffix("s")) > limit


def test_one_that_failed_runs_again_at_the_next_update(outside: Recording) -> None:
    assert job(outside).inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}


# What it checks


def test_it_is_told_of_the_stores_as_api_pods_are(outside: Recording) -> None:
    api = outside.find("Deployment", "track-api").environment("api")
    told = {name: value for name, value in variables(outside).items() if name.startswith(tuple(PREFIXES.values()))}

    prefixes = tuple(PREFIXES[store] for store in plan(outside)["stores"])
    expected = {name: value for name, value in api.items() if name.startswith(prefixes)}
    assert json.loads(json.dumps(expected).replace("track-api-credentials", "preflight-credentials")) == told
    assert len(told) >= 3 * len(prefixes)


def test_the_program_and_its_plan_are_where_it_looks_for_them(outside: Recording) -> None:
    container = job(outside).container("preflight")
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}

    assert container["command"] == ["python3", "-m", "preflight"]
    assert mounts[f"{container['workingDir']}/preflight"] == "program"
    assert variables(outside)["PREFLIGHT_PLAN"] == f"{container['workingDir']}/preflight/plan.json"
    files = outside.find("ConfigMap", "preflight").inputs["data"]
    assert files.keys() == {file.name for file in Path(preflight.__file__).parent.glob("*.py")} | {"plan.json"}
    assert {"__init__.py", "__main__.py"} < files.keys()


def test_the_plan_says_what_api_pods_need_not_know() -> None:
    stores, release = plan(external())["stores"], release_of("1.0.0")

    assert list(stores) == ["elasticsearch", "redis", "mysql"]
    for name, store in stores.items():
        versions = release.store_versions[Role(name)]
        assert store["networks"] == ["198.51.100.0/24"]
        assert store["tunnel"] is None
        assert store["versions"] == {"least": versions.least, "below": versions.below, "known": versions.known}


def test_the_far_end_of_a_tunnel_is_part_of_the_plan() -> None:
    stores = plan(tunnels())["stores"]

    assert stores["redis"]["tunnel"] == {"host": "cache.example.com", "port": 6380, "authority": None}
    mysql = {"host": "db.example.com", "port": 3306, "authority": "/etc/tunnels/mysql-ca.crt"}
    assert stores["mysql"]["tunnel"] == mysql
    mounted = [mount["mountPath"] for mount in job(tunnels()).container("preflight")["volumeMounts"]]
    assert "/etc/tunnels" in mounted
    assert "mysql-ca.crt" in tunnels().find("ConfigMap", "tunnels", "tracardi-console").inputs["data"]


def test_pulsar_is_checked_at_both_of_its_addresses() -> None:
    stores, versions = plan(queue())["stores"], release_of("1.0.0").commercial.pulsar_versions
    pulsar = stores["pulsar"]

    assert list(stores) == ["pulsar"]
    assert pulsar["networks"] == ["198.51.100.0/24"]
    assert pulsar["versions"] == {"least": versions.least, "below": versions.below, "known": versions.known}
    authority = "/etc/tunnels/pulsar-ca.crt"
    assert pulsar["tunnel"] == {"host": "queue.example.com", "port": 6651, "authority": authority}
    assert pulsar["apiTunnel"] == {"host": "admin.queue.example.com", "port": 8443, "authority": authority}
    assert "pulsar-ca.crt" in queue().find("ConfigMap", "tunnels", "tracardi-console").inputs["data"]
    assert {rule["ports"][0]["port"] for rule in egress(queue(), "preflight")} == {6651, 8443}


def test_pulsar_in_plain_text_is_checked_without_tunnels() -> None:
    stack = build(settings_of(PLAIN_QUEUE))
    pulsar = plan(stack)["stores"]["pulsar"]

    assert (pulsar["tunnel"], pulsar["apiTunnel"]) == (None, None)
    # Nor has it the one that API pods have to Redis in the cluster.
    assert "initContainers" not in job(stack).pod
    assert variables(stack)["PULSAR_API"] == "http://queue.example.com:8080"


def test_a_queue_in_the_cluster_is_no_business_of_it() -> None:
    inside = {**QUEUE, **{key: value for key, value in EXTERNAL.items() if key.endswith((":data", ":credentials"))}}
    stack = build(settings_of(inside))

    assert "pulsar" not in plan(stack)["stores"]
    assert not [name for name in variables(stack) if name.startswith("PULSAR")]
    assert "pulsar-token" not in stack.find("Secret", "preflight-credentials").inputs["data"]


@pytest.mark.parametrize(
    ("stack", "sidecars"),
    [(tunnels, ["redis-tunnel", "mysql-tunnel"]), (queue, ["pulsar-tunnel"])],
    ids=["tunnels", "queue"],
)
def test_it_goes_through_the_tunnels_that_api_pods_go_through(
    stack: Callable[[], Recording], sidecars: list[str]
) -> None:
    mine = job(stack()).pod["initContainers"]

    assert mine == stack().find("Deployment", "gui-api").pod["initContainers"]
    assert [(each["name"], each["restartPolicy"]) for each in mine] == [(name, "Always") for name in sidecars]
    assert "initContainers" not in job(external()).pod


def test_a_store_inside_is_no_business_of_it() -> None:
    stack = redis_alone(data__mysql={"tunnel": True})

    assert list(plan(stack)["stores"]) == ["redis"]
    assert not [name for name in variables(stack) if name.startswith(("ELASTIC", "MYSQL"))]
    assert stack.find("Secret", "preflight-credentials").inputs["data"].keys() == {"redis-password"}
    assert "initContainers" not in job(stack).pod
    assert egress(stack, "preflight") == egress(stack, "gui-api")


def test_a_release_without_mysql_has_none_to_check() -> None:
    stack = redis_alone(installation__release="0.8.2.1", data__mysql=None)

    assert plan(stack)["release"] == "0.8.2.1"
    assert list(plan(stack)["stores"]) == ["redis"]


def test_no_secret_is_in_what_anybody_reads(outside: Recording) -> None:
    told = str(variables(outside)) + str(outside.find("ConfigMap", "preflight").inputs)

    assert "canary-" not in told
    (name, key) = ("PULSAR_AUTH_TOKEN", "pulsar-token") if outside is queue() else ("REDIS_PASSWORD", "redis-password")
    assert variables(outside)[name] == {"secretKeyRef": {"name": "preflight-credentials", "key": key}}


# When it runs

INPUTS: dict[str, dict[str, Any]] = {
    "an address": {"data__redis__external__host": "other.example.com"},
    "a port": {"data__redis__external__port": 6400},
    "networks": {"data__mysql__external__networks": ["198.51.100.0/25"]},
    "an address of Elasticsearch": {"data__elasticsearch__external__urls": ["https://search.example.com"]},
    "a user": {"data__mysql__external__username": "other"},
    "a database": {"data__mysql__external__database": "other"},
    "an authority": {"data__elasticsearch__external__certificateAuthority": AUTHORITY},
    "no authority": {"data__elasticsearch__external__certificateAuthority": None},
    "a tunnel": {"data__redis__tunnel": True},
    "a store less": {"data__redis__external": None, "credentials__redis": None},
    "the image": {"platform__images__api__digest": f"sha256:{'0' * 64}"},
}

NO_INPUTS: dict[str, dict[str, Any]] = {
    "replicas": {"track__replicas__max": 12, "guiApi__replicas": 3},
    "hosts": {"track__host": "t.example.com"},
    "labels": {"platform__labels": {"example.com/team": "data"}},
    "where a password stands": {"credentials__redis": GIVEN["redis"]},
    "event sources": {"installation__eventSources": []},
}


@pytest.mark.parametrize("changes", INPUTS.values(), ids=INPUTS)
def test_it_runs_again_when_what_it_checks_changes(changes: dict[str, Any]) -> None:
    before, after = job(external()), job(build(settings_of(changed(EXTERNAL, **changes))))

    assert before.object_name != after.object_name
    assert before.urn != after.urn


@pytest.mark.parametrize("key", ["url", "api", "cluster", "tenant", "networks", "certificateAuthority"])
def test_it_runs_again_when_anything_of_pulsar_changes(key: str) -> None:
    others: dict[str, Any] = {
        "url": "pulsar+ssl://other.example.com",
        "api": "https://other.example.com",
        "cluster": "us",
        "tenant": "other",
        "networks": ["198.51.100.0/25"],
        "certificateAuthority": AUTHORITY,
    }
    other = build(settings_of(changed(QUEUE, **{f"data__pulsar__external__{key}": others[key]})))

    assert job(other).object_name != job(queue()).object_name


@pytest.mark.parametrize(
    "changes",
    [{"data__mysql__external__certificateAuthority": AUTHORITY}, {"data__redis__external__port": 6400}],
    ids=["authority", "port"],
)
def test_it_runs_again_when_a_tunnel_changes(changes: dict[str, Any]) -> None:
    assert job(build(settings_of(changed(TUNNELS, **changes)))).object_name != job(tunnels()).object_name


def test_it_runs_again_when_the_program_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "preflight"
    folder.mkdir()
    for file in PROGRAM.glob("*.py"):
        (folder / file.name).write_text(file.read_text(encoding="utf-8") + "# fixed\n", encoding="utf-8")
    monkeypatch.setattr("components.preflight.PROGRAM", folder)

    assert job(build(settings_of(EXTERNAL))).object_name != job(external()).object_name


@pytest.mark.parametrize("changes", NO_INPUTS.values(), ids=NO_INPUTS)
def test_it_keeps_its_name_whatever_else_changes(changes: dict[str, Any]) -> None:
    assert job(build(settings_of(changed(EXTERNAL, **changes)))).object_name == job(external()).object_name


def test_an_update_that_changes_nothing_does_not_run_it_again() -> None:
    again = job(build(settings_of(EXTERNAL)))

    assert (again.urn, again.inputs) == (job(external()).urn, job(external()).inputs)


def test_another_password_has_it_run_again(outside: Recording) -> None:
    """No name and no digest tells of it, so another Secret takes the place of the first, and another Job with it."""
    secret = outside.find("Secret", "preflight-credentials")

    assert secret.replaced_on == ("data",)
    assert job(outside).replaced_with == {secret.urn}
    assert outside.find("Secret", "gui-api-credentials").replaced_on == ()


def test_a_finished_one_is_kept(outside: Recording) -> None:
    """Removed, it would run again at the next `pulumi up`."""
    assert "ttlSecondsAfterFinished" not in job(outside).spec
