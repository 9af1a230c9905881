"""The scripts in Elasticsearch's pods, with their folders moved and with a `curl` that answers what a test says."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[3] / "components" / "programs"
FOLDERS = ("/usr/share/elasticsearch", "/prepared", "/etc/tracardi", "/var/lib/elasticsearch")
CANARY = 'kanarie "quoted" \\ %s $HOME `id`'
CURL = """#!/bin/sh
printf '%s\\n' "$@" >"$CALLS/arguments"
case "$*" in *--config*) cat >"$CALLS/input" ;; esac
cat "$CALLS/answer"
exit "$(cat "$CALLS/status")"
"""
NO_MASTER = '{"error":{"type":"master_not_discovered_exception","reason":null},"status":503}'
CONNECTION_REFUSED = 7


MOVING = (
    "relocating_shards",
    "initializing_shards",
    "delayed_unassigned_shards",
    "number_of_pending_tasks",
    "number_of_in_flight_fetch",
)
LOOKS = 6


def health(status: str, *, timed_out: bool = False, **moving: int) -> str:
    content: dict[str, object] = {
        "cluster_name": "tracardi",
        "status": status,
        "timed_out": timed_out,
        "number_of_nodes": 3,
        **{count: moving.get(count, 0) for count in MOVING},
        "active_shards_percent_as_number": 66.6,
    }
    return json.dumps(content, separators=(",", ":"))


@dataclass(frozen=True)
class Node:
    """A pod's file system below a folder, and the Elasticsearch that answers in it."""

    root: Path

    @property
    def formed(self) -> Path:
        """On the volume: tells that a cluster was formed."""
        return self.root / "var/lib/elasticsearch/formed"

    @property
    def settings(self) -> str:
        """The configuration that was prepared."""
        return (self.root / "prepared/elasticsearch.yml").read_text()

    def answers(self, body: str, status: int = 0) -> None:
        """What `curl` prints from now on, and how it ends."""
        (self.root / "answer").write_text(body)
        (self.root / "status").write_text(str(status))

    def asked(self) -> list[str]:
        """The arguments of the last `curl`."""
        return (self.root / "arguments").read_text().splitlines()

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A script as the pod runs it, but for the places of its folders."""
        text = (PROGRAMS / f"elasticsearch-{script}").read_text()
        for folder in FOLDERS:
            text = text.replace(f"{folder}/", f"{self.root}{folder}/").replace(f"{folder} ", f"{self.root}{folder} ")
        (self.root / script).write_text(text)
        usual = {
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(self.root),
            "ES_TMPDIR": str(self.root / "tmp"),
            "ELASTIC_PASSWORD": CANARY,
            "READY_STATUS": "green",
            "INITIAL_MASTER_NODES": "elasticsearch-0,elasticsearch-1,elasticsearch-2",
        }
        command = ["/bin/sh", str(self.root / script), *arguments]
        return subprocess.run(command, env=usual | environment, capture_output=True, text=True, check=False)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    node = Node(tmp_path)
    for folder in ("bin", "tmp", "usr/share/elasticsearch/config", "prepared", "etc/tracardi", "var/lib/elasticsearch"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin/curl").write_text(CURL)
    (tmp_path / "bin/curl").chmod(0o755)
    (tmp_path / "usr/share/elasticsearch/config/jvm.options").write_text("-Xshare:auto\n")
    (tmp_path / "usr/share/elasticsearch/config/elasticsearch.yml").write_text("cluster.name: from-the-image\n")
    (tmp_path / "etc/tracardi/elasticsearch.yml").write_text("cluster.name: tracardi\n")
    return node


@pytest.mark.parametrize("body", [NO_MASTER, '{"error":"security_exception","status":401}', "{}"])
def test_a_node_that_answers_anything_has_started(node: Node, body: str) -> None:
    node.answers(body)

    assert node.run("ready.sh", "started").returncode == 0
    assert "--fail" not in node.asked()
    assert "--insecure" not in node.asked()
    assert node.asked()[-1] == "https://localhost:9200/"
    assert not node.formed.exists()


@pytest.mark.parametrize("probe", ["started", "ready"])
def test_a_node_that_does_not_answer_is_neither_started_nor_ready(node: Node, probe: str) -> None:
    node.answers("", CONNECTION_REFUSED)

    assert node.run("ready.sh", probe).returncode != 0
    assert not node.formed.exists()


@pytest.mark.parametrize("wanted", ["green", "yellow"])
def test_a_node_becomes_ready_when_the_cluster_has_the_status_that_it_needs(node: Node, wanted: str) -> None:
    node.answers(health(wanted))

    outcome = node.run("ready.sh", "ready", READY_STATUS=wanted)

    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
    assert f"_cluster/health?wait_for_status={wanted}&timeout=2s" in node.asked()[-1]
    assert node.formed.exists()


def test_a_node_whose_shards_are_not_back_is_not_ready_but_its_cluster_has_formed(node: Node) -> None:
    node.answers(health("yellow", timed_out=True))

    outcome = node.run("ready.sh", "ready")

    assert (outcome.returncode, outcome.stdout) == (1, "the cluster's status is not yet green\n")
    assert node.formed.exists()


def test_a_node_does_not_wait_for_copies_that_no_node_is_left_for(node: Node) -> None:
    """After a cold start without one of three nodes, indices with two copies stay yellow for good."""
    node.answers(health("yellow", timed_out=True))

    looks = [node.run("ready.sh", "ready").returncode for _ in range(LOOKS)]

    assert looks == [1, 1, 1, 1, 1, 0]
    assert (node.root / "tmp/was-ready").exists()


@pytest.mark.parametrize("count", MOVING)
def test_a_node_waits_for_as_long_as_anything_moves(node: Node, count: str) -> None:
    node.answers(health("yellow", timed_out=True))
    for _ in range(LOOKS - 1):
        node.run("ready.sh", "ready")
    node.answers(health("yellow", timed_out=True, **{count: 10}))
    assert node.run("ready.sh", "ready").returncode == 1
    node.answers(health("yellow", timed_out=True))

    assert [node.run("ready.sh", "ready").returncode for _ in range(LOOKS - 1)] == [1] * (LOOKS - 1)


def test_a_node_waits_while_data_is_missing(node: Node) -> None:
    node.answers(health("red", timed_out=True))

    assert {node.run("ready.sh", "ready").returncode for _ in range(2 * LOOKS)} == {1}


def test_a_node_that_was_ready_once_stays_so_when_the_cluster_loses_another(node: Node) -> None:
    node.answers(health("green"))
    node.run("ready.sh", "ready")
    node.answers(health("yellow"))

    assert node.run("ready.sh", "ready").returncode == 0
    assert "wait_for_status" not in node.asked()[-1]


@pytest.mark.parametrize("earlier", [True, False])
def test_a_node_without_a_master_is_not_ready_and_not_formed(node: Node, *, earlier: bool) -> None:
    if earlier:
        (node.root / "tmp/was-ready").touch()
    node.answers(NO_MASTER)

    outcome = node.run("ready.sh", "ready")

    assert (outcome.returncode, outcome.stdout) == (1, "no master, or no answer\n")
    assert not node.formed.exists()


def test_the_password_reaches_curl_through_its_input_and_nothing_else(node: Node) -> None:
    node.answers(health("green"))

    outcome = node.run("ready.sh", "ready")

    assert (node.root / "input").read_text() == 'user = "elastic:kanarie \\"quoted\\" \\\\ %s $HOME `id`"\n'
    assert "kanarie" not in "".join([*node.asked(), outcome.stdout, outcome.stderr])
    assert node.asked()[node.asked().index("--cacert") + 1].endswith("/usr/share/elasticsearch/config/certs/ca.crt")


def test_a_probe_without_the_status_it_needs_says_so(node: Node) -> None:
    node.answers(health("green"))

    outcome = node.run("ready.sh", "ready", READY_STATUS="")

    assert outcome.returncode != 0
    assert "READY_STATUS" in outcome.stderr


@pytest.mark.parametrize("arguments", [[], ["alive"]])
def test_an_unknown_probe_is_refused(node: Node, arguments: list[str]) -> None:
    outcome = node.run("ready.sh", *arguments)

    assert (outcome.returncode, outcome.stderr) == (2, "usage: ready.sh started|ready\n")


def test_only_a_cluster_that_never_formed_is_told_its_first_masters(node: Node) -> None:
    assert node.run("prepare.sh").returncode == 0
    first = node.settings
    node.answers(health("green"))
    node.run("ready.sh", "ready")
    assert node.run("prepare.sh").returncode == 0

    assert first == (
        "cluster.name: tracardi\ncluster.initial_master_nodes: [elasticsearch-0,elasticsearch-1,elasticsearch-2]\n"
    )
    assert node.settings == "cluster.name: tracardi\n"


def test_the_images_other_settings_are_kept(node: Node) -> None:
    assert node.run("prepare.sh").returncode == 0

    assert (node.root / "prepared/jvm.options").read_text() == "-Xshare:auto\n"
    assert (node.root / "var/lib/elasticsearch/data").is_dir()
