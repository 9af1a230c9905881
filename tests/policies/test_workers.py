"""Workers: the pack judges Tracardi's further services like everything else that uses the stores."""

from collections.abc import Callable

from tests.policies.analysis import analyse
from tests.policies.network_policies import COMPONENT, allow, block, connect, tcp
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

APM = "Deployment tracardi-console/apm"
UPDATES = "Deployment tracardi-console/update-worker"
CRON_JOB = "CronJob tracardi-console/apm"
OLD = "services of 0.8.2.1"
PROBED = "containers-are-probed"
STORES = "only-the-api-reaches-stores"
INTENDED = "connections-are-intended"
HEADLESS = "kubernetes:core/v1:Service"


@refused(PROBED, f"{APM} has no livenessProbe in container apm")
def test_a_worker_that_may_hang(state: State) -> None:
    del state.container("apm")["livenessProbe"]


@refused(PROBED, f"{APM} has no startupProbe in container apm")
def test_a_worker_of_which_nobody_learns_that_it_has_begun(state: State) -> None:
    del state.container("apm")["startupProbe"]


@refused(PROBED, f"{APM} has a livenessProbe that asks nothing in container apm")
def test_a_worker_that_is_always_alive(state: State) -> None:
    state.container("apm")["livenessProbe"]["exec"] = {"command": ["sh", "-c", "exit 0"]}


@refused(PROBED, f"{APM} has a livenessProbe that gives up after 1200 s, not 900 s")
def test_a_worker_that_may_hang_for_long(state: State) -> None:
    state.container("apm")["livenessProbe"]["failureThreshold"] = 10


@refused(PROBED, f"{APM} has no readinessProbe in container apm")
def test_a_worker_with_a_port(state: State) -> None:
    state.container("apm")["ports"] = [{"name": "http", "containerPort": 8080}]


def test_a_worker_whose_ports_cannot_be_seen_may_have_some(prod: State) -> None:
    prod.container("apm")["ports"] = UNKNOWN

    assert f"{APM} has no readinessProbe in container apm" in "\n".join(analyse(prod)[PROBED])


def test_an_api_under_the_name_of_a_worker_is_an_api(prod: State) -> None:
    prod.set_variable("apm", "EXPOSE_GUI_API", value="yes")

    assert f"{APM} has no INSTALLATION_TOKEN" in "\n".join(analyse(prod)["installation-token-is-secret"])


def test_workers_of_full_tls_listen_to_nobody(variant: Callable[[str], State]) -> None:
    state = variant("full TLS")
    state.container("apm")["ports"] = [{"name": "http", "containerPort": 8080}]

    assert "is a worker that may answer in plain text" in "\n".join(analyse(state)["full-encryption-has-no-plain-port"])


@refused(PROBED, f"{APM} has no readinessProbe in container apm")
def test_a_worker_that_a_service_leads_to(state: State) -> None:
    spec = {"selector": {COMPONENT: "apm"}, "clusterIP": "None", "ports": [{"port": 8080}]}
    state.add(HEADLESS, {"metadata": {"name": "apm", "namespace": "tracardi-console"}, "spec": spec})


@refused(PROBED, "has no readinessProbe in container gui")
def test_what_is_no_worker_and_has_no_port(state: State) -> None:
    container = state.container("gui")
    container["startupProbe"] = container.pop("readinessProbe")
    container["ports"] = []


@refused("pods-are-restricted", f"{APM}")
def test_a_worker_that_may_become_root(state: State) -> None:
    state.container("apm")["securityContext"]["allowPrivilegeEscalation"] = True


@refused("pods-are-restricted", f"{CRON_JOB}", stack=OLD)
def test_a_worker_by_the_clock_that_may_become_root(state: State) -> None:
    state.pod("apm")["securityContext"]["runAsNonRoot"] = False


@refused("collectors-reach-no-console", f"Deployment tracardi-track/track-api can connect to {APM} on TCP 8080")
def test_collectors_that_reach_a_worker(state: State) -> None:
    connect(state, "track-api", "apm")


@refused(INTENDED, f"{APM} takes connections from 192.0.2.0/24 on TCP 8080")
def test_a_worker_that_clients_reach(state: State) -> None:
    allow(state, "apm", "ingress", block("192.0.2.0/24"), tcp(8080))


@refused(INTENDED, f"{APM} can connect to Deployment tracardi-console/gui-api on TCP 8080")
def test_a_worker_that_reaches_the_gui_api(state: State) -> None:
    connect(state, "apm", "gui-api", tiers=("console", "console"))


@refused(INTENDED, f"{APM} can connect to 169.254.169.254/32, where nodes of clouds get their credentials")
def test_a_worker_that_reaches_the_nodes_credentials(state: State) -> None:
    allow(state, "apm", "egress", block("169.254.169.254/32"), tcp(80))


@accepted(INTENDED)
def test_a_worker_that_imports_from_elsewhere(state: State) -> None:
    allow(state, "apm", "egress", block("203.0.113.0/24"), tcp(3306))


@refused(INTENDED, f"{APM} can connect to StatefulSet tracardi-data/redis on TCP 6380")
def test_a_worker_that_reaches_another_port_of_a_store(state: State) -> None:
    connect(state, "apm", "redis", 6380, ("console", "data"))


