"""`make plan`: both models side by side, and nothing touched."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from settings.plan.__main__ import main
from tests.unit.stacks import REPOSITORY, changed, stack_file


def planned(capsys: pytest.CaptureFixture[str], *arguments: str, folder: Path = REPOSITORY) -> str:
    assert main([*arguments], folder) == 0
    return capsys.readouterr().out


def row(text: str, name: str, at: int = 0) -> list[str]:
    """The cells of the row `name`, the one after so many others of that name."""
    found = [line for line in text.splitlines() if line.strip().startswith(name)][at]
    return re.split(r"\s{2,}", found.strip())[1:]


def stack(folder: Path, **changes: object) -> Path:
    configuration = {"config": changed(stack_file("prod"), **changes)}
    (folder / "Pulumi.mine.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return folder


def test_both_models_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    told = planned(capsys, "--rps", "3000")

    assert told.startswith("3000 requests/s sustained, 3000 at the peak, 0.1 of them new visitors'")
    assert row(told, "a collector carries") == ["67.5/s", "300/s"]
    assert row(told, "track.replicas") == ["45 to 45", "10 to 10"]
    assert row(told, "track.balancer.replicas") == ["10", "10"]
    assert row(told, "connections to MySQL") == ["492 of 151", "142 of 151"]
    assert row(told, "connections to Elasticsearch") == ["1275", "400"]
    assert row(told, "Elasticsearch's CPU, cores") == ["about 81.6, at least 23.1; has 3", "not said"]
    assert row(told, "in nodes as they are") == ["about 82", "not said"]
    assert row(told, "events stored")[0] == "3900/s, 337 million a day"
    assert row(told, "Elasticsearch's data a day, all copies") == ["about 900 GB"] * 2
    assert row(told, "this stack's volumes are full after") == ["about 3.6 hours"] * 2


def test_connections_of_services_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told = planned(capsys, "--rps", "3000", "--stack", "prod")
    assert row(told, "connections to MySQL")[1] == "142 of 151"
    assert row(told, "of them services'") == ["2", "2"]

    both = stack(tmp_path, services={"update-worker": {"enabled": True}})
    told = planned(capsys, "--rps", "3000", "--stack", "mine", folder=both)
    assert row(told, "connections to MySQL")[1] == "152 of 151"
    assert row(told, "of them services'") == ["12", "12"]

    told = planned(capsys, "--rps", "3000", "--stack", "dev")
    assert "services'" not in told


def test_the_bottleneck_of_each_model_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    told = planned(capsys, "--rps", "3000")

    assert row(told, "bottleneck") == ["Elasticsearch's CPU", "track instances"]
    assert row(told, "Elasticsearch's CPU", at=1) == ["110 (assumed)", "-"]
    assert "observed, release 0.8.2.1" in told
    assert "documented, Tracardi's documentation" in told


def test_what_a_stack_would_be_asked_for_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    told = planned(capsys, "--rps", "3000", "--stack", "prod")

    assert row(told, "this stack's") == ["3 to 10", "3 to 10"]
    measured = told[told.index("with model: measured") :]
    assert "tracardi:track.replicas.max: 10; at least 45" in measured
    assert "tracardi:data.elasticsearch.cpu: 1; at least 7.7" in measured
    guides = told[told.index("with model: guides") :]
    assert "tracardi:index.shards: 3; at least 5" in guides
    assert "tracardi:track" not in guides


def test_numbers_that_a_stack_says_decide_what_it_carries(capsys: pytest.CaptureFixture[str]) -> None:
    told = planned(capsys, "--rps", "250", "--new", "0", "--stack", "prod")

    assert row(told, "track instances") == ["833 (observed)", "3000 (documented)"]


def test_a_single_node_holds_no_copies(capsys: pytest.CaptureFixture[str]) -> None:
    told = planned(capsys, "--rps", "100", "--new", "0", "--stack", "dev")

    assert row(told, "Elasticsearch's CPU, cores")[0] == "about 0.4, at least 0; has 0.5"


def test_a_peak_and_a_share_change_the_ceiling(capsys: pytest.CaptureFixture[str]) -> None:
    told = planned(capsys, "--rps", "500", "--peak", "1000", "--new", "0")

    assert row(told, "track.replicas") == ["6 to 12", "3 to 4"]
    assert row(told, "aim of the autoscaler (60 % of CPU)") == ["10 to 20", "3 to 6"]


def test_a_stack_that_declares_its_load_needs_no_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    declared = stack(tmp_path, capacity={"sustained": 500, "peak": 1000, "newVisitors": 0}, track__replicas=None)

    told = planned(capsys, "--stack", "mine", folder=declared)

    assert row(told, "track.replicas") == ["6 to 12", "3 to 4"]


def test_stores_of_others_have_no_limit_that_is_known(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    outside = {"host": "db.example.com", "networks": ["198.51.100.0/24"]}
    search = {"urls": ["https://a.example.com", "https://b.example.com"], "networks": ["198.51.100.0/24"]}
    folder = stack(tmp_path, data__mysql={"external": outside}, data__elasticsearch={"external": search})

    told = planned(capsys, "--rps", "3000", "--stack", "mine", folder=folder)

    assert row(told, "connections to MySQL") == ["492", "142"]
    assert row(told, "connections to Elasticsearch") == ["2550", "800"]
    assert "at least 23.1" in told
    assert "has 3" not in told
    assert "in nodes" not in told


def test_days_until_volumes_are_full_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = stack(tmp_path, data__elasticsearch__storage="500Gi", data__elasticsearch__nodes=6)

    told = planned(capsys, "--rps", "1000", "--new", "0", "--stack", "mine", folder=folder)

    assert row(told, "Elasticsearch's data a day, all copies") == ["about 210 GB"] * 2
    assert row(told, "this stack's volumes are full after") == ["about 13.2 days"] * 2


def test_a_single_node_stores_no_copies(capsys: pytest.CaptureFixture[str]) -> None:
    told = planned(capsys, "--rps", "1000", "--new", "0", "--stack", "dev")

    assert row(told, "Elasticsearch's data a day, all copies") == ["about 110 GB"] * 2


def test_volumes_of_others_are_not_known(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    search = {"urls": ["https://a.example.com"], "networks": ["198.51.100.0/24"]}
    folder = stack(tmp_path, data__elasticsearch={"external": search})

    told = planned(capsys, "--rps", "3000", "--stack", "mine", folder=folder)

    assert row(told, "Elasticsearch's data a day, all copies") == ["about 900 GB"] * 2
    assert row(told, "this stack's volumes are full after") == ["-", "-"]


def test_days_that_events_are_kept_ask_for_volumes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    load = {"sustained": 1000, "peak": 1000, "newVisitors": 0, "retentionDays": 30}
    folder = stack(tmp_path, capacity=load, track__replicas=None, data__elasticsearch__storage="50Gi")

    told = planned(capsys, "--stack", "mine", folder=folder)

    assert row(told, "kept for 30 days") == ["about 6.3 TB"] * 2
    assert told.count("tracardi:data.elasticsearch.storage: 50Gi; at least") == 2
    assert "kept for" not in planned(capsys, "--rps", "1000")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "RPS is not given"),
        (["--rps", "abc"], "RPS=abc is no whole number"),
        (["--rps", "0"], "RPS=0 is no whole number"),
        (["--rps", "1000001"], "RPS=1000001 is no whole number from 1 to 1000000"),
        (["--rps", "²"], "RPS=² is no whole number"),
        (["--rps", "3", "--peak", "1.5"], "PEAK=1.5 is no whole number"),
        (["--rps", "3", "--peak", "2"], "PEAK=2 is less than RPS=3"),
        (["--rps", "3", "--new", "10%"], "NEW=10% is no number"),
        (["--rps", "3", "--new", "nan"], "NEW=nan is no number"),
        (["--rps", "3", "--stack", "nowhere"], "there is no Pulumi.nowhere.yaml. Name one of the stacks dev, prod"),
    ],
)
def test_wrong_input_is_told_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(arguments) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"plan: {said}")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("text", ["", "config: [", "- a", "other: {}"])
def test_a_file_that_is_no_stack_file_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    (tmp_path / "Pulumi.mine.yaml").write_text(text, encoding="utf-8")

    assert main(["--rps", "3", "--stack", "mine"], tmp_path) == 1
    assert "plan: Pulumi.mine.yaml is no stack file" in capsys.readouterr().err


def test_a_section_that_is_wrong_is_told_as_pulumi_up_would(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--rps", "3", "--stack", "mine"], stack(tmp_path, data__elasticsearch__nodes=0)) == 1
    assert "tracardi:data.elasticsearch.nodes" in capsys.readouterr().err


def test_a_section_that_is_encrypted_as_a_whole_cannot_be_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = stack(tmp_path)
    file = folder / "Pulumi.mine.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["config"]["tracardi:data"] = {"secure": "v1:abc"}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")

    assert main(["--rps", "3", "--stack", "mine"], folder) == 1
    assert "tracardi:data is encrypted in Pulumi.mine.yaml as a whole" in capsys.readouterr().err


def test_secrets_of_other_sections_are_not_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = stack(tmp_path, credentials__redis={"value": {"secure": "v1:abc"}})

    assert "v1:abc" not in planned(capsys, "--rps", "3", "--stack", "mine", folder=folder)


@pytest.mark.parametrize(("given", "stack"), [((), ""), (("STACK=prod",), "prod"), (("STACK=dev",), "dev")])
def test_make_passes_the_stack_on_only_where_one_is_named(given: tuple[str, ...], stack: str) -> None:
    """Other commands take dev then; a plan is for whoever has no stack yet."""
    done = subprocess.run(
        [shutil.which("make") or "make", "--dry-run", "plan", "RPS=3000", *given],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"settings.plan --rps '3000' --peak '' --new '' --stack '{stack}'" in done.stdout


def test_a_plan_needs_neither_pulumi_nor_a_cluster() -> None:
    program = (
        "import sys; from settings.plan.__main__ import main; main(['--rps', '3']); print('pulumi' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, env={}, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "False"
