"""Pulsar and the commercial edition: the pack knows the queue for a store, and the licence for a secret."""

import base64

from tests.policies.network_policies import connect
from tests.policies.refusals import accepted, refused
from tests.policies.state import State
from tests.unit.engine import JsonObject

OUTSIDE, INSIDE = "commercial", "commercial with a queue in the cluster"
PULSAR = "StatefulSet tracardi-data/pulsar"
TRACK = "Deployment tracardi-track/track-api"
GUI_API = "Deployment tracardi-console/gui-api"
WORKER = "Deployment tracardi-console/background-worker"
AUTHENTICATION = "stores-ask-for-passwords"
LICENCE = "licence-is-secret"


def edit(state: State, old: str, new: str) -> None:
    state.edit("pulsar", old, new, key="standalone.conf")


def init(state: State) -> JsonObject:
    """The container that makes the queue ready."""
    return state.container("init")


@refused(AUTHENTICATION, f"{PULSAR} asks nobody for a token: authenticationEnabled is false", stack=INSIDE)
def test_a_queue_that_asks_nobody(state: State) -> None:
    edit(state, "authenticationEnabled=true", "authenticationEnabled=false")


@refused(AUTHENTICATION, f"{PULSAR} asks nobody for a token: authorizationEnabled is left out", stack=INSIDE)
def test_a_queue_that_lets_everybody_do_everything(state: State) -> None:
    edit(state, "authorizationEnabled=true\n", "")


@refused(AUTHENTICATION, "asks nobody for a token: authenticationEnabled is false", stack=INSIDE)
def test_a_queue_that_changes_its_mind(state: State) -> None:
    edit(state, "superUserRoles=tracardi", "superUserRoles=tracardi\n authenticationEnabled : false")


@refused(AUTHENTICATION, f"{PULSAR} lets in whoever shows no token", stack=INSIDE)
def test_a_queue_with_a_name_for_strangers(state: State) -> None:
    edit(state, "superUserRoles=tracardi", "superUserRoles=tracardi\nanonymousUserRole=tracardi")


@refused(AUTHENTICATION, f"{PULSAR} asks nobody for a token: authenticationProviders is", stack=INSIDE)
def test_a_queue_that_knows_people_by_another_thing(state: State) -> None:
    edit(state, "AuthenticationProviderToken", "AuthenticationProviderTls")


@refused(AUTHENTICATION, f"{PULSAR} takes tokens that others sign", stack=INSIDE)
def test_a_queue_with_a_second_key(state: State) -> None:
    edit(state, "superUserRoles=tracardi", "superUserRoles=tracardi\ntokenPublicKey=file:///etc/tracardi/key")


@refused(AUTHENTICATION, f"{PULSAR} reads no key for tokens from a Secret", stack=INSIDE)
def test_a_queue_whose_key_everybody_knows(state: State) -> None:
    edit(state, "file:///run/secrets/pulsar/pulsar-signing-key", "/pulsar/conf/log4j2.yaml")


@refused(AUTHENTICATION, f"{PULSAR} has nobody who may make a tenant", stack=INSIDE)
def test_a_queue_without_anybody_who_looks_after_it(state: State) -> None:
    edit(state, "superUserRoles=tracardi", "superUserRoles=")


@refused(AUTHENTICATION, f"{PULSAR} may ask nobody for a token (it does not start with", stack=INSIDE)
def test_a_queue_with_its_image_s_own_configuration(state: State) -> None:
    state.drop_variable("pulsar", "PULSAR_STANDALONE_CONF")


@refused(AUTHENTICATION, "variables that begin with PULSAR_PREFIX_ change its configuration", stack=INSIDE)
def test_a_queue_that_variables_configure(state: State) -> None:
    state.set_variable("pulsar", "PULSAR_PREFIX_authenticationEnabled", value="false")


@accepted(AUTHENTICATION, stack=INSIDE)
def test_a_queue_with_more_to_say(state: State) -> None:
    edit(state, "superUserRoles=tracardi", "superUserRoles=tracardi\n# authenticationEnabled=false\nttlDuration=7")


