"""A cluster of real nodes comes, survives what happens to it, and goes without a trace."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.live import Client, RefusedError, is_ready
from tests.measured import Measured
from tests.real.traces import Host, Inhabitant, alive, inhabitants, mentioning, seen
from tests.unit.stacks import REPOSITORY
from tools.cluster import Cluster, down, processes
from tools.cluster.api import wait_until
from tools.errors import ToolError
from tools.layout import cache_dir
from tools.nodes import operations, remains
from tools.nodes.images import PAUSE
from tools.nodes.layout import Places

pytestmark = [pytest.mark.own_nodes("makes clusters, and has them crash"), pytest.mark.timeout(900)]

_UP = """
import sys
from pathlib import Path
from tools.cluster import ClusterTools, up
from tools.toolchain import ensure
up(sys.argv[1], ClusterTools(ensure(frozenset({"cluster", "nodes"})).bin), real=True, work=Path(sys.argv[2]))
"""
_POD = "/api/v1/namespaces/default/pods"
_CLAIM = "/api/v1/namespaces/default/persistentvolumeclaims"
_SECONDS = 240.0


@dataclass(frozen=True)
class Site:
    """A cluster, and the machine as it was before."""

    cluster: Cluster
    work: Path
    before: Host
    told: list[str] = field(default_factory=list)
    """What each `up` said."""

    @classmethod
    def at(cls, name: str, work: Path) -> "Site":
        """A cluster that is not there yet."""
        cluster = Cluster.at(name, work / "work")
        for folder in ("home", "temporary"):
            (work / folder).mkdir()
        return cls(cluster, work, seen(cluster.folder))

    def begin(self) -> "subprocess.Popen[str]":
        """Begin to bring the cluster up, as a process of its own that has nothing to write to but the folders here."""
        homes = {"HOME": str(self.work / "home"), "TMPDIR": str(self.work / "temporary")}
        return subprocess.Popen(
            [sys.executable, "-c", _UP, self.cluster.name, str(self.work / "work")],
            cwd=REPOSITORY,
            env={**os.environ, **homes, "TRACARDI_CACHE": str(cache_dir())},
            stderr=subprocess.PIPE,
            text=True,
        )

    def up(self) -> str:
        """Bring the cluster up; what was told."""
        with self.begin() as child:
            told = child.communicate(timeout=_SECONDS)[1]
        assert child.returncode == 0, told
        self.told.append(told)
        return told

    def down(self) -> None:
        """Take the cluster down; nothing of it is to be left."""
        down(self.cluster.name, work=self.work / "work", tell=lambda _: None)

    def left(self) -> dict[str, object]:
        """Everything that is there and was not, or no longer is what it was; processes are those that mention it."""
        now = seen(self.cluster.folder)
        differences: dict[str, object] = {kind: now[kind] ^ self.before[kind] for kind in now}
        written = [entry.name for folder in ("home", "temporary") for entry in (self.work / folder).iterdir()]
        folders = [entry.name for entry in (self.work / "work" / "clusters").glob("*")]
        differences |= {"written": written, "folders": folders, "processes": mentioning(self.cluster.folder)}
        return {kind: found for kind, found in differences.items() if found}

    def deploy(self) -> None:
        """A pod with a volume; returns when it runs."""
        client = Client(self.cluster)
        client.post(_CLAIM, _claim())
        # Its namespace gets an account of its own a moment after it is there.
        wait_until("the pod to be accepted", lambda: _accepted(client), seconds=_SECONDS)
        self.await_pod(0.0)

    def await_pod(self, since: float) -> None:
        """Wait until the pod runs in a container that began after that moment."""
        client = Client(self.cluster)

        def runs() -> bool:
            pod = client.get(f"{_POD}/holder")
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))
            states = [status["state"] for status in pod["status"].get("containerStatuses", [])]
            return is_ready(pod) and any(state.get("running", {}).get("startedAt", "") >= moment for state in states)

        wait_until("the pod to run", runs, seconds=_SECONDS)

    @property
    def volume(self) -> Path:
        """The folder behind the volume."""
        (folder,) = Places(self.cluster.folder).volumes.iterdir()
        return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster with one pod that has a volume; every test leaves it so, but for the last."""
    site = Site.at("crash", tmp_path_factory.mktemp("cluster"))
    try:
        site.up()
        site.deploy()
        yield site
    finally:
        site.down()


