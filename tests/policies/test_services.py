"""Services: the pack refuses those that lead to other pods than their users mean."""

from collections.abc import Callable

from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

KNOWN = "services-lead-to-pods-of-the-stack"
ONE = "services-lead-to-one-role"
MEANT = "services-lead-where-users-mean"
INTENDED = "connections-are-intended"
OPEN = "intended-connections-are-open"

COMPONENT = "app.kubernetes.io/component"
SERVICE = "kubernetes:core/v1:Service"
DATA = "tracardi-data.svc.cluster.local"


def select(state: State, service: str, **labels: object) -> None:
    """Replace what a Service selects."""
    state.spec("Service", service)["selector"] = {f"app.kubernetes.io/{name}": value for name, value in labels.items()}


@refused(KNOWN, "Service tracardi-data/redis-nodes has no selector")
def test_a_service_without_a_selector(state: State) -> None:
    del state.spec("Service", "redis-nodes")["selector"]


@refused(KNOWN, "Service tracardi-data/redis-nodes has no selector")
def test_a_service_with_an_empty_selector(state: State) -> None:
    state.spec("Service", "redis-nodes")["selector"] = {}


@refused(KNOWN, "Service tracardi-data/redis-nodes has a selector that cannot be seen")
def test_a_service_whose_selector_cannot_be_seen(state: State) -> None:
    state.spec("Service", "redis-nodes")["selector"] = UNKNOWN


@refused(KNOWN, "Service tracardi-data/redis-nodes has a selector that cannot be seen")
def test_a_service_with_a_label_that_cannot_be_seen(state: State) -> None:
    select(state, "redis-nodes", component=UNKNOWN, name="redis")


@refused(KNOWN, "Service tracardi-data/redis-nodes selects no pods of the stack")
def test_a_service_for_pods_that_are_not_there(state: State) -> None:
    select(state, "redis-nodes", component="cache")


@refused(KNOWN, "Service tracardi-data/redis-nodes is an alias of another name")
def test_a_service_that_is_an_alias(state: State) -> None:
    state.spec("Service", "redis-nodes").update(type="ExternalName", externalName="cache.example.com")


@refused(KNOWN, "Service tracardi-data/redis-nodes leads to port cache, which no container of StatefulSet")
def test_a_service_for_a_port_that_is_not_there(state: State) -> None:
    state.spec("Service", "redis-nodes")["ports"][0]["targetPort"] = "cache"


@refused(KNOWN, "Endpoints tracardi-data/redis-nodes is a list of addresses", also=("only-kinds-that-are-judged",))
def test_a_list_of_addresses(state: State) -> None:
    subsets = [{"addresses": [{"ip": "203.0.113.7"}], "ports": [{"port": 6379}]}]
    metadata = {"name": "redis-nodes", "namespace": "tracardi-data"}
    state.add("kubernetes:core/v1:Endpoints", {"metadata": metadata, "subsets": subsets})


@refused(
    KNOWN,
    "EndpointSlice tracardi-data/further is a list of addresses",
    options={"only-kinds-that-are-judged": {"alsoAllowed": ["discovery.k8s.io/EndpointSlice"]}},
)
def test_a_list_of_addresses_whose_kind_is_allowed(state: State) -> None:
    labels = {"kubernetes.io/service-name": "redis"}
    metadata = {"name": "further", "namespace": "tracardi-data", "labels": labels}
    endpoints = [{"addresses": ["203.0.113.7"]}]
    state.add("kubernetes:discovery.k8s.io/v1:EndpointSlice", {"metadata": metadata, "endpoints": endpoints})


@accepted(KNOWN)
def test_a_service_with_fewer_labels_and_a_port_by_name(state: State) -> None:
    select(state, "redis", component="redis")
    state.spec("Service", "redis")["ports"][0]["targetPort"] = "redis"


@refused(
    ONE,
    "Service tracardi-data/redis-nodes leads to StatefulSet tracardi-data/",
    "StatefulSet tracardi-data/redis (Redis)",
    "StatefulSet tracardi-data/mysql (MySQL)",
)
def test_a_service_for_every_store(state: State) -> None:
    select(state, "redis-nodes", instance="tracardi")


