"""A clone, an embedded cluster and a Pulumi that are only stand-ins, for the tests of the stack commands."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.cluster import Cluster, ClusterTools
from tools.stack import session
from tools.stack.session import Request, Session, prepare
from tools.toolchain import Toolchain

# Notes how it was called, does to the state what the real one would, and says and returns what the test asks for.
FAKE_PULUMI = f"""#!{sys.executable} -I
import json, os, pathlib, sys
note = pathlib.Path(__file__).parent.parent / "calls"
call = {{"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}}
with note.open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
backend = os.environ["PULUMI_BACKEND_URL"].removeprefix("file://").replace("%27", "'")
state = pathlib.Path(backend) / ".pulumi/stacks/tracardi"
words = sys.argv[1:3]
if words == ["stack", "init"]:
    file = state / (sys.argv[3] + ".json")
    if file.exists():
        sys.exit("error: stack 'organization/tracardi/" + sys.argv[3] + "' already exists")
    state.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({{"checkpoint": {{"latest": {{}}}}}}))
    with open("Pulumi." + sys.argv[3] + ".yaml", "a") as copy:
        copy.write("encryptionsalt: v1:salt\\n")
elif words == ["stack", "rm"]:
    (state / (sys.argv[3] + ".json")).unlink()
    pathlib.Path("Pulumi." + sys.argv[3] + ".yaml").unlink()
elif words == ["stack", "export"]:
    latest = json.loads((state / (os.environ["PULUMI_STACK"] + ".json")).read_text())["checkpoint"]["latest"]
    print(json.dumps({{"version": 3, "deployment": latest}}))
elif words == ["stack", "import"]:
    given = json.loads(pathlib.Path(sys.argv[sys.argv.index("--file") + 1]).read_text())
    file = state / (os.environ["PULUMI_STACK"] + ".json")
    file.write_text(json.dumps({{"checkpoint": {{"latest": given["deployment"]}}}}))
elif words == ["stack", "output"]:
    print(json.dumps({{"trackUrl": "https://track.test", "adminEmail": "a@b.test", "adminPassword": "[secret]"}}))
else:
    answer = pathlib.Path(__file__).parent.parent / f"{{sys.argv[1]}}.answer"
    if answer.exists():
        said, status = json.loads(answer.read_text())
        print(said)
        sys.exit(status)
"""


@dataclass(frozen=True)
class Call:
    """One call of Pulumi."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]

    def after(self, flag: str) -> str:
        """What stands behind a flag."""
        return self.arguments[self.arguments.index(flag) + 1]


@dataclass
class Bench:
    """The stand-ins, and what a test reads about them."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    told: list[str] = field(default_factory=list)
    groups: list[frozenset[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.repository.mkdir()
        self.write("Pulumi.yaml", "name: tracardi\nruntime: python\n")
        for stack in ("dev", "prod"):
            self.write(f"Pulumi.{stack}.yaml", f"# The stack {stack}.\nconfig:\n  tracardi:a: 1\n")
        pulumi = self.toolchain.bin / "pulumi"
        pulumi.parent.mkdir(parents=True)
        pulumi.write_text(FAKE_PULUMI, encoding="utf-8")
        pulumi.chmod(0o755)
        self.monkeypatch.setattr(session, "repository", lambda: self.repository)
        self.monkeypatch.setattr(session, "work_dir", lambda: self.work)
        self.monkeypatch.setattr(session, "ensure", self._ensure)
        self.monkeypatch.setattr(session, "cluster_up", self._cluster_up)
        self.monkeypatch.setattr(session, "clusters", self._clusters)

    @property
    def repository(self) -> Path:
        """The clone; its path is one that shells and URLs have to quote."""
        return self.root / "it's-a-clone"

    @property
    def work(self) -> Path:
        """The clone's ignored folder."""
        return self.repository / ".work"

    @property
    def toolchain(self) -> Toolchain:
        """The toolchain, whose only program is Pulumi."""
        return Toolchain(bin=self.root / "toolchain" / "bin", pulumi_home=self.root / "toolchain" / "home")

    @property
    def cluster(self) -> Cluster:
        """The embedded cluster, running or not."""
        return Cluster.at("tracardi", self.work)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the clone."""
        path = self.repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def answer(self, command: str, said: str, status: int = 0) -> None:
        """Decide what a Pulumi command says and returns."""
        (self.root / "toolchain" / f"{command}.answer").write_text(json.dumps([said, status]), encoding="utf-8")

    def calls(self, command: str) -> list[Call]:
        """The calls of a Pulumi command so far."""
        note = self.root / "toolchain" / "calls"
        lines = note.read_text(encoding="utf-8").splitlines() if note.exists() else []
        return [call for call in (Call(**json.loads(line)) for line in lines) if call.arguments[0] == command]

    def session(self, stack: str = "dev", context: str = "", **own: str) -> Session:
        """A session on the stand-ins; `own` are variables of the user."""
        return prepare(Request(stack, context), {"PATH": os.environ["PATH"], **own}, self.told.append)

    def _ensure(self, groups: frozenset[str]) -> Toolchain:
        self.groups.append(groups)
        return self.toolchain

    def _cluster_up(self, name: str, tools: ClusterTools, *, tell: object) -> Cluster:
        del name, tools, tell
        self.cluster.state.mkdir(parents=True, exist_ok=True)
        self.cluster.kubeconfig.write_text('{"current-context": "embedded-tracardi"}', encoding="utf-8")
        self.cluster.finished.touch()
        return self.cluster

    def _clusters(self) -> list[Cluster]:
        return [self.cluster] if self.cluster.folder.exists() else []