def test_a_cluster_is_ready_within_a_minute(site: Site, measured: Measured) -> None:
    seconds = _seconds(site.told[0])

    measured("three real nodes, from nothing to ready: s", seconds)
    assert seconds <= 60


def test_a_cluster_has_inhabitants_groups_and_mounts_that_only_they_see(site: Site) -> None:
    living = inhabitants(site.cluster.folder)

    commands = " ".join(each.command for each in living)
    assert all(program in commands for program in ("kubelet", "containerd", "kube-router", "catatonit", "etcd"))
    assert set(site.left()) == {"control groups", "folders", "processes"}


def _machine(site: Site) -> list[int]:
    pid = remains.machine(site.cluster.folder)
    assert pid is not None
    return [pid]


def _starter(site: Site) -> list[int]:
    (pid,) = _machine(site)
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return [int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")]


def _control_plane(site: Site) -> list[int]:
    return [process.pid for process in processes.of(site.cluster)]


@pytest.mark.parametrize("victims", [_starter, _machine, _control_plane], ids=["starter", "machine", "control plane"])
def test_after_a_crash_up_brings_pods_and_their_volumes_back(
    site: Site, victims: Callable[[Site], list[int]], measured: Measured
) -> None:
    (site.volume / "note").write_text("kept", encoding="ascii")
    before = inhabitants(site.cluster.folder)
    for pid in victims(site):
        os.kill(pid, signal.SIGKILL)
    begun = time.time()

    told = site.up()

    measured(
        f"up after kill -9 of the {victims.__name__.strip('_').replace('_', ' ')}: s", f"{time.time() - begun:.1f}"
    )
    assert "starting it again with its data" in told
    assert "creating it anew" not in told
    site.await_pod(begun)
    assert (site.volume / "note").read_text(encoding="ascii") == "kept"
    assert alive(before) == set()


def test_an_archive_that_is_none_is_refused_by_name_and_node(site: Site, tmp_path: Path) -> None:
    archive = tmp_path / "broken.tar"
    archive.write_text("no archive", encoding="ascii")

    with pytest.raises(ToolError, match=r"node-[abc] cannot import .*broken\.tar; .*images\.log says why"):
        operations.import_images(site.cluster, archive)


def test_of_a_machine_that_died_without_its_folder_nothing_is_left(site: Site) -> None:
    known = inhabitants(site.cluster.folder)
    os.kill(_machine(site)[0], signal.SIGKILL)
    shutil.rmtree(site.cluster.folder)

    site.down()

    assert alive(known) == set()
    assert site.left() == {}


def _seconds(told: str) -> float:
    """How long a cluster says that it took."""
    found = re.search(r"ready after ([0-9.]+) s", told)
    assert found is not None, told
    return float(found[1])


def _laid(places: Places) -> bool:
    return places.machine.exists()


def _starting(places: Places) -> bool:
    return (places.cluster / "pids").is_dir()


def _joining(places: Places) -> bool:
    return (places.node("node-a") / "pki").is_dir()


@pytest.mark.parametrize("moment", [_laid, _starting, _joining], ids=["network laid", "starting", "nodes joining"])
def test_of_an_up_that_is_killed_nothing_is_left(tmp_path: Path, moment: Callable[[Places], bool]) -> None:
    site = Site.at("half", tmp_path)
    places = Places(site.cluster.folder)
    child = site.begin()
    try:
        wait_until("up to have come so far", lambda: moment(places) or child.poll() is not None, seconds=_SECONDS)
        assert child.poll() is None
    finally:
        child.kill()
        child.communicate()
    known: set[Inhabitant] = inhabitants(site.cluster.folder)
    assert known

    site.down()

    assert alive(known) == set()
    assert site.left() == {}


def _accepted(client: Client) -> bool:
    try:
        client.post(_POD, _pod())
    except RefusedError as refused:
        if "serviceaccount" in str(refused):
            return False
        raise
    return True


def _claim() -> dict[str, object]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "held"}, "spec": spec}


def _pod() -> dict[str, object]:
    container = {"name": "holder", "image": PAUSE, "volumeMounts": [{"name": "held", "mountPath": "/held"}]}
    volumes = [{"name": "held", "persistentVolumeClaim": {"claimName": "held"}}]
    spec = {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "holder"}, "spec": spec}
