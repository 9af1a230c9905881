"""Hardening: the pack refuses pods that may do more than they need, or say too little about themselves."""

from decimal import Decimal

import pytest

from policies.pack.kubernetes.quantities import quantity
from policies.pack.values import Value
from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

TRACK = "Deployment tracardi-track/track-api"
TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a kind of Secret, not a secret


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
        ({"initContainers": UNDECRYPTED}, "has initContainers that cannot be seen"),
        ({"shareProcessNamespace": True}, "shows each container the processes of the others"),
        ({"volumes": UNDECRYPTED}, "has volumes that cannot be seen"),
        ({"volumes": [UNKNOWN]}, "mounts a volume that cannot be seen"),
        ({"volumes": [{"name": "host", "emptyDir": {}, "nfs": {"path": "/"}}]}, "mounts a volume of type nfs"),
        ({"securityContext": {"sysctls": UNKNOWN}}, "sets sysctls"),
        ({"securityContext": {"runAsNonRoot": False}}, "lets containers run as root"),
        ({"securityContext": {"runAsUser": 0}}, "lets containers run as user 0"),
        ({"securityContext": {"runAsUser": UNKNOWN}}, "lets containers run as user 0"),
        ({"securityContext": {"runAsUser": UNKNOWN}}, "runs as user 0 in container api"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "gives containers no seccomp profile"),
        ({"securityContext": {"seccompProfile": UNKNOWN}}, "gives containers no seccomp profile"),
        ({"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}, "has no AppArmor profile"),
        ({"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}, "has SELinux options that are not a container's"),
        ({"securityContext": {"seLinuxOptions": {"user": "system_u"}}}, "has SELinux options"),
        ({"securityContext": {"windowsOptions": {"hostProcess": True}}}, "is a process of its host"),
        ({"securityContext": UNDECRYPTED}, "may run as root in container api"),
    ],
)
def test_a_pod_that_may_do_more_than_restricted_ones(prod: State, change: JsonObject, problem: str) -> None:
    prod.pod("track-api").update(change)

    assert f"{TRACK} {problem}" in "\n".join(analyse(prod)["pods-are-restricted"])


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
        ({"runAsUser": UNKNOWN}, "runs as user 0"),
        ({"capabilities": {"drop": ["all"]}}, "keeps capabilities"),
        ({"capabilities": {"drop": ["ALL"], "add": [UNKNOWN]}}, "adds capabilities"),
        ({"appArmorProfile": {"type": UNKNOWN}}, "has no AppArmor profile"),
        ({"seLinuxOptions": {"role": "sysadm_r"}}, "has SELinux options that are not a container's"),
        ({"seLinuxOptions": UNDECRYPTED}, "has SELinux options that are not a container's"),
        ({"windowsOptions": {"hostProcess": UNKNOWN}}, "is a process of its host"),
    ],
)
def test_a_container_that_may_do_more_than_restricted_ones(prod: State, change: JsonObject, problem: str) -> None:
    prod.container("track-api")["securityContext"].update(change)

    assert f"{TRACK} {problem} in container api. " in "\n".join(analyse(prod)["pods-are-restricted"])


@refused("pods-are-restricted", f"{TRACK} shows each container the processes of the others")
def test_containers_that_share_their_processes(state: State) -> None:
    state.pod("track-api")["shareProcessNamespace"] = True


def test_a_port_of_the_host(prod: State) -> None:
    prod.container("track-api")["ports"][0]["hostPort"] = 8080

    (message,) = analyse(prod)["pods-are-restricted"]
    assert f"{TRACK} opens a port of its host in container api. " in message


def test_containers_that_cannot_be_seen_beside_initial_ones_that_can(prod: State) -> None:
    prod.pod("elasticsearch")["containers"] = UNKNOWN

    (message,) = analyse(prod)["pods-are-restricted"]
    assert "StatefulSet tracardi-data/elasticsearch has no containers that can be seen. " in message


@refused("pods-are-restricted", "StatefulSet tracardi-data/elasticsearch may gain privileges in container prepare")
def test_an_initial_container_that_may_gain_privileges(state: State) -> None:
    del state.pod("elasticsearch")["initContainers"][0]["securityContext"]["allowPrivilegeEscalation"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"readinessProbe": {"httpGet": {"host": "192.0.2.1", "port": 80}}}, "names a host in its readinessProbe"),
        ({"livenessProbe": {"tcpSocket": {"host": UNKNOWN, "port": 80}}}, "names a host in its livenessProbe"),
        ({"lifecycle": {"postStart": {"httpGet": {"host": "192.0.2.1"}}}}, "names a host in its postStart"),
        ({"lifecycle": {"preStop": {"httpGet": {"host": "192.0.2.1"}}}}, "names a host in its preStop"),
        ({"ports": UNKNOWN}, "opens a port of its host"),
        ({"ports": [{"containerPort": 1, "hostPort": UNKNOWN}]}, "opens a port of its host"),
        ({"volumeMounts": [{"name": "tmp", "mountPropagation": "Bidirectional"}]}, "shares what it mounts"),
        ({"securityContext": UNDECRYPTED}, "may gain privileges"),
    ],
)
def test_a_container_that_reaches_its_host(prod: State, change: JsonObject, problem: str) -> None:
    prod.container("track-api").update(change)

    assert f"{TRACK} {problem}" in "\n".join(analyse(prod)["pods-are-restricted"])


@pytest.mark.parametrize("profile", ["unconfined", UNKNOWN, "Runtime/Default"])
def test_an_annotation_that_takes_a_profile_away(prod: State, profile: str) -> None:
    annotations = prod.template("track-api")["metadata"]["annotations"]
    annotations["container.apparmor.security.beta.kubernetes.io/api"] = profile

    assert f"{TRACK} has no AppArmor profile. " in "\n".join(analyse(prod)["pods-are-restricted"])


