"""The performance table: its arithmetic, and the bed that it is measured on."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dataplane.bench import nginx
from tests.dataplane.bench.balancers import cores, in_plain_text
from tests.dataplane.bench.bed import (
    CROWD,
    DIRECT,
    DIRECT_TLS,
    NGINX,
    NGINX_HTTP2,
    NGINX_TLS,
    OURS_EDGE,
    OURS_FULL,
    OURS_HTTP2,
    Bed,
    Target,
)
from tests.dataplane.bench.figures import Sample, needed, replicas, row, table
from tests.dataplane.bench.measure import Load, await_answers, references, sample
from tests.dataplane.bench.processes import cpu_seconds, seconds_in
from tests.dataplane.installation.providers import Plugins
from tests.dataplane.sandbox import World

_SAMPLE = Sample(rate=1000, p50=0.001, p99=0.01, requests=2000, errors=0, cpu=0.1)


def test_a_row_holds_medians_and_the_sum_of_errors() -> None:
    samples = [replace(_SAMPLE, rate=rate, p99=rate / 1e6, errors=1) for rate in (900, 5000, 1000)]

    found = row("ours", samples, samples, None)

    assert (found.rate, found.p99, found.errors) == (1000, 0.001, 3)


def test_ratios_compare_what_ran_in_the_same_round() -> None:
    # The machine was three times as fast in the second round, and busy in the third while ours was measured.
    ours = [replace(_SAMPLE, rate=rate) for rate in (600, 1500, 100)]
    direct = [replace(_SAMPLE, rate=rate) for rate in (1000, 3000, 1000)]
    nginx = [replace(_SAMPLE, rate=rate) for rate in (400, 1200, 320)]

    found = row("ours", ours, direct, nginx)

    assert (found.to_direct, found.to_nginx) == (0.5, 1.25)


def test_a_rival_without_a_single_answer_is_no_division_by_zero() -> None:
    assert row("ours", [_SAMPLE], [replace(_SAMPLE, rate=0)], None).to_direct == 0


@pytest.mark.parametrize(
    ("tls", "http2", "others"),
    [
        (False, False, (DIRECT, NGINX)),
        (True, False, (DIRECT_TLS, NGINX_TLS)),
        (True, True, (DIRECT_TLS, NGINX_HTTP2)),
    ],
)
def test_targets_are_compared_with_others_of_the_same_protocol(tls: bool, http2: bool, others: tuple[str, str]) -> None:  # noqa: FBT001 - a parameter of the test
    assert references(Target("ours", "10.0.0.1", 443, "a", tls, http2)) == others


def test_cpu_is_told_for_each_request() -> None:
    assert row("ours", [_SAMPLE], [_SAMPLE], None).cpu == pytest.approx(50e-6)


def test_what_no_proxy_stands_before_has_no_cpu() -> None:
    assert row("direct", [replace(_SAMPLE, cpu=None)], [_SAMPLE], None).cpu is None


@pytest.mark.parametrize(
    ("cpu", "size", "number"),
    [(100e-6, 0.1, 3), (100e-6, 1.0, 1), (101e-6, 0.1, 4), (400e-6, 1.0, 2), (1e-9, 1.0, 1)],
)
def test_balancers_are_as_many_as_the_cpu_of_3000_requests_needs(cpu: float, size: float, number: int) -> None:
    assert replicas(cpu, size) == number


def test_the_table_shows_what_was_measured() -> None:
    lines = table("100 connections", [row("ours", [_SAMPLE], [_SAMPLE], [_SAMPLE])]).splitlines()

    assert lines[1].split() == ["ours", "1000", "1.00", "10.00", "1.00", "1.00", "50", "0"]
    assert len({len(line) for line in lines}) == 1


def test_the_number_of_balancers_stands_beside_the_cores_that_they_use() -> None:
    lines = needed({"edge": 100e-6}, {"small": 0.1, "large": 1.0}).splitlines()

    assert lines[1].split() == ["edge", "0.30", "3", "1"]


def test_cpu_time_is_read_behind_a_name_with_brackets() -> None:
    stat = f"7 (a) b (c) S {' '.join(map(str, range(4, 14)))} 150 50 " + " ".join(["9"] * 30)

    assert seconds_in(stat) == pytest.approx(2.0)


def test_cpu_time_includes_that_of_children() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass\n"
    inner = [sys.executable, "-c", f"{burn}print(flush=True); input()"]
    outer = f"import subprocess; subprocess.run({inner!r})"
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()

        used = cpu_seconds(process.pid)
        process.communicate()

    assert used >= 0.2


def test_a_process_that_has_gone_used_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    assert cpu_seconds(process.pid) == 0


def test_an_entry_without_tls_cannot_lose_it() -> None:
    entry = "    bind :8443 ssl crt /etc/haproxy/certs/tls.crt alpn h2,http/1.1\n"
    assert in_plain_text(entry) == "    bind :8443\n"

    with pytest.raises(ValueError, match="not there once"):
        in_plain_text(in_plain_text(entry))


@pytest.mark.parametrize(("quantity", "number"), [("100m", 0.1), ("2", 2.0)])
def test_quantities_of_cpu_are_read_as_kubernetes_means_them(quantity: str, number: float) -> None:
    assert cores(quantity) == number


def test_a_strange_nginx_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("events {}\n", encoding="utf-8")

    with pytest.raises(ValueError, match="worker_connections"):
        nginx.debian(tmp_path / "nginx.conf")


def test_instances_answer_in_plain_text_and_with_tls_alike() -> None:
    configuration = nginx.instances(["10.0.0.1"], ["10.0.0.2"], 8080)

    assert "listen 10.0.0.1:8080 backlog" in configuration
    assert "listen 10.0.0.2:8080 ssl" in configuration
    assert nginx.ANSWER in configuration


@pytest.fixture(scope="module")
def bed(debian: Path, plugins: Plugins, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with World(debian) as world:
        made = Bed(world, plugins, tmp_path_factory.mktemp("bed"))
        await_answers(made)
        yield made
        made.close()


@pytest.mark.parametrize("name", [OURS_EDGE, OURS_FULL, OURS_HTTP2])
def test_balancers_take_the_load_without_an_error(bed: Bed, name: str) -> None:
    found = sample(bed.crowd, Load(100, 1), bed.target(name))

    assert found.errors == 0
    assert found.requests > 100
    assert found.cpu


def test_the_load_comes_from_many_addresses(bed: Bed) -> None:
    target = bed.target(OURS_EDGE)
    assert target.log

    Load(300, 1).run(bed.crowd, target)

    # HAProxy goes on at its own place in a file that was cut before, which leaves a hole.
    log = target.log.read_text(encoding="utf-8").strip("\0").splitlines()
    clients = {line.partition(":")[0] for line in log if "/track" in line}
    assert len(clients) == CROWD


def test_limits_are_on_while_the_balancer_is_measured(bed: Bed) -> None:
    found = sample(bed.alone, Load(100, 1), bed.target(OURS_EDGE))

    assert found.errors > found.requests / 2, "one address may have 16 requests at a time, and had 100"
