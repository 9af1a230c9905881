"""A stack that is not of this repository: the pack accepts what is legal in it, and refuses what is not."""

import base64
from functools import cache
from typing import Any

import pytest

from tests.policies.analysis import analyse, configuration
from tests.policies.other_program import record
from tests.policies.other_texts import INTERNAL, PUBLIC, STORES
from tests.policies.state import UNDECRYPTED, UNKNOWN, Change, State
from tests.unit.engine import Recording

KEPT = [f"{PUBLIC}/edge-cert", f"{INTERNAL}/desk-cert", f"{INTERNAL}/desk-api-cert"]
"""Secrets that somebody else fills with certificates."""

_recorded = cache(record)


@pytest.fixture(scope="module")
def recording() -> Recording:
    """What the program registers, with what the generators made."""
    found = _recorded()
    for made in found.of_kind("RandomPassword"):
        made.inputs["result"] = f"canary-{made.name}"
    return found


def found(state: State) -> set[str]:
    """The rules of production's configuration that refuse the stack."""
    return set(analyse(state, configuration("prod") | {"secrets-can-be-found": {"keptElsewhere": KEPT}}))


@pytest.mark.parametrize("placeholder", [None, UNKNOWN, UNDECRYPTED])
def test_it_is_accepted(recording: Recording, placeholder: str | None) -> None:
    state = State.of(recording)
    if placeholder:
        state.hide_secrets(placeholder)
        for made in state.of_kind("RandomPassword"):
            made.inputs["result"] = placeholder

    assert found(state) == set()


def _budget(state: State, **said: object) -> None:
    state.inputs("PodDisruptionBudget", "collect")["spec"] = {
        "selector": {"matchLabels": {"app": "collect"}},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        **said,
    }


def _scale(state: State, least: int, most: int) -> None:
    spec = {
        "minReplicas": least,
        "maxReplicas": most,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "collect"},
    }
    metadata = {"name": "collect", "namespace": PUBLIC}
    state.add("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", {"metadata": metadata, "spec": spec})


def _start(state: State, *line: str) -> None:
    state.container("collect")["command"] = list(line)


def _wait(state: State) -> None:
    started: dict[str, Any] = {**state.container("collect"), "name": "wait"}
    for name in ("ports", "livenessProbe", "readinessProbe"):
        del started[name]
    started["command"] = ["python3", "-c", "import socket; socket.create_connection(('kv.cdp-stores', 6379), 5)"]
    state.pod("collect")["initContainers"] = [started]


