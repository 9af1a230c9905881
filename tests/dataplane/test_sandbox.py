"""The namespaces that tests run in: real addresses, and nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.dataplane.cluster.workloads import until
from tests.dataplane.sandbox import World
from tests.unit.stacks import REPOSITORY

_GONE_SECONDS = 10.0
_A_TEST_THAT_IS_KILLED = """
import time
from tests.dataplane.sandbox import World
from tools.debian import root
with World(root()) as world:
    place = world.place("somewhere", world.network("pods", "10.244.0.0/24"))
    world.pid(place.start("sleep", "infinity"))
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def world(debian: Path) -> Iterator[World]:
    """A world of the test's own."""
    with World(debian) as running:
        yield running


@pytest.mark.parametrize("version", [4, 6])
def test_a_place_is_seen_under_its_own_address(world: World, version: int) -> None:
    networks = (
        world.network("here", "192.0.2.0/24", "2001:db8:1::/64"),
        world.network("there", "198.51.100.0/24", "2001:db8:2::/64"),
    )
    client, server = (world.place(network.name, network) for network in networks)
    listening = server.start("python3", "-m", "http.server", "--bind", "::", "8000", output=subprocess.PIPE)
    asked = server.address if version == 4 else f"[{server.address6}]"
    answer = client.run(
        "curl", "--silent", "--retry-connrefused", "--retry", "5", "--output", "/dev/null", f"http://{asked}:8000/"
    )
    world.kill(listening)

    assert answer.returncode == 0, answer.stderr
    assert listening.stderr is not None
    logged = listening.stderr.read().split()[0]
    assert (ip_address(logged) == ip_address(client.address6)) if version == 6 else logged.endswith(client.address)
    listening.communicate()


def test_tests_that_are_killed_leave_no_process_behind() -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", _A_TEST_THAT_IS_KILLED], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "ready\n"
    family = _descendants(killed.pid)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()

    assert len(family) > 3, "nothing ran, so nothing could be left"
    until(lambda: not any(map(_runs, family)), lambda: str([pid for pid in family if _runs(pid)]), _GONE_SECONDS)


def test_the_machine_s_own_network_is_left_alone(debian: Path) -> None:
    links = set(Path("/sys/class/net").iterdir())
    with World(debian) as world:
        world.place("somewhere", world.network("pods", "10.244.0.0/24"))

        assert set(Path("/sys/class/net").iterdir()) == links
    assert not Path("/run/netns/somewhere").exists()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (thread / "children").read_text(encoding="ascii").split()):
            found += [child, *_descendants(child)]
    return found


def _runs(pid: int) -> bool:
    """Whether a process is there, and more than an entry that nobody has read."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
