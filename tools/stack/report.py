"""What a person reads after `make up`."""

import json
import shlex
from collections.abc import Iterator

from tools.stack.session import DEFAULT_STACK, Session

_ADDRESSES = {"trackUrl": "events", "guiUrl": "GUI", "guiApiUrl": "GUI API"}
_MINUTE = 60

CLEAR_UP = ("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
"""Pulumi's command that finds out what became of changes which were cut off."""


def after_up(session: Session, seconds: float) -> Iterator[str]:
    """Where the installation is, how to enter it and, on simulated nodes, what it cannot do."""
    outputs = json.loads(session.ask("stack", "output", "--json"))
    yield f"Stack {session.stack.stack} is up on {session.target.title}, after {_span(seconds)}."
    for name, title in _ADDRESSES.items():
        if name in outputs:
            yield f"  {title:<8} {outputs[name]}"
    if "adminPassword" in outputs:
        yield f"Sign in as {outputs.get('adminEmail', 'the administrator')}; the password:"
        yield f"  {enter(session)} && pulumi stack output adminPassword --show-secrets"
    if session.target.embedded:
        yield "The nodes of the embedded cluster are simulated: Kubernetes is real, but no container runs, and no"
        yield "address above answers. Where containers run (kind, or any context of your kubeconfig):"
        yield "  export PULUMI_CONFIG_PASSPHRASE=…   # your own; keep it"
        yield f"  {make('up', session, KUBE_CONTEXT='kind-tracardi')}   # after: kind create cluster --name tracardi"
    elif session.target.state is not None:
        yield f"Its state is in {session.target.state}; do not lose it. Set PULUMI_BACKEND_URL to share it."


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
