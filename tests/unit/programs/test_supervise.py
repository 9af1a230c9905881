"""The script that has servers reload: real shells, and a stand-in server that writes down what it is sent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from .mounted import MountedSecret

SCRIPT = Path(__file__).parents[3] / "components" / "programs" / "supervise.sh"
PATIENCE = 10
SERVER = """
import signal, sys

def hear(number, _):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGQUIT:
        sys.exit(7)

for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, hear)
print("serving", flush=True)
while True:
    signal.pause()
"""


@dataclass(frozen=True)
class Supervisor:
    """The script, and what its server writes."""

    process: subprocess.Popen[str]

    def hears(self) -> str:
        """The next line that the server writes."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def end(self) -> tuple[int, str, str]:
        """Exit status and what is left of both outputs, once the script ends."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def supervised(
    folders: str,
    *command: str,
    stop: str = "QUIT",
    interval: str = "0.05",
    directory: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Supervisor]:
    """A script that runs; by default with the stand-in server, which QUIT ends."""
    arguments = ["sh", str(SCRIPT), "HUP", stop, folders, "--"]
    with subprocess.Popen(
        [*arguments, *(command or (sys.executable, "-c", SERVER))],
        env={**os.environ, "SUPERVISE_SECONDS": interval, **environment},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Supervisor(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def secret(tmp_path: Path) -> MountedSecret:
    secret = MountedSecret(tmp_path / "certificates")
    secret.folder.mkdir()
    secret.hold(tls_crt=b"certificate", tls_key=b"key")
    return secret


def test_a_replaced_secret_makes_the_server_reload_once(secret: MountedSecret) -> None:
    with supervised(str(secret.folder)) as supervisor:
        assert supervisor.hears() == "serving"

        secret.hold(tls_crt=b"renewed", tls_key=b"key")
        first = supervisor.hears()
        secret.hold(tls_crt=b"renewed again", tls_key=b"key")
        second = supervisor.hears()
        supervisor.process.terminate()

        assert (first, second) == ("SIGHUP", "SIGHUP")
        assert supervisor.end() == (7, "SIGQUIT\n", "supervise: files have changed, sending HUP\n" * 2)


def test_each_of_several_folders_is_watched(secret: MountedSecret, tmp_path: Path) -> None:
    others = [tmp_path / "with space", tmp_path / "authority"]
    for folder in others:
        (folder / "below").mkdir(parents=True)
        (folder / "below" / "ca.crt").write_text("authority")

    with supervised(":".join(map(str, [secret.folder, *others]))) as supervisor:
        assert supervisor.hears() == "serving"
        for folder in others:
            (folder / "below" / "ca.crt").write_text("another authority")
            assert supervisor.hears() == "SIGHUP"


@dataclass(frozen=True)
class Clock:
    """A `sleep` that ends when a test says so."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Has a script find this `sleep` before the real one."""
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "CLOCK": str(self.folder)}

    def begin(self) -> None:
        """Returns when the script sleeps."""
        (self.folder / "asleep").read_text()

    def look(self) -> None:
        """Returns when the script has looked at its files and sleeps again."""
        (self.folder / "wake").write_text("\n")
        self.begin()


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    clock = Clock(tmp_path / "bin")
    clock.folder.mkdir()
    os.mkfifo(clock.folder / "asleep")
    os.mkfifo(clock.folder / "wake")
    (clock.folder / "sleep").write_text('#!/bin/sh\necho >"$CLOCK/asleep"\nread -r _ <"$CLOCK/wake"\n')
    (clock.folder / "sleep").chmod(0o755)
    return clock


def test_the_same_content_mounted_anew_is_no_change(secret: MountedSecret, clock: Clock) -> None:
    with supervised(str(secret.folder), environment=clock.environment) as supervisor:
        assert supervisor.hears() == "serving"
        clock.begin()
        secret.hold(tls_crt=b"certificate", tls_key=b"key")
        clock.look()
        secret.hold(tls_crt=b"certificate", tls_key=b"another key")
        clock.look()
        supervisor.process.terminate()

        assert supervisor.end() == (7, "SIGHUP\nSIGQUIT\n", "supervise: files have changed, sending HUP\n")