@refused(
    ONE,
    "Service tracardi-console/gui-api leads to Job tracardi-console/installation-",
    "which is a job",
    also=(
        "entries-lead-only-where-intended",
        MEANT,
    ),
)
def test_a_job_with_the_labels_of_the_gui_api(state: State) -> None:
    labels = state.template("installation")["metadata"]["labels"]
    state.spec("Service", "gui-api")["selector"] = {"app.kubernetes.io/part-of": "api"}
    state.template("gui-api")["metadata"]["labels"]["app.kubernetes.io/part-of"] = "api"
    labels["app.kubernetes.io/part-of"] = "api"


@refused(ONE, "gui-balancer (a balancer for the console)", "gui-api-balancer (a balancer for the GUI API)")
def test_a_service_for_two_balancers(state: State) -> None:
    state.spec("Service", "gui-balancer")["selector"] = {"app.kubernetes.io/managed-by": "proxies"}
    for name in ("gui-balancer", "gui-api-balancer"):
        state.template(name)["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "proxies"


@refused(ONE, "Service tracardi-track/track-balancer leads to")
def test_a_service_for_a_balancer_and_what_is_behind_it(state: State) -> None:
    select(state, "track-balancer", name="tracardi", instance="tracardi")


@refused(ONE, "Service tracardi-track/track-balancer leads to")
def test_pods_with_a_label_that_cannot_be_seen(state: State) -> None:
    state.template("track-api")["metadata"]["labels"][COMPONENT] = "track-api"
    state.spec("Service", "track-balancer")["selector"] = {"tier": "edge"}
    state.template("track-balancer")["metadata"]["labels"]["tier"] = "edge"
    state.template("track-api")["metadata"]["labels"]["tier"] = UNKNOWN


@accepted(ONE)
def test_a_service_for_two_sets_of_pods_of_one_role(state: State) -> None:
    state.duplicate("Service", "redis", "cache")


@refused(
    MEANT,
    "Deployment tracardi-track/track-api gets to StatefulSet tracardi-data/mysql, which is MySQL, by "
    f"mysql.{DATA} in the variables of container api",
    also=(INTENDED,),
)
def test_a_variable_that_names_another_store(state: State) -> None:
    state.set_variable("track-api", "REDIS_HOST", value=f"mysql.{DATA}")


@refused(MEANT, "gets to StatefulSet tracardi-data/redis, which is Redis", also=(INTENDED,))
def test_a_service_that_leads_to_another_store(state: State) -> None:
    select(state, "mysql", component="redis")


@refused(MEANT, "Deployment tracardi-console/gui-api is the GUI API, but no balancer", also=(INTENDED, OPEN))
def test_a_service_that_leads_to_the_console_instead(state: State) -> None:
    select(state, "gui-api", component="gui")


@refused(MEANT, "names redis.tracardi-data.svc.example.com, which is not under cluster.local")
def test_a_name_under_somebody_elses_domain(state: State) -> None:
    state.set_variable("gui-api", "REDIS_HOST", value="redis.tracardi-data.svc.example.com")


@refused(MEANT, "Deployment tracardi-track/track-api gets to StatefulSet", also=(INTENDED,), stack="tunnel")
def test_a_tunnel_to_another_store(state: State) -> None:
    state.edit("tunnels", "destinations = mysql.", "destinations = redis.", "mysqlrouter.conf", "tracardi-track")


@accepted(MEANT)
def test_a_shorter_name_of_the_same_service(state: State) -> None:
    state.set_variable("gui-api", "REDIS_HOST", value="redis.tracardi-data.svc")
    state.set_variable("track-api", "MYSQL_HOST", value="MySQL.tracardi-data")


def test_a_gui_api_beside_the_collectors(variant: Callable[[str], State]) -> None:
    state = variant("production")
    rogue = state.duplicate("Deployment", "track-api", "rogue")
    rogue["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "EXPOSE_GUI_API", "value": "yes"})

    (message,) = analyse(state, configuration("prod"))[ONE]

    assert "Deployment tracardi-track/rogue (the track API, without EXPOSE_GUI_API=no)" in message


@refused(KNOWN, "Service tracardi-data/redis leads nowhere from nodes without such pods (internalTrafficPolicy)")
def test_a_service_that_only_the_own_node_reaches(state: State) -> None:
    state.spec("Service", "redis")["internalTrafficPolicy"] = "Local"


@accepted(KNOWN)
def test_a_service_for_all_nodes_in_so_many_words(state: State) -> None:
    state.spec("Service", "redis")["internalTrafficPolicy"] = "Cluster"