@refused("no-secret-in-the-open", "tokenSecretKey", also=(AUTHENTICATION,), stack=INSIDE)
def test_a_key_in_the_configuration(state: State) -> None:
    edit(state, "file:///run/secrets/pulsar/pulsar-signing-key", "data:;base64,azNKeDlRcEw3N3ZiWm1EMnNXcThyVG5BNWJD")


@refused("stores-run-once", f"{PULSAR} has 0 instances", stack=INSIDE)
def test_a_queue_that_is_not_there(state: State) -> None:
    state.spec("StatefulSet", "pulsar")["replicas"] = 0


@refused("stores-keep-their-data", f"{PULSAR} keeps its data where it goes with the pod", stack=INSIDE)
def test_a_queue_that_forgets(state: State) -> None:
    state.spec("StatefulSet", "pulsar").pop("volumeClaimTemplates")
    state.pod("pulsar")["volumes"].append({"name": "data", "emptyDir": {}})


@refused("pods-agree-on-stores", f"{TRACK} uses another PULSAR_TENANT than", stack=INSIDE)
def test_a_tenant_of_ones_own(state: State) -> None:
    state.set_variable("track-api", "PULSAR_TENANT", value="other")


@refused(
    "pods-agree-on-stores", f"{TRACK} uses another Pulsar than", stack="commercial 0.8.2.1 with a queue in plain text"
)
def test_a_queue_of_ones_own(state: State) -> None:
    state.set_variable("track-api", "PULSAR_HOST", value="pulsar://queue-2.example.com:6650")


@refused(
    "api-passwords-come-from-secrets",
    f"{WORKER} has no PULSAR_AUTH_TOKEN from a Secret",
    # The token is in the worker's Secret still, and now for nothing.
    also=("one-secret-one-purpose",),
    stack=INSIDE,
)
def test_a_worker_without_a_token(state: State) -> None:
    state.drop_variable("background-worker", "PULSAR_AUTH_TOKEN")


@refused(
    "api-passwords-come-from-secrets",
    f"{TRACK} has no PULSAR_AUTH_TOKEN from a Secret",
    also=("secrets-are-never-literal",),
    stack=OUTSIDE,
)
def test_a_token_that_everybody_can_read(state: State) -> None:
    state.drop_variable("track-api", "PULSAR_AUTH_TOKEN")
    state.set_variable("track-api", "PULSAR_AUTH_TOKEN", value="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln")


@refused("secrets-come-from-generators", "pulsar-token what nothing in the stack made", stack=INSIDE)
def test_a_token_that_another_key_signed(state: State) -> None:
    for name in ("pulsar", "track-api", "gui-api", "apm", "init", "background-worker"):
        data = state.inputs("Secret", f"{name}-credentials")["data"]
        token = base64.b64decode(data["pulsar-token"]).decode()
        data["pulsar-token"] = base64.b64encode(f"{token.rpartition('.')[0]}.{'c2ln' * 11}".encode()).decode()


@refused(
    "only-the-api-reaches-stores", f"Deployment tracardi-console/gui can connect to {PULSAR} on TCP 6650", stack=INSIDE
)
def test_a_console_that_reaches_the_queue(state: State) -> None:
    connect(state, "gui", "pulsar", 6650, ("console", "data"))


@refused("connections-are-intended", f"{GUI_API} can connect to {PULSAR} on TCP 3181", stack=INSIDE)
def test_an_api_that_reaches_the_queue_s_storage(state: State) -> None:
    connect(state, "gui-api", "pulsar", 3181, ("console", "data"))


@refused("intended-connections-are-open", f"{TRACK} cannot connect to {PULSAR} on TCP 6650", stack=INSIDE)
def test_a_queue_that_does_not_let_collectors_in(state: State) -> None:
    label = "app.kubernetes.io/component"
    policy = state.spec("NetworkPolicy", "pulsar")
    for rule in policy["ingress"]:
        rule["from"] = [peer for peer in rule["from"] if peer["podSelector"]["matchLabels"][label] != "track-api"]
    policy["ingress"] = [rule for rule in policy["ingress"] if rule["from"]]


@refused(
    "tunnels-stay-in-their-pod",
    f"{TRACK} has a tunnel that others can use: pulsar listens on every address",
    stack=OUTSIDE,
)
def test_a_tunnel_to_the_queue_that_others_can_use(state: State) -> None:
    state.edit("tunnels", "bind 127.0.0.1:6650", "bind :6650", "pulsar.cfg", "tracardi-track")