def test_a_file_that_appears_and_goes_is_a_change(secret: MountedSecret) -> None:
    with supervised(str(secret.folder)) as supervisor:
        assert supervisor.hears() == "serving"
        (secret.folder / "more.pem").write_text("one more")
        appeared = supervisor.hears()
        (secret.folder / "more.pem").unlink()

        assert (appeared, supervisor.hears()) == ("SIGHUP", "SIGHUP")


@pytest.fixture
def in_the_foreground() -> Iterator[None]:
    """A shell that starts a command in the background switches these signals off for it, and no shell can undo that."""
    numbers = (signal.SIGINT, signal.SIGQUIT)
    # What is caught here has its usual meaning in the programs that are started.
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_without_a_folder_nothing_is_looked_at_and_the_server_is_still_told_to_end(tmp_path: Path) -> None:
    with supervised("", directory=tmp_path) as supervisor:
        assert supervisor.hears() == "serving"
        (tmp_path / "appears").write_text("in the folder that the script was started in")
        with pytest.raises(subprocess.TimeoutExpired):
            supervisor.process.wait(0.3)
        supervisor.process.terminate()

        assert supervisor.end() == (7, "SIGQUIT\n", "")


@pytest.mark.usefixtures("in_the_foreground")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1])
def test_each_way_to_stop_the_pod_becomes_the_servers_own(secret: MountedSecret, sent: signal.Signals) -> None:
    with supervised(str(secret.folder), interval="10") as supervisor:
        assert supervisor.hears() == "serving"
        supervisor.process.send_signal(sent)

        assert supervisor.end() == (7, "SIGQUIT\n", "")


def test_a_server_that_is_to_end_has_its_time_and_is_not_told_to_reload(secret: MountedSecret) -> None:
    with supervised(str(secret.folder), stop="USR1") as supervisor:
        assert supervisor.hears() == "serving"
        supervisor.process.terminate()
        first = supervisor.hears()
        secret.hold(tls_crt=b"renewed", tls_key=b"key")
        with pytest.raises(subprocess.TimeoutExpired):
            supervisor.process.wait(0.3)
        supervisor.process.terminate()

        assert (first, supervisor.hears()) == ("SIGUSR1", "SIGUSR1")


@pytest.mark.parametrize(
    ("command", "status"),
    [(("sh", "-c", "exit 3"), 3), (("true",), 0), (("sh", "-c", "kill -KILL $$"), 137), (("no-such-server",), 127)],
)
def test_a_server_that_ends_by_itself_ends_the_script_at_once_with_its_status(
    secret: MountedSecret, command: tuple[str, ...], status: int
) -> None:
    with supervised(str(secret.folder), *command, interval="60") as supervisor:
        assert supervisor.end()[0] == status


def test_nothing_is_written(secret: MountedSecret, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with supervised(str(secret.folder), directory=empty) as supervisor:
        assert supervisor.hears() == "serving"
        secret.hold(tls_crt=b"renewed", tls_key=b"key")
        assert supervisor.hears() == "SIGHUP"

    assert list(empty.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["HUP", "QUIT", "/certs"], ["HUP", "QUIT", "/certs", "nginx", "-g"]])
def test_a_wrong_call_is_one_line(arguments: list[str]) -> None:
    outcome = subprocess.run(["/bin/sh", SCRIPT, *arguments], capture_output=True, text=True, check=False)

    assert outcome.returncode == 2
    assert outcome.stderr.startswith("usage: supervise.sh RELOAD_SIGNAL STOP_SIGNAL FOLDER[:FOLDER...] -- COMMAND")
    assert outcome.stderr.count("\n") == 1