def _encode(state: State) -> None:
    for secret in state.of_kind("Secret"):
        plain = secret.inputs.pop("stringData")
        secret.inputs["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}


def _whole_file(state: State) -> None:
    (secret,) = [secret for secret in state.of_kind("Secret") if secret.object_name == "redis-conf"]
    secret.inputs["stringData"] = {"redis.conf": "appendonly yes\n" + secret.inputs["stringData"]["auth.conf"]}
    state.container("kv")["command"] = ["redis-server", "/auth/redis.conf"]


def _hand_on(state: State) -> None:
    state.drop_variable("collect", "REDIS_PASSWORD")
    state.set_variable("collect", "KV", valueFrom={"secretKeyRef": {"name": "app", "key": "redis"}})
    state.set_variable("collect", "REDIS_PASSWORD", value="$(KV)")


LEGAL: dict[str, Change] = {
    "a budget that counts those that stay": lambda state: _budget(state, minAvailable="50%"),
    "an autoscaler": lambda state: _scale(state, 3, 9),
    "an initial container": _wait,
    "encoded data": _encode,
    "a configuration of Redis that is secret as a whole": _whole_file,
    "a shell": lambda state: _start(state, "sh", "-c", "exec uvicorn app.main:application --port 8000 --workers 1"),
    "gunicorn": lambda state: _start(state, "gunicorn", "-w", "1", "app.main:application", "-b", ":8000"),
    "a secret by way of another variable": _hand_on,
    "the context that is there by default": lambda state: state.drop_variable("studio-api", "PRODUCTION"),
}
"""Other ways of saying the same."""


@pytest.mark.parametrize("change", LEGAL.values(), ids=LEGAL)
def test_other_ways_are_accepted(recording: Recording, change: Change) -> None:
    state = State.of(recording)
    change(state)

    assert found(state) == set()


def _write_down(state: State) -> None:
    for secret in state.of_kind("Secret"):
        plain = secret.inputs["stringData"]
        plain |= dict.fromkeys({"token", "installation-token"} & plain.keys(), "k3Jx9QpL77vbZ-mD2sWq8rTn")


ILLEGAL: dict[str, tuple[str, Change]] = {
    "no flag": ("internet-reaches-no-gui-api", lambda state: state.drop_variable("collect", "EXPOSE_GUI_API")),
    "no allow list of paths": (
        "internet-finds-only-collection-routes",
        lambda state: state.edit("edge", "\thttp-request deny if ! collect\n", ""),
    ),
    "an entry for everybody": (
        "internet-reaches-only-the-api",
        lambda state: state.spec("Service", "desk").pop("loadBalancerSourceRanges"),
    ),
    "a balancer for everybody": (
        "trusted-entries-are-closed-in-each-layer",
        lambda state: state.edit("desk-api", "tcp-request connection reject", "# tcp-request connection reject"),
    ),
    "no policy": ("namespaces-deny-by-default", lambda state: state.remove("NetworkPolicy", f"{STORES}-nothing")),
    "a policy for everybody": (
        "stores-are-closed-to-outside",
        lambda state: state.spec("NetworkPolicy", "kv")["ingress"].append(
            {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
        ),
    ),
    "a selector of another role": (
        "services-lead-to-one-role",
        lambda state: state.spec("Service", "collect").update(selector={"team": "data"}),
    ),
    "no TLS": ("entries-serve-tls", lambda state: state.edit("edge", " ssl crt /certs/", "")),
    "old TLS": ("entries-serve-tls", lambda state: state.edit("edge", "TLSv1.2", "TLSv1.0")),
    "a token that was written down": ("secrets-come-from-generators", _write_down),
    "a literal password": (
        "secrets-are-never-literal",
        lambda state: state.set_variable("collect", "REDIS_PASSWORD", value="Xk29dkLm3QpZ"),
    ),
    "a short password": (
        "generated-passwords-are-strong",
        lambda state: state.inputs("RandomPassword", "admin-of-the-whole-customer-platform").update(length=12),
    ),
    "latest": ("images-are-pinned", lambda state: state.container("kv").update(image="redis:latest")),
    "a root": (
        "pods-are-restricted",
        lambda state: state.container("studio")["securityContext"].update(runAsUser=0),
    ),
    "two collectors": ("track-instances", lambda state: state.spec("Deployment", "collect").update(replicas=2)),
    "two of Redis": ("stores-run-once", lambda state: state.spec("StatefulSet", "kv").update(replicas=2)),
    "a licence": ("no-licence-in-open-source", lambda state: state.set_variable("install", "LICENSE", value="")),
    "another tenant": ("one-index-shape", lambda state: state.set_variable("collect", "TENANT_NAME", value="other")),
    "stickiness": (
        "no-session-affinity",
        lambda state: state.spec("Service", "collect").update(sessionAffinity="ClientIP"),
    ),
    "shared hosts": (
        "instances-on-hosts-of-their-own",
        lambda state: state.pod("collect").pop("affinity"),
    ),
}
"""What every platform engineer would call a breach, with the rule that says so."""


@pytest.mark.parametrize(("rule", "change"), ILLEGAL.values(), ids=ILLEGAL)
def test_what_is_not_legal_is_refused(recording: Recording, rule: str, change: Change) -> None:
    state = State.of(recording)
    change(state)

    assert rule in found(state)
