"""Runs the installation program as its Job does, against an address of choice."""

import string
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from components.programs import install

CANARY = "kanarie"
"""Part of every secret, and unchanged by every way of escaping it."""
TOKEN = f"{CANARY}-token <&>\"'\\ %+ü/="
PASSWORD = f"{CANARY}{string.punctuation} {string.digits}"
EMAIL = "admin@tracardi.example.com"
SHOP: dict[str, object] = {
    "id": "web-shop",
    "name": "Web shop",
    "type": ["rest"],
    "bridge": {"id": "778ded05-4ff3-4e08-9a86-72c0195fa95d", "name": "REST API Bridge"},
    "channel": "Web",
    "enabled": True,
    "tags": ["shop", "web"],
    "groups": [],
}
DONE, REFUSED, GAVE_UP = 0, 1, 2


@dataclass(frozen=True)
class Outcome:
    """How a run of the program ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Job:
    """The program with its environment and its mounted files."""

    folder: Path
    url: str

    def mount(self, name: str, content: str) -> None:
        """Writes one of the files, without adding a line break."""
        (self.folder / name).write_bytes(content.encode())

    def start(self, **changed: str) -> subprocess.Popen[str]:
        """As a program: without site-packages, as strict as Python gets, and with a proxy that nobody may use."""
        command = [sys.executable, "-I", "-S", "-W", "error", "-u", install.__file__]
        nobody = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
        environment = nobody | self._environment(changed)
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, **changed: str) -> Outcome:
        """As a program, to its end; an empty value unsets a variable."""
        with self.start(**changed) as process:
            return end_of(process)

    def run_here(self, **changed: str) -> Outcome:
        """As a function of this process, which is quicker by far."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = install.main(self._environment(changed))
        return harmless(Outcome(status, out.getvalue(), err.getvalue()))

    def _environment(self, changed: dict[str, str]) -> dict[str, str]:
        usual = {
            "TRACARDI_API_URL": self.url,
            "TRACARDI_ADMIN_EMAIL": EMAIL,
            "TRACARDI_SECRETS_DIR": str(self.folder),
            "TRACARDI_EVENT_SOURCES_FILE": str(self.folder / "event-sources.json"),
            "TRACARDI_DEADLINE_SECONDS": "8",
            "TRACARDI_INSTALL_TIMEOUT_SECONDS": "4",
            "TRACARDI_SETTLE_SECONDS": "0.2",
            "TRACARDI_REQUEST_TIMEOUT_SECONDS": "2",
            "TRACARDI_POLL_SECONDS": "0.005",
        }
        return {name: value for name, value in (usual | changed).items() if value}


def end_of(process: subprocess.Popen[str], already_read: str = "") -> Outcome:
    """Waits for a program; the output so far includes what a test has read."""
    out, err = process.communicate(timeout=20)
    return harmless(Outcome(process.returncode, already_read + out, err))


def harmless(outcome: Outcome) -> Outcome:
    """Whatever happens, no secret may be printed, and only a bug may be answered with a traceback."""
    for text in (outcome.out, outcome.err):
        assert CANARY not in text
        assert "Traceback" not in text
    assert bool(outcome.err) == (outcome.status != DONE), "the reason, and nothing else, belongs on stderr"
    return outcome


def job_against(url: str, folder: Path) -> Job:
    job = Job(folder, url)
    job.mount("installation-token", TOKEN)
    job.mount("admin-password", PASSWORD)
    job.mount("event-sources.json", "[]")
    return job
