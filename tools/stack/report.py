"""What a person reads after `make up`."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tools.nodes.addresses import INTERNET, TRUSTED
from tools.stack.session import DEFAULT_STACK, Session

_ADDRESSES = {"trackUrl": "events", "guiUrl": "GUI", "guiApiUrl": "GUI API"}
_MINUTE = 60

CLEAR_UP = ("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
"""Pulumi's command that finds out what became of changes which were cut off."""


def after_up(session: Session, seconds: float) -> Iterator[str]:
    """Where the installation is, how to enter it, how to reach it and, on simulated nodes, what it cannot do."""
    outputs = json.loads(session.ask("stack", "output", "--json"))
    yield f"Stack {session.stack.stack} is up on {session.target.title}, after {_span(seconds)}."
    for name, title in _ADDRESSES.items():
        if name in outputs:
            yield f"  {title:<8} {outputs[name]}"
    if "adminPassword" in outputs:
        yield f"Sign in as {outputs.get('adminEmail', 'the administrator')}; the password:"
        yield f"  {enter(session)} && pulumi stack output adminPassword --show-secrets"
    if session.target.real:
        yield from _from_outside(session, outputs.get("loadBalancers", {}))
    elif session.target.embedded:
        yield "The nodes of the embedded cluster are simulated: Kubernetes is real, but no container runs, and no"
        yield "address above answers. Where containers run (kind, or any context of your kubeconfig):"
        yield "  export PULUMI_CONFIG_PASSPHRASE=…   # your own; keep it"
        yield f"  {make('up', session, KUBE_CONTEXT='kind-tracardi')}   # after: kind create cluster --name tracardi"
    elif session.target.state is not None:
        yield f"Its state is in {session.target.state}; do not lose it. Set PULUMI_BACKEND_URL to share it."


def _from_outside(session: Session, entries: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "Its nodes run containers, in networks that only this machine's namespaces have. Two of them are outside the"
    yield f"cluster, {INTERNET.name} and {TRUSTED.name}. As root, trusting any certificate:"
    cluster = session.target.options.get("CLUSTER")
    nodes = " ".join(["python3 -m tools.nodes", *(["--name", cluster] if cluster else []), "run"])
    for entry in sorted(entries.values(), key=lambda entry: entry["exposure"]):
        place = INTERNET if entry["exposure"] == "internet" else TRUSTED
        host = entry["host"]
        found = "".join(f" --resolve {host}:443:{address}" for address in entry["addresses"][:1])
        yield f"  {nodes} {place.name} -- curl --insecure{found} https://{host}/"
    yield f"Clients of {TRUSTED.name} come from {TRUSTED.network}, which network.trusted of the stack file has to name."


def make(command: str, session: Session, **options: str) -> str:
    """The make command for this session's stack and target, or for the target that `options` name."""
    stack = {} if session.stack.stack == DEFAULT_STACK else {"STACK": session.stack.stack}
    chosen = {**stack, **(options or session.target.options)}
    return " ".join(["make", command, *(f"{name}={shlex.quote(value)}" for name, value in chosen.items())])


def down(session: Session, *, keep: bool) -> str:
    """The make command that takes the stack down, with or without its data."""
    return make("down", session) + (" DATA=keep" if keep else "")


def enter(session: Session) -> str:
    """The command after which plain pulumi works on this session's stack."""
    return f'eval "$({make("env", session).replace("make", "make -s", 1)})"'


def clear_up(session: Session) -> str:
    """The command for a person to run where changes were cut off."""
    return f"{enter(session)} && pulumi {shlex.join(CLEAR_UP)}"


def kubectl(session: Session) -> str:
    """The beginning of a kubectl command on this session's cluster; a stack file's own target is the reader's."""
    if session.target.embedded:
        return f"{enter(session)} && kubectl"
    context = session.target.options.get("KUBE_CONTEXT")
    return f"kubectl --context={shlex.quote(context)}" if context else "kubectl"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
