"""Runs the preflight program as its Job does, or its parts in this process."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from components.programs import preflight
from components.programs.preflight.checks import main

from .listening import HOST

CANARY = "kanarie"
"""Part of every password."""
PASSWORD = f"{CANARY}.Of-a~store_1"
USER = "cdp"
VERSIONS = {
    "elasticsearch": {"least": "7.13", "below": "9", "known": "8.11"},
    "redis": {"least": "6.0", "below": None, "known": "7.2"},
    "mysql": {"least": "8.0", "below": "9", "known": "8.0"},
    "pulsar": {"least": "2.10", "below": "5", "known": "3.1"},
}


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    status: int
    said: str
    found: tuple[str, ...]
    """The findings, without the line that counts them."""

    @property
    def only(self) -> str:
        """The one finding."""
        (found,) = self.found
        return found


@dataclass
class Job:
    """The program, with the stores that it is to check."""

    folder: Path
    stores: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def store(self, name: str, port: int, *more: int, **changes: Any) -> None:  # noqa: ANN401 - anything of a plan
        """One to check, at `port` of this machine.

        `more` are further addresses of Elasticsearch, or where the administration of Pulsar is.
        """
        self.stores[name] = {"networks": ["127.0.0.0/8"], "versions": VERSIONS[name], "tunnel": None, **changes}
        match name:
            case "elasticsearch":
                told = {
                    "ELASTIC_HOST": ",".join(f"https://{HOST}:{each}" for each in (port, *more)),
                    "ELASTIC_HTTP_AUTH_USERNAME": USER,
                    "ELASTIC_HTTP_AUTH_PASSWORD": PASSWORD,
                }
            case "redis":
                told = {"REDIS_HOST": HOST, "REDIS_PORT": str(port), "REDIS_PASSWORD": PASSWORD}
            case "pulsar":
                told = {
                    "PULSAR_HOST": f"pulsar://{HOST}:{port}",
                    "PULSAR_API": f"http://{HOST}:{more[0]}",
                    "PULSAR_CLUSTER": "eu",
                    "PULSAR_TENANT": "cdp",
                    "PULSAR_AUTH_TOKEN": PASSWORD,
                }
            case _:
                told = {
                    "MYSQL_HOST": HOST,
                    "MYSQL_PORT": str(port),
                    "MYSQL_DATABASE": "tracardi",
                    "MYSQL_USERNAME": USER,
                    "MYSQL_PASSWORD": PASSWORD,
                }
        self.environment |= told

    def run(self, **changed: str) -> Outcome:
        """As a function of this process, which is quicker by far."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(self._environment(changed))
        return _harmless(status, out.getvalue(), err.getvalue())

    def run_as_program(self) -> Outcome:
        """As its container does: from a folder with nothing else, as strict as Python gets, with a useless proxy."""
        mounted = self.folder / "mounted" / "preflight"
        mounted.mkdir(parents=True)
        for file in Path(preflight.__file__).parent.glob("*.py"):
            (mounted / file.name).write_bytes(file.read_bytes())
        done = subprocess.run(
            [sys.executable, "-s", "-S", "-W", "error", "-m", "preflight"],
            cwd=mounted.parent,
            env={"https_proxy": "http://127.0.0.1:9"} | self._environment({}),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return _harmless(done.returncode, done.stdout, done.stderr)

    def _environment(self, changed: Mapping[str, str]) -> dict[str, str]:
        plan = self.folder / "plan.json"
        plan.write_text(json.dumps({"release": "1.0.0", "stores": self.stores}), encoding="utf-8")
        limits = {"PATIENCE": "0", "TIMEOUT": "2", "DEADLINE": "8", "POLL": "0.005"}
        usual = {f"PREFLIGHT_{name}_SECONDS": value for name, value in limits.items()}
        return {**usual, "PREFLIGHT_PLAN": str(plan), **self.environment, **changed}


def _harmless(status: int, out: str, err: str) -> Outcome:
    """Whatever happens, no secret may be printed, and only a bug may be answered with a traceback."""
    for text in (out, err):
        assert CANARY not in text
        assert "Traceback" not in text
    *found, last = err.splitlines() or [""]
    assert last == (f"{len(found)} finding(s): Tracardi 1.0.0 would not work with these stores." if status else "")
    assert bool(found) == bool(status)
    return Outcome(status, out, tuple(found))