@accepted("pods-are-restricted")
def test_what_restricted_pods_may_say_as_well(state: State) -> None:
    pod, container = state.pod("track-api"), state.container("track-api")
    pod.update(hostNetwork=False, hostUsers=False, shareProcessNamespace=False)
    pod["volumes"].append({"name": "empty", "emptyDir": {}, "hostPath": None})
    pod["securityContext"].update(
        appArmorProfile={"type": "RuntimeDefault"},
        seLinuxOptions={"type": "container_t", "level": "s0:c1,c2"},
        sysctls=[{"name": "net.ipv4.tcp_keepalive_time", "value": "60"}],
        windowsOptions={"hostProcess": False},
    )
    container["securityContext"].update(privileged=False, procMount="Default", runAsUser=1000)
    container["securityContext"]["capabilities"]["add"] = ["NET_BIND_SERVICE"]
    container["ports"][0]["hostPort"] = 0
    container["readinessProbe"]["httpGet"]["host"] = ""


@accepted("pods-are-restricted")
def test_what_each_container_says_for_itself(state: State) -> None:
    context = state.pod("gui").pop("securityContext")
    state.container("gui")["securityContext"].update(
        {name: context[name] for name in ("runAsNonRoot", "runAsUser", "seccompProfile")}
    )


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


@pytest.mark.parametrize(
    ("projected", "problem"),
    [
        (UNDECRYPTED, "projects what cannot be seen"),
        ({"sources": UNKNOWN}, "projects what cannot be seen"),
        ({"sources": [UNKNOWN]}, "projects what cannot be seen"),
        ({"sources": [{"podCertificate": {"signerName": "a"}}]}, "projects a certificate of its service account"),
    ],
)
def test_a_projection_that_may_hold_an_identity(prod: State, projected: object, problem: str) -> None:
    prod.pod("track-api")["volumes"].append({"name": "identity", "projected": projected})

    assert f"{TRACK} {problem}. " in "\n".join(analyse(prod)["no-service-account-token"])


def test_a_secret_that_holds_a_token_for_ever(prod: State) -> None:
    secret = {"metadata": {"name": "token", "namespace": "tracardi-track"}, "type": TOKEN}
    prod.add("kubernetes:core/v1:Secret", secret)

    (message,) = analyse(prod)["no-service-account-token"]
    assert "Secret tracardi-track/token may hold a token of a service account" in message


@accepted("no-service-account-token")
def test_an_account_that_mounts_its_token_where_pods_do_not_refuse(state: State) -> None:
    state.inputs("ServiceAccount", "track-api")["automountServiceAccountToken"] = True


@accepted("no-service-account-token")
def test_a_projection_without_a_token(state: State) -> None:
    projected = {"sources": [{"configMap": {"name": "index-shape"}}, {"downwardAPI": {}}]}
    state.pod("track-api")["volumes"].append({"name": "shape", "projected": projected})


@refused("no-service-links", f"{TRACK} has service links")
def test_a_pod_with_service_links_that_says_so(state: State) -> None:
    state.pod("track-api")["enableServiceLinks"] = True


@accepted("no-service-links")
def test_a_service_called_like_a_store(state: State) -> None:
    copy = state.duplicate("Service", "redis", "cache")
    copy["metadata"]["labels"] = {}


@refused("containers-state-resources", f"{TRACK} has no limits.memory above zero in container api")
def test_a_limit_that_is_none(state: State) -> None:
    state.container("track-api")["resources"]["limits"]["memory"] = "0"


@refused("containers-state-resources", f"{TRACK} asks for more memory than its limit in container api")
def test_a_request_above_its_limit(state: State) -> None:
    state.container("track-api")["resources"]["requests"]["memory"] = "0.6Gi"


@accepted("containers-state-resources")
def test_amounts_in_other_words(state: State) -> None:
    state.container("track-api")["resources"] = {
        "requests": {"cpu": 0.5, "memory": "268435456"},
        "limits": {"memory": "0.5Gi"},
    }
    # Kubernetes asks for the limits where nothing is asked for.
    state.container("gui")["resources"] = {"limits": {"cpu": "1e-1", "memory": "128e6"}}


@pytest.mark.parametrize(
    ("resources", "problem"),
    [
        ({"requests": {"cpu": UNKNOWN}}, "has no requests.cpu that can be read"),
        ({"requests": {"cpu": "-1"}}, "has no requests.cpu that can be read"),
        ({"requests": {"cpu": "one"}}, "has no requests.cpu that can be read"),
        ({"requests": {"cpu": 0}}, "has no requests.cpu above zero"),
        ({"requests": UNKNOWN}, "has no requests.cpu"),
        ({"requests": {"cpu": "2"}, "limits": {"cpu": "1000m"}}, "asks for more cpu than its limit"),
    ],
)
def test_amounts_that_say_nothing(prod: State, resources: JsonObject, problem: str) -> None:
    prod.container("track-api")["resources"] = resources

    assert f"{TRACK} {problem} in container api. " in "\n".join(analyse(prod)["containers-state-resources"])


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100m", "0.1"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("1.", "1"),
        ("+2", "2"),
        ("2k", "2000"),
        ("1Ki", "1024"),
        ("1E", "1e18"),
        ("1Ei", str(1024**6)),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("5u", "0.000005"),
        ("5n", "0.000000005"),
        ("", None),
        ("m", None),
        ("1 Gi", None),
        ("1ki", None),
        ("-1", None),
        ("1e999", None),
        ("Infinity", None),
    ],
)
def test_amounts_are_read_as_kubernetes_reads_them(text: str, amount: str | None) -> None:
    assert quantity(Value(text)) == (None if amount is None else Decimal(amount))
