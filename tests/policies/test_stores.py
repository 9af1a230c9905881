"""Stores: the pack refuses those that are not there, that forget, and that are not the same for everybody."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

REDIS = "StatefulSet tracardi-data/redis"
MYSQL = "StatefulSet tracardi-data/mysql"
ELASTICSEARCH = "StatefulSet tracardi-data/elasticsearch"
TRACK = "Deployment tracardi-track/track-api"


def scale_up(state: State, store: str) -> None:
    """Let an autoscaler add instances of a store."""
    state.add(
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
        {
            "metadata": {"name": store, "namespace": "tracardi-data"},
            "spec": {
                "minReplicas": 1,
                "maxReplicas": 5,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": store},
            },
        },
    )


def forget(state: State, store: str) -> None:
    """Let a store keep its data in its pods."""
    state.spec("StatefulSet", store).pop("volumeClaimTemplates")
    state.pod(store)["volumes"].append({"name": "data", "emptyDir": {}})


@refused("stores-run-once", f"{REDIS} has 0 instances")
def test_redis_that_is_not_there(state: State) -> None:
    state.spec("StatefulSet", "redis")["replicas"] = 0


@refused("stores-run-once", f"{REDIS} has 1 to 5 instances")
def test_redis_that_grows(state: State) -> None:
    scale_up(state, "redis")


@refused(
    "stores-run-once", f"{MYSQL} has 2 instances", also=("clusters-have-one-budget", "instances-on-hosts-of-their-own")
)
def test_two_of_mysql(state: State) -> None:
    state.spec("StatefulSet", "mysql")["replicas"] = 2


@refused(
    "stores-run-once",
    f"{MYSQL} has 0 instances",
    options={"stores-run-once": {"alsoAllowed": ["tracardi-data/mysql"]}},
)
def test_a_store_that_is_kept_in_step_and_not_there(state: State) -> None:
    state.spec("StatefulSet", "mysql")["replicas"] = 0


@accepted("stores-run-once")
def test_one_by_default(state: State) -> None:
    state.spec("StatefulSet", "mysql").pop("replicas")


@accepted("stores-run-once", options={"stores-run-once": {"alsoAllowed": ["tracardi-data/redis"]}})
def test_redis_that_is_kept_in_step(state: State) -> None:
    scale_up(state, "redis")


@refused("stores-keep-their-data", f"{ELASTICSEARCH} keeps its data where it goes with the pod")
def test_elasticsearch_without_volumes(state: State) -> None:
    forget(state, "elasticsearch")


@refused("stores-keep-their-data", f"{MYSQL} keeps its data where it goes with the pod")
def test_mysql_whose_data_is_beside_the_volume(state: State) -> None:
    state.container("mysql")["args"].append("--datadir=/tmp/mysql")


@refused("stores-keep-their-data", f"{MYSQL} keeps its data")
def test_a_volume_that_nothing_can_be_written_to(state: State) -> None:
    state.container("mysql")["volumeMounts"][0]["readOnly"] = [UNKNOWN]


@refused("stores-keep-their-data", f"{MYSQL} lets the data of an instance go")
def test_a_volume_that_goes_with_the_instance(state: State) -> None:
    state.spec("StatefulSet", "mysql")["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = "Delete"


@accepted("stores-keep-their-data")
def test_a_claim_of_ones_own(state: State) -> None:
    state.spec("StatefulSet", "mysql").pop("volumeClaimTemplates")
    state.pod("mysql")["volumes"].append({"name": "data", "persistentVolumeClaim": {"claimName": "mysql"}})


@refused("pods-agree-on-stores", f"{TRACK} uses another MYSQL_DATABASE than Deployment tracardi-console/gui-api")
def test_a_database_of_ones_own(state: State) -> None:
    state.set_variable("track-api", "MYSQL_DATABASE", value="other")


@refused("pods-agree-on-stores", "uses another MYSQL_DATABASE")
def test_a_database_that_nobody_can_see(state: State) -> None:
    state.set_variable("track-api", "MYSQL_DATABASE", valueFrom={"fieldRef": {"fieldPath": "metadata.name"}})


@refused(
    "pods-agree-on-stores",
    f"{TRACK} uses another MySQL than",
    stack="external data",
)
def test_a_server_of_ones_own(state: State) -> None:
    state.set_variable("track-api", "MYSQL_HOST", value="db-2.example.com")


@accepted("pods-agree-on-stores")
def test_a_shorter_name_of_the_same_store(state: State) -> None:
    state.set_variable("track-api", "REDIS_HOST", value="redis.tracardi-data")
