"""What is beside or in the place of programs that strangers reach."""

from copy import deepcopy

from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

ONLY = "internet-reaches-only-the-api"
TRACK = "Deployment tracardi-track/track-api"
BALANCER = "Deployment tracardi-track/track-balancer"
BESIDE = ("entries-serve-tls", "internet-finds-only-collection-routes")


def mount(state: State, path: str) -> None:
    """Mount a file of the stack into the collectors."""
    state.add(
        "kubernetes:core/v1:ConfigMap",
        {"metadata": {"name": "code", "namespace": "tracardi-track"}, "data": {"main.py": "application = None"}},
    )
    state.pod("track-api")["volumes"].append({"name": "code", "configMap": {"name": "code"}})
    state.container("track-api")["volumeMounts"].append({"name": "code", "mountPath": path})


@refused(ONLY, f"{BALANCER} runs a program that these rules do not know", also=BESIDE)
def test_a_program_beside_a_balancer_that_declares_a_port_of_its_own(state: State) -> None:
    pod = state.pod("track-balancer")
    beside = deepcopy(pod["containers"][0])
    probe = {"tcpSocket": {"port": 9000}}
    beside |= {"name": "beside", "image": "docker.io/library/nginx:1.27.0", "ports": [{"containerPort": 9000}]}
    beside |= {"command": ["nginx"], "volumeMounts": [], "readinessProbe": probe, "livenessProbe": probe}
    pod["containers"].append(beside)


@refused(ONLY, f"{TRACK} has /app/app mounted over its program in container api", "track-balancer-entry")
def test_collectors_with_other_code(state: State) -> None:
    mount(state, "/app/app")


@refused(ONLY, f"{TRACK} has /app mounted over its program in container api")
def test_collectors_with_another_folder_in_place_of_their_own(state: State) -> None:
    mount(state, "/etc/../app/")


@refused(ONLY, f"{TRACK} may run another program by its variable PYTHONPATH in container api")
def test_collectors_that_look_for_code_elsewhere(state: State) -> None:
    state.set_variable("track-api", "PYTHONPATH", value=UNKNOWN)


@accepted(ONLY)
def test_a_folder_beside_the_code(state: State) -> None:
    mount(state, "/app/certificates")