@refused("backends-are-verified", "admin.queue.example.com is not verified", stack=OUTSIDE)
def test_a_tunnel_to_anybody_s_administration(state: State) -> None:
    state.edit(
        "tunnels",
        "server administration admin.queue.example.com:8443 ssl verify required",
        "server administration admin.queue.example.com:8443 ssl verify none",
        "pulsar.cfg",
        "tracardi-track",
    )


@refused("tunnels-stay-in-their-pod", f"{TRACK} speaks to queue.example.com past its tunnel", stack=OUTSIDE)
def test_an_api_that_goes_past_its_tunnel(state: State) -> None:
    state.set_variable("track-api", "PULSAR_HOST", value="pulsar://queue.example.com:6651")


@refused(LICENCE, f"{TRACK} has no LICENSE from a Secret in container api", stack=OUTSIDE)
def test_a_commercial_api_without_a_licence(state: State) -> None:
    state.drop_variable("track-api", "LICENSE")


@refused(LICENCE, f"{WORKER} has no LICENSE from a Secret", stack=OUTSIDE)
def test_a_licence_in_clear_text(state: State) -> None:
    state.drop_variable("background-worker", "LICENSE")
    state.set_variable("background-worker", "LICENSE", value="a-text-that-everybody-can-read")


@refused(LICENCE, "Job tracardi-console/init-", stack=OUTSIDE)
def test_a_job_without_a_licence(state: State) -> None:
    container = init(state)
    container["env"] = [entry for entry in container["env"] if entry["name"] != "LICENSE"]


@refused(LICENCE, "Deployment tracardi-console/apm has no LICENSE from a Secret", stack=OUTSIDE)
def test_a_licence_of_a_service_of_both_editions_in_clear_text(state: State) -> None:
    state.drop_variable("apm", "LICENSE")
    state.set_variable("apm", "LICENSE", value="a-text-that-everybody-can-read")


@refused(LICENCE, f"{GUI_API} has no LICENSE from a Secret", also=("secrets-can-be-found",), stack=OUTSIDE)
def test_a_licence_that_need_not_be_there(state: State) -> None:
    state.drop_variable("gui-api", "LICENSE")
    reference = {"name": "gui-api-credentials", "key": "licence", "optional": True}
    state.set_variable("gui-api", "LICENSE", valueFrom={"secretKeyRef": reference})


@accepted(LICENCE, stack=OUTSIDE)
def test_a_service_of_both_editions_without_a_licence(state: State) -> None:
    state.drop_variable("apm", "LICENSE")


@refused(
    "no-licence-in-open-source", "Deployment tracardi-console/update-worker has the variable LICENSE", stack=OUTSIDE
)
def test_a_licence_of_what_is_open_source_in_every_edition(state: State) -> None:
    reference = {"name": "background-worker-credentials", "key": "licence"}
    state.set_variable("update-worker", "LICENSE", valueFrom={"secretKeyRef": reference})


@refused(
    "one-edition",
    f"{TRACK} runs docker.io/tracardi/tracardi-api:1.0.0, but",
    also=("no-licence-in-open-source",),
    stack=OUTSIDE,
)
def test_collectors_of_the_other_edition(state: State) -> None:
    state.container("track-api")["image"] = "docker.io/tracardi/tracardi-api:1.0.0"


@accepted(
    "one-edition",
    stack=OUTSIDE,
    options={"images-come-from-known-registries": {"registries": ["docker.io", "registry.example.com"]}},
)
def test_a_service_of_the_edition_from_a_mirror(state: State) -> None:
    container = state.container("background-worker")
    container["image"] = container["image"].replace("docker.io/", "registry.example.com/")


@refused("secret-values-stay-in-secrets", "shows a secret that Secret tracardi-", stack=OUTSIDE)
def test_a_licence_in_an_annotation(state: State) -> None:
    data = state.inputs("Secret", "gui-api-credentials")["data"]
    shown = base64.b64decode(data["licence"]).decode()
    state.spec("Deployment", "gui-api")["template"]["metadata"].setdefault("annotations", {})["example.com/note"] = (
        shown
    )
