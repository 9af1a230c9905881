"""Hardening: the pack refuses pods that may do more than they need, or say too little about themselves."""

import pytest

from tests.policies.analysis import analyse
from tests.policies.refusals import refused
from tests.policies.state import UNDECRYPTED, State
from tests.unit.engine import JsonObject

TRACK = "Deployment tracardi-track/track-api"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"hostNetwork": True}, "sets hostNetwork"),
        ({"hostPID": True}, "sets hostPID"),
        ({"hostIPC": UNDECRYPTED}, "sets hostIPC"),
        ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, "mounts a volume of type hostPath"),
        ({"ephemeralContainers": [{"name": "debug"}]}, "has ephemeral containers"),
        ({"securityContext": {"sysctls": [{"name": "a", "value": "b"}]}}, "sets sysctls"),
        ({"securityContext": {}}, "may run as root in container api"),
        ({"securityContext": {"runAsNonRoot": True}}, "has no seccomp profile in container api"),
        ({"containers": UNDECRYPTED}, "has no containers that can be seen"),
    ],
)
def test_a_pod_that_may_do_more_than_restricted_ones(prod: State, change: JsonObject, problem: str) -> None:
    prod.pod("track-api").update(change)

    assert f"{TRACK} {problem}. " in "\n".join(analyse(prod)["pods-are-restricted"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"privileged": True}, "is privileged"),
        ({"allowPrivilegeEscalation": True}, "may gain privileges"),
        ({"capabilities": {}}, "keeps capabilities"),
        ({"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}, "adds capabilities"),
        ({"capabilities": {"drop": ["ALL"], "add": UNDECRYPTED}}, "adds capabilities"),
        ({"runAsNonRoot": False}, "may run as root"),
        ({"runAsUser": 0}, "runs as user 0"),
        ({"seccompProfile": {"type": "Unconfined"}}, "has no seccomp profile"),
        ({"procMount": "Unmasked"}, "unmasks /proc"),
        ({"readOnlyRootFilesystem": False}, "writes to its root file system"),
    ],
)
def test_a_container_that_may_do_more_than_restricted_ones(prod: State, change: JsonObject, problem: str) -> None:
    prod.container("track-api")["securityContext"].update(change)

    assert f"{TRACK} {problem} in container api. " in "\n".join(analyse(prod)["pods-are-restricted"])


@refused("pods-are-restricted", f"{TRACK} opens a port of its host in container api")
def test_a_port_of_the_host(state: State) -> None:
    state.container("track-api")["ports"][0]["hostPort"] = 8080


@refused("pods-are-restricted", "StatefulSet tracardi-data/elasticsearch may gain privileges in container prepare")
def test_an_initial_container_that_may_gain_privileges(state: State) -> None:
    del state.pod("elasticsearch")["initContainers"][0]["securityContext"]["allowPrivilegeEscalation"]


@refused(
    "images-are-pinned", "StatefulSet tracardi-data/redis has an image that is not pinned (docker.io/library/redis:"
)
def test_an_image_that_moves(state: State) -> None:
    state.container("redis")["image"] = "docker.io/library/redis:latest"


@refused("images-are-pinned", "(registry.example.com:5000/library/redis)")
def test_an_image_without_a_tag(state: State) -> None:
    state.container("redis")["image"] = "registry.example.com:5000/library/redis"


@refused("no-service-account-token", f"{TRACK} mounts the token of its service account")
def test_a_pod_that_mounts_a_token(state: State) -> None:
    del state.pod("track-api")["automountServiceAccountToken"]


@refused("no-service-account-token", f"{TRACK} projects a token of its service account")
def test_a_pod_that_projects_a_token(state: State) -> None:
    projected = {"sources": [{"serviceAccountToken": {"path": "token"}}]}
    state.pod("track-api")["volumes"].append({"name": "token", "projected": projected})


@refused("no-service-links", f"{TRACK} has service links")
def test_a_pod_with_service_links(state: State) -> None:
    del state.pod("track-api")["enableServiceLinks"]


@refused("containers-state-resources", f"{TRACK} has no requests.cpu in container api", "has no limits.memory")
def test_a_container_without_resources(state: State) -> None:
    del state.container("track-api")["resources"]


@refused("containers-are-probed", f"{TRACK} has no readinessProbe in container api")
def test_a_container_that_nobody_asks(state: State) -> None:
    del state.container("track-api")["readinessProbe"]


@refused("containers-are-probed", "has no livenessProbe in container watcher")
def test_a_sidecar_that_nobody_asks(state: State) -> None:
    pod = state.pod("gui")
    sidecar = {**pod["containers"][0], "name": "watcher", "restartPolicy": "Always"}
    pod["initContainers"] = [{key: value for key, value in sidecar.items() if key != "livenessProbe"}]
