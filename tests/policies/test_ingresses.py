"""Ways in that nobody intended: ports of hosts, and Ingress objects, which are followed even where they are allowed."""

from tests.policies.refusals import refused
from tests.policies.state import UNKNOWN, State
from tests.unit.engine import JsonObject

GUI = "Deployment tracardi-console/gui"
ON_HOSTS = ("pods-are-restricted",)


@refused(
    "internet-reaches-only-the-api",
    f"{GUI} runs Tracardi's console, and the internet reaches it through {GUI} (its pods answer at their hosts'",
    also=(*ON_HOSTS, "entries-serve-tls", "internet-finds-only-collection-routes"),
)
def test_pods_with_a_port_of_their_hosts(state: State) -> None:
    state.container("gui")["ports"][0]["hostPort"] = 30080


@refused(
    "internet-reaches-only-the-api",
    "StatefulSet tracardi-data/redis runs Redis",
    also=(*ON_HOSTS, "entries-serve-tls", "internet-finds-only-collection-routes"),
)
def test_pods_in_the_network_of_their_hosts(state: State) -> None:
    state.pod("redis")["hostNetwork"] = True


@refused(
    "internet-reaches-only-the-api",
    "StatefulSet tracardi-data/redis runs Redis",
    also=(*ON_HOSTS, "entries-serve-tls", "internet-finds-only-collection-routes"),
)
def test_pods_of_which_nobody_can_tell_whether_they_are_in_the_network_of_their_hosts(state: State) -> None:
    state.pod("redis")["hostNetwork"] = UNKNOWN


@refused("pods-are-restricted", "opens a port of its host", also=("each-balancer-has-one-entry",))
def test_a_balancer_with_a_list_at_a_port_of_its_hosts(state: State) -> None:
    # The proxy judges who asks; that the way is open at all is for other rules to say.
    state.container("gui-balancer")["ports"][0]["hostPort"] = 443


INGRESS = "Ingress tracardi-console/late"
LISTED = {"only-kinds-that-are-judged": {"alsoAllowed": ["networking.k8s.io/Ingress"]}}


def ingress(state: State, backend: JsonObject, **spec: object) -> None:
    """Add an Ingress that leads to `backend`."""
    rule = {"host": "gui.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    tls = [{"hosts": ["gui.example.com"], "secretName": "gui"}]
    state.add(
        "kubernetes:networking.k8s.io/v1:Ingress",
        {
            "metadata": {"name": "late", "namespace": "tracardi-console"},
            "spec": {"rules": [rule], "tls": tls, **spec},
        },
    )


@refused(
    "only-kinds-that-are-judged",
    f"{INGRESS} is of kind networking.k8s.io/Ingress",
    also=("internet-reaches-only-the-api", "internet-finds-only-collection-routes", "entries-serve-tls"),
)
def test_an_ingress(state: State) -> None:
    ingress(state, {"service": {"name": "gui", "port": {"number": 8080}}})


@refused(
    "internet-reaches-only-the-api",
    f"{GUI} runs Tracardi's console, and the internet reaches it through {INGRESS} (its controller admits everybody",
    also=("internet-finds-only-collection-routes", "entries-serve-tls"),
    options=LISTED,
)
def test_an_ingress_that_is_listed_is_followed_still(state: State) -> None:
    ingress(state, {"service": {"name": "gui", "port": {"name": "http"}}})


@refused(
    "internet-reaches-only-the-api",
    f"{GUI} runs Tracardi's console",
    also=("internet-finds-only-collection-routes", "entries-serve-tls"),
    options=LISTED,
)
def test_what_an_ingress_does_by_default(state: State) -> None:
    ingress(state, {}, rules=[], defaultBackend={"service": {"name": "gui", "port": {"number": 8080}}})


@refused(
    "entries-serve-tls",
    f"{INGRESS} has no certificate for gui.example.com in its tls",
    also=("each-balancer-has-one-entry", "internet-finds-only-collection-routes", "internet-reaches-only-the-api"),
    options=LISTED,
)
def test_an_ingress_without_a_certificate(state: State) -> None:
    entry = {"service": {"name": "gui-balancer-entry", "port": {"number": 443}}}
    ingress(state, entry, tls=[{"hosts": ["*.elsewhere.example.com"], "secretName": "gui"}])


@refused("entries-can-be-followed", f"{INGRESS} leads to elsewhere, which is no Service of the stack", options=LISTED)
def test_an_ingress_out_of_the_stack(state: State) -> None:
    ingress(state, {"service": {"name": "elsewhere", "port": {"number": 80}}})


@refused("entries-can-be-followed", f"{INGRESS} leads to something else", options=LISTED)
def test_an_ingress_to_something_that_is_no_service(state: State) -> None:
    ingress(state, {"resource": {"apiGroup": "k8s.example.com", "kind": "StorageBucket", "name": "assets"}})


@refused("entries-can-be-followed", "has rules that cannot be seen", also=("entries-serve-tls",), options=LISTED)
def test_an_ingress_that_cannot_be_seen(state: State) -> None:
    ingress(state, {}, rules=UNKNOWN)
