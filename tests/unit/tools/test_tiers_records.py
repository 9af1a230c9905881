"""Tests that prove nothing are written down by the pytest that leaves them out, whatever leaves them out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.stacks import REPOSITORY
from tools.tiers.records import FILE_VARIABLE, How, Record, read

TESTS = """\
import pytest

def test_passes(): pass

@pytest.mark.skip(reason="no IPv6")
def test_skipped(): pass

@pytest.fixture
def moon(): pytest.skip("no moon")

def test_skipped_by_what_it_needs(moon): pass

@pytest.mark.xfail(reason="upstream bug")
def test_known_to_fail(): assert False

@pytest.mark.thorough
def test_thorough(): pass
"""
MODULE = 'import pytest\npytest.skip("another world", allow_module_level=True)\n'
CONFIGURATION = "[pytest]\nmarkers =\n  thorough: slow\n  own_nodes: elsewhere\n"
OWN_NODES = """\
import pytest

@pytest.mark.own_nodes("stops a node")
def test_stops_a_node(): pass

def test_anywhere(context): assert context in {None, "kind-a"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with tests."""
    (tmp_path / "pytest.ini").write_text(CONFIGURATION)
    return tmp_path


def run(project: Path, *options: str, plugin: str = "tests.conftest", record: bool = True) -> str:
    """What pytest says of the project's tests; its records are in the file `not-run`."""
    inherited = {name: value for name, value in os.environ.items() if name not in {FILE_VARIABLE, "PYTEST_ADDOPTS"}}
    environment = {**inherited, "PYTHONPATH": str(REPOSITORY)}
    if record:
        environment[FILE_VARIABLE] = str(project / "not-run")
    command = [sys.executable, "-m", "pytest", "-p", plugin, "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("processes", ["0", "2"])
def test_all_ways_not_to_run_are_recorded_once(project: Path, processes: str) -> None:
    (project / "test_some.py").write_text(TESTS)
    (project / "test_module.py").write_text(MODULE)

    run(project, "--numprocesses", processes, "-m", "not thorough")

    assert set(read(project / "not-run")) == {
        Record("test_some.py::test_skipped", How.SKIPPED, "no IPv6"),
        Record("test_some.py::test_skipped_by_what_it_needs", How.SKIPPED, "no moon"),
        Record("test_some.py::test_known_to_fail", How.EXPECTED_TO_FAIL, "upstream bug"),
        Record("test_some.py::test_thorough", How.THOROUGH),
        Record("test_module.py", How.SKIPPED, "another world"),
    }
    assert len(read(project / "not-run")) == 5


def test_tests_that_another_option_leaves_out_are_told_apart_from_thorough_ones(project: Path) -> None:
    (project / "test_some.py").write_text(TESTS)

    run(project, "-k", "passes")

    told = {record.test.rpartition("::")[2]: record.how for record in read(project / "not-run")}
    assert told["test_skipped"] is How.DESELECTED
    assert told["test_thorough"] is How.DESELECTED


def test_nothing_is_written_where_no_file_is_named(project: Path) -> None:
    (project / "test_some.py").write_text(TESTS)

    run(project, record=False)

    assert not (project / "not-run").exists()
    assert read(project / "not-run") == []


def test_a_named_cluster_is_spared_what_needs_nodes_of_the_tests_own(project: Path) -> None:
    (project / "test_real.py").write_text(OWN_NODES)

    said = run(project, "--context", "kind-a", "-rs", plugin="tests.real.conftest", record=False)

    assert "1 passed, 1 skipped" in said
    assert "stops a node: on the tests' own nodes only, not on kind-a. Remedy: make test-real" in said


def test_on_a_cluster_of_their_own_all_run(project: Path) -> None:
    (project / "test_real.py").write_text(OWN_NODES)

    assert "2 passed" in run(project, plugin="tests.real.conftest", record=False)