@refused("intended-connections-are-open", f"{APM} cannot connect to StatefulSet tracardi-data/redis on TCP 6379")
def test_a_worker_whose_store_does_not_let_it_in(state: State) -> None:
    policy = state.spec("NetworkPolicy", "redis")
    for rule in policy["ingress"]:
        rule["from"] = [peer for peer in rule["from"] if peer["podSelector"]["matchLabels"][COMPONENT] != "apm"]
    policy["ingress"] = [rule for rule in policy["ingress"] if rule["from"]]


@refused(
    "one-edition",
    f"{APM} runs docker.io/tracardi/background-worker:1.0.0, but the API is the open-source edition's",
    also=("licence-is-secret",),
)
def test_a_worker_of_the_commercial_edition(state: State) -> None:
    state.container("apm")["image"] = "docker.io/tracardi/background-worker:1.0.0"


@refused(
    STORES,
    f"{APM} can connect to StatefulSet tracardi-data/redis on TCP 6379",
    also=(INTENDED, PROBED, "one-edition", "licence-is-secret"),
)
def test_a_service_that_others_connect_to(state: State) -> None:
    state.container("apm")["image"] = "docker.io/tracardi/tms:1.0.0"


@refused("no-licence-in-open-source", f"{APM} has the variable LICENSE in container apm")
def test_a_worker_with_a_licence(state: State) -> None:
    state.set_variable("apm", "LICENSE", value="")


@refused("one-release", f"{APM} runs 0.9.0")
def test_a_worker_of_another_release(state: State) -> None:
    state.container("apm")["image"] = "docker.io/tracardi/apm:0.9.0"


@refused("one-index-shape", f"{APM} has other values than")
def test_a_worker_that_knows_other_indices(state: State) -> None:
    del state.container("apm")["envFrom"]


@refused("elasticsearch-is-verified", f"{APM} has no ELASTIC_VERIFY_CERTS that is yes in container apm")
def test_a_worker_that_trusts_anybody(state: State) -> None:
    state.drop_variable("apm", "ELASTIC_VERIFY_CERTS")


@refused("redis-port-is-set", f"{APM} has no number as REDIS_PORT")
def test_a_worker_without_the_port_of_redis(state: State) -> None:
    state.drop_variable("apm", "REDIS_PORT")


@refused("mysql-port-is-set", f"{APM} has no number as MYSQL_PORT")
def test_a_worker_without_the_port_of_mysql(state: State) -> None:
    state.drop_variable("apm", "MYSQL_PORT")


@refused("redis-host-is-a-host", f"{UPDATES} has another port in REDIS_HOST than in REDIS_PORT", stack=OLD)
def test_a_worker_that_is_told_two_ports(state: State) -> None:
    state.set_variable("update-worker", "REDIS_PORT", value="6380")


@refused("pods-agree-on-stores", f"{APM} uses another MYSQL_DATABASE than")
def test_a_worker_on_another_database(state: State) -> None:
    state.set_variable("apm", "MYSQL_DATABASE", value="other")


@refused("api-passwords-come-from-secrets", f"{APM} has no AUTO_PROFILE_MERGING from a Secret in container apm")
def test_a_worker_that_merges_by_a_public_secret(state: State) -> None:
    state.drop_variable("apm", "AUTO_PROFILE_MERGING")


@refused("api-passwords-come-from-secrets", f"{CRON_JOB} has no REDIS_PASSWORD from a Secret", stack=OLD)
def test_a_worker_by_the_clock_without_a_password(state: State) -> None:
    state.drop_variable("apm", "REDIS_PASSWORD")


@refused("production-context-fits-the-role", f"{APM} is a worker of Tracardi's and has no PRODUCTION=yes")
def test_a_worker_that_leaves_production_out(state: State) -> None:
    state.set_variable("apm", "PRODUCTION", value="no")


@accepted("production-context-fits-the-role")
def test_a_worker_for_production_alone(state: State) -> None:
    state.set_variable("apm", "PRODUCTION", value="yes")


@refused("one-worker-per-pod", f"{UPDATES} starts a process for each core of the node", stack=OLD)
def test_a_worker_that_takes_the_whole_node(state: State) -> None:
    state.container("update-worker")["command"].remove("--concurrency=1")


@refused("one-worker-per-pod", f"{UPDATES} starts several processes in container update-worker", stack=OLD)
def test_a_worker_of_many_processes(state: State) -> None:
    state.container("update-worker")["command"] += ["-c", "8"]


@refused(
    "clusters-have-one-budget",
    f"{APM} has several instances, and no PodDisruptionBudget",
    also=("instances-on-hosts-of-their-own",),
)
def test_several_workers_without_a_budget(state: State) -> None:
    state.spec("Deployment", "apm")["replicas"] = 2


@refused("secrets-can-be-found", f"{APM} takes REDIS_PASSWORD in container apm from Secret lost")
def test_a_worker_whose_password_is_nowhere(state: State) -> None:
    state.drop_variable("apm", "REDIS_PASSWORD")
    reference = {"secretKeyRef": {"name": "lost", "key": "redis-password"}}
    state.set_variable("apm", "REDIS_PASSWORD", valueFrom=reference)
