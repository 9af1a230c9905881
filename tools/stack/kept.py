"""Data that outlives its stack (`tracardi:data.keep`), when the stack is taken down.

The program marks what is kept as retained, in production also as protected. Pulumi destroys by the marks in the state,
so these say what happens, whatever the stack file has come to say since the last `up`. They are changed in the state
itself: that is one step which happens or does not, and needs neither a program that runs nor a cluster that answers.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.errors import ToolError
from tools.stack import report
from tools.stack.session import Session

JsonObject = dict[str, Any]

_SETTING = "tracardi:data.keep"
_STACK = "pulumi:pulumi:Stack"
_NAMESPACE = "kubernetes:core/v1:Namespace"
# Every installation calls it so (components/context.py).
_DATA_ENDING = "-data"


@dataclass(frozen=True)
class Data:
    """What a state says about the stack's data."""

    guarded: bool
    """Whether anything is marked as retained or protected."""
    exposed: bool
    """Whether the data's namespace is there and would go with the stack."""
    namespaces: tuple[str, ...]
    """Namespaces that are kept."""
    left: bool
    """Whether they have left the state already: a `make down DATA=keep` did not come to its end."""


def wanted(choice: str) -> bool:
    """Whether `DATA=choice` asks to keep data. Raises ToolError for a word that nothing stands for."""
    if choice not in {"", "keep"}:
        raise ToolError(
            f"DATA={choice} is not known. DATA=keep leaves the data in the cluster; data goes with everything else "
            f"where the stack file says {_SETTING}: false."
        )
    return choice == "keep"


def read(deployment: JsonObject) -> Data:
    """What an exported deployment says."""
    resources = _resources(deployment)
    outputs = next((_outputs(resource) for resource in resources if resource.get("type") == _STACK), {})
    namespaces = [resource for resource in resources if resource.get("type") == _NAMESPACE]
    retained = tuple(_name(each) for each in namespaces if each.get("retainOnDelete"))
    exposed = any(_name(each).endswith(_DATA_ENDING) for each in namespaces if not each.get("retainOnDelete"))
    left = outputs.get("dataKept") is True and not retained and not exposed
    told = dict(outputs.get("namespaces") or {}).get("data") if left else None
    return Data(
        guarded=any(resource.get("protect") or resource.get("retainOnDelete") for resource in resources),
        exposed=exposed,
        namespaces=(str(told),) if told else retained,
        left=left,
    )


def examine(session: Session, *, keep: bool) -> Data:
    """What the state says, where that agrees with what `make down` was asked for (`keep`: with DATA=keep).

    Raises:
        ToolError: data is kept, and it was not said whether it stays; or it is to stay, and nothing keeps it.
    """
    data = read(_export(session)["deployment"])
    if keep and data.exposed:
        raise ToolError(_not_kept(session, "DATA=keep"))
    if keep or not (data.guarded or data.exposed):
        return data
    setting = _setting(session)
    if data.guarded and setting != "false":
        raise ToolError(_undecided(session, data))
    if data.exposed and setting == "true":
        raise ToolError(_not_kept(session, f"Pulumi.{session.stack.stack}.yaml"))
    return data


def release(session: Session, *, keep: bool) -> None:
    """Take the marks off that would stop Pulumi; with `keep`, retained resources stay retained. Raises ToolError."""
    exported = _export(session)
    deployment = exported["deployment"]
    if deployment.get("pending_operations"):
        # Importing a state forgets them, and with them what may exist without being recorded.
        raise ToolError(
            f"an earlier command left changes of stack {session.stack.stack} unfinished, and nothing has been removed "
            f"yet. First:\n  {report.clear_up(session)}"
        )
    for resource in _resources(deployment):
        resource.pop("protect", None)
        if not keep:
            resource.pop("retainOnDelete", None)
            if "dataKept" in _outputs(resource):
                resource["outputs"]["dataKept"] = False
    with TemporaryDirectory(prefix="state-", dir=session.stack.folder) as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps(exported), encoding="utf-8")
        session.ask("stack", "import", "--file", str(file), "--non-interactive")


def farewell(session: Session, data: Data, *, keep: bool) -> Iterator[str]:
    """What is left once the stack, whose state said `data`, has been taken down."""
    stack, place = session.stack.stack, session.target.title
    if not (data.namespaces and (keep or data.left)):
        yield f"stack {stack} is down: nothing of it is left on {place}"
        return
    yield f"stack {stack} is down; {_described(data)} stays on {place}."
    yield f"  `{report.make('up', session)}` takes it over again. To remove it for good:"
    yield f"  {report.kubectl(session)} delete namespace {' '.join(data.namespaces)}"


def _undecided(session: Session, data: Data) -> str:
    return (
        f"stack {session.stack.stack} keeps its data, so the stack was not taken down; nothing was changed.\n"
        f"  kept:            {_described(data)}\n"
        f"  to remove all:   {_SETTING}: false in Pulumi.{session.stack.stack}.yaml, and "
        f"`{report.down(session, keep=False)}` again\n"
        f"  to keep only it: `{report.down(session, keep=True)}`; the next `{report.make('up', session)}` takes it over"
    )


def _not_kept(session: Session, who: str) -> str:
    return (
        f"{who} asks to keep the data of stack {session.stack.stack}, but nothing keeps it yet, so the stack was not "
        f"taken down; nothing was changed.\n"
        f"  to keep it:    {_SETTING}: true, `{report.make('up', session)}`, then `{report.down(session, keep=True)}`\n"
        f"  to remove all: {_SETTING}: false, and `{report.down(session, keep=False)}`"
    )


def _described(data: Data) -> str:
    if not data.namespaces:
        return "what its state marks as protected"
    return f"namespace {', '.join(data.namespaces)} with its volumes and the credentials that open them"


def _setting(session: Session) -> str | None:
    try:
        return session.ask("config", "get", "--path", _SETTING).strip()
    except ToolError:
        return None  # not set; and where it cannot be read, nobody has said that data may go


def _export(session: Session) -> JsonObject:
    exported = json.loads(session.ask("stack", "export"))
    return exported if isinstance(exported.get("deployment"), dict) else {**exported, "deployment": {}}


def _name(namespace: JsonObject) -> str:
    # The identifier of a namespace is its name.
    return str(namespace.get("id", ""))


def _resources(deployment: JsonObject) -> list[JsonObject]:
    return list(deployment.get("resources") or ())


def _outputs(resource: JsonObject) -> JsonObject:
    return dict(resource.get("outputs") or {})
