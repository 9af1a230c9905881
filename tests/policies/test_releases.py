"""Release facts: the pack refuses settings that stop Tracardi, or make its pods disagree."""

from model.index_shape import index_shape, shapes_indices
from settings.index import IndexSettings
from tests.policies.refusals import refused
from tests.policies.state import UNDECRYPTED, State

TRACK = "Deployment tracardi-track/track-api"
GUI_API = "Deployment tracardi-console/gui-api"


def test_every_variable_that_the_model_calls_index_shape_is_compared() -> None:
    variables = index_shape(IndexSettings(tenantName="acme"))

    assert [name for name in variables if not shapes_indices(name)] == []


@refused("no-licence-in-open-source", f"{TRACK} has the variable LICENSE in container api")
def test_an_empty_licence(state: State) -> None:
    state.set_variable("track-api", "LICENSE", value="")


@refused("no-licence-in-open-source", f"{GUI_API} has the variable LICENSE")
def test_a_licence_from_a_secret(state: State) -> None:
    state.set_variable("gui-api", "LICENSE", valueFrom={"secretKeyRef": {"name": "licence", "key": "licence"}})


@refused("no-licence-in-open-source", TRACK)
def test_a_licence_from_a_config_map(state: State) -> None:
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["LICENSE"] = "none"


@refused("no-multi-tenancy-in-open-source", f"{TRACK} has the variable MULTI_TENANT in container api")
def test_multi_tenancy(state: State) -> None:
    state.set_variable("track-api", "MULTI_TENANT", value="yes")


@refused("redis-port-is-set", f"{TRACK} has no number as REDIS_PORT in container api")
def test_no_port_of_redis(state: State) -> None:
    state.drop_variable("track-api", "REDIS_PORT")


@refused("redis-port-is-set", GUI_API)
def test_the_port_that_a_service_link_would_set(state: State) -> None:
    state.set_variable("gui-api", "REDIS_PORT", value="tcp://10.0.0.1:6379")


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


@refused("api-environment-can-be-read", f"{GUI_API} takes variables from a Secret in container api")
def test_variables_from_a_secret(state: State) -> None:
    state.container("gui-api")["envFrom"].append({"secretRef": {"name": "extra"}})
