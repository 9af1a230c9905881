"""Release facts: the pack refuses settings that stop Tracardi, or make its pods disagree."""

from model.index_shape import index_shape, shapes_indices
from settings.index import IndexSettings
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State

TRACK = "Deployment tracardi-track/track-api"
GUI_API = "Deployment tracardi-console/gui-api"


def test_every_variable_that_the_model_calls_index_shape_is_compared() -> None:
    variables = index_shape(IndexSettings(tenantName="acme"))

    assert [name for name in variables if not shapes_indices(name)] == []


@refused("no-licence-in-open-source", f"{TRACK} has the variable LICENSE in container api")
def test_an_empty_licence(state: State) -> None:
    state.set_variable("track-api", "LICENSE", value="")


@refused("no-licence-in-open-source", f"{GUI_API} has the variable LICENSE", also=("secrets-can-be-found",))
def test_a_licence_from_a_secret(state: State) -> None:
    state.set_variable("gui-api", "LICENSE", valueFrom={"secretKeyRef": {"name": "licence", "key": "licence"}})


@refused("no-licence-in-open-source", TRACK)
def test_a_licence_from_a_config_map(state: State) -> None:
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["LICENSE"] = "none"


@refused("no-multi-tenancy-in-open-source", f"{TRACK} has the variable MULTI_TENANT in container api")
def test_multi_tenancy(state: State) -> None:
    state.set_variable("track-api", "MULTI_TENANT", value="yes")


@refused("no-licence-in-open-source", "Job tracardi-console/installation-")
def test_a_licence_of_a_job(state: State) -> None:
    state.set_variable("installation", "LICENSE", value="none")


@refused("no-licence-in-open-source", TRACK)
def test_a_licence_whose_name_a_prefix_completes(state: State) -> None:
    metadata = {"name": "more", "namespace": "tracardi-track"}
    state.add("kubernetes:core/v1:ConfigMap", {"metadata": metadata, "data": {"ENSE": "none"}})
    state.container("track-api")["envFrom"].append({"prefix": "LIC", "configMapRef": {"name": "more"}})


@refused("no-licence-in-open-source", "in container prepare", also=("elasticsearch-is-verified",))
def test_a_licence_of_an_initial_container_with_the_same_image(state: State) -> None:
    own = {**state.container("track-api"), "name": "prepare", "ports": [], "envFrom": []}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle"):
        own.pop(probe, None)
    state.pod("track-api").setdefault("initContainers", []).append({**own, "env": [{"name": "LICENSE", "value": ""}]})


@accepted("no-licence-in-open-source")
def test_a_licence_of_another_program(state: State) -> None:
    state.set_variable("redis", "LICENSE", value="none")


@refused("no-multi-tenancy-in-open-source", GUI_API)
def test_an_answer_that_some_releases_take_for_yes(state: State) -> None:
    state.set_variable("gui-api", "MULTI_TENANT", value="true")


@accepted("no-multi-tenancy-in-open-source")
def test_a_tenancy_that_is_switched_off(state: State) -> None:
    state.set_variable("gui-api", "MULTI_TENANT", value="no")


@refused("one-release", "runs docker.io/tracardi/tracardi-gui@sha256", "without a tag that tells a release")
def test_a_console_of_an_unknown_release(state: State) -> None:
    state.container("gui")["image"] = f"docker.io/tracardi/tracardi-gui@sha256:{'ab' * 32}"


@refused("one-release", f"{TRACK} runs another image of 1.0.0 than {GUI_API}")
def test_two_images_of_one_release(state: State) -> None:
    state.container("track-api")["image"] += f"@sha256:{'ab' * 32}"


@refused("one-release", "Deployment tracardi-console/gui runs 0.9.0")
def test_a_worker_of_another_release(state: State) -> None:
    sidecar = {**state.container("gui"), "name": "worker", "image": "docker.io/tracardi/update-worker:0.9.0"}
    state.pod("gui")["containers"].append({**sidecar, "ports": []})


@accepted("one-release")
def test_one_release_from_two_registries(state: State) -> None:
    state.container("gui")["image"] = f"docker.io/tracardi/tracardi-gui:1.0.0@sha256:{'ab' * 32}"


@refused("one-release", "Deployment tracardi-console/gui runs 0.9.0", "runs 1.0.0")
def test_a_console_of_another_release(state: State) -> None:
    state.container("gui")["image"] = "docker.io/tracardi/tracardi-gui:0.9.0"


@refused("one-release", "Job tracardi-console/installation-")
def test_an_installation_of_another_release(state: State) -> None:
    state.container("installation")["image"] = "docker.io/tracardi/tracardi-api:0.9.0"


@refused("one-index-shape", f"has other values than {GUI_API} for EVENT_PARTITIONING")
def test_index_shapes_that_differ(state: State) -> None:
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["EVENT_PARTITIONING"] = "year"


@refused("one-index-shape", "for TENANT_NAME")
def test_a_tenant_of_one_cluster_only(state: State) -> None:
    state.set_variable("track-api", "TENANT_NAME", value="acme")


@refused("one-index-shape", "has values that cannot be compared for EVENT_PARTITIONING")
def test_an_index_shape_that_cannot_be_seen(state: State) -> None:
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["EVENT_PARTITIONING"] = UNDECRYPTED


@refused(
    "api-environment-can-be-read",
    f"{TRACK} takes variables from index-shape in container api",
    also=("one-index-shape",),
)
def test_variables_from_a_config_map_that_is_not_there(state: State) -> None:
    state.remove("ConfigMap", "index-shape", "tracardi-track")


@refused(
    "api-environment-can-be-read",
    f"{GUI_API} takes variables from a Secret in container api",
    also=("secrets-can-be-found",),
)
def test_variables_from_a_secret(state: State) -> None:
    state.container("gui-api")["envFrom"].append({"secretRef": {"name": "extra"}})


@refused("api-environment-can-be-read", f"{GUI_API} has variables that cannot be seen in container api")
def test_a_variable_whose_name_cannot_be_seen(state: State) -> None:
    state.container("gui-api")["env"].append({"name": UNKNOWN, "value": "no"})


@accepted("api-environment-can-be-read")
def test_variables_from_two_config_maps(state: State) -> None:
    state.container("gui-api")["envFrom"].append({"prefix": "X_", "configMapRef": {"name": "elasticsearch-ca"}})


@accepted("one-index-shape")
def test_one_index_shape_in_two_spellings(state: State) -> None:
    state.set_variable("track-api", "EVENT_PARTITIONING", value="month")
    state.set_variable("gui-api", "TENANT_NAME", value="acme")
    state.set_variable("apm", "TENANT_NAME", value="acme")
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["TENANT_NAME"] = "acme"
