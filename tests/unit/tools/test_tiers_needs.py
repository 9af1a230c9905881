"""What a tier needs is looked for on the machine as it is, and what is missing comes with a remedy."""

from dataclasses import replace
from pathlib import Path

import pytest

from tools.tiers import needs
from tools.tiers.model import Lack, Machine, Need
from tools.toolchain.site import Site

OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Debian with 16 GB, control groups of version 1, and programs that do nothing."""
    write(tmp_path / "etc" / "os-release", OS_RELEASE)
    write(tmp_path / "proc" / "meminfo", "MemTotal:       15625000 kB\nMemFree: 1 kB\n")
    (tmp_path / "sys" / "fs" / "cgroup" / "memory").mkdir(parents=True)
    (tmp_path / "sys" / "fs" / "cgroup" / "cpu").mkdir()
    program(tmp_path, "apt-get")
    program(tmp_path, "dpkg-deb")
    program(tmp_path, "go", "echo go1.26.4")
    write(tmp_path / "clone" / "tools" / "go" / "part" / "go.mod", "module part\n\ngo 1.26.0\n")
    site = Site(tmp_path / "clone", tmp_path / "cache", {"PATH": str(tmp_path / "bin")})
    return Machine(tmp_path, 0, "x86_64", site)


def write(file: Path, text: str) -> None:
    """A file in a folder that may not be there yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def program(root: Path, name: str, line: str = "exit 0") -> None:
    """A shell script on the machine's PATH."""
    write(root / "bin" / name, f"#!/bin/sh\n{line}\n")
    (root / "bin" / name).chmod(0o755)


def second_version(machine: Machine, *, enabled: str, procs: str = "17\n", root: bool = False) -> None:
    """Control groups of version 2 that give controllers to the groups below."""
    place = machine.root / "sys" / "fs" / "cgroup"
    write(place / "cgroup.controllers", "cpu memory pids\n")
    write(place / "cgroup.subtree_control", f"{enabled}\n")
    write(place / "cgroup.procs", procs)
    if not root:
        write(place / "cgroup.type", "domain\n")


def missing(lack: Lack | None) -> str:
    """Why something is missing; a remedy comes with it."""
    assert lack is not None
    assert lack.remedy
    return lack.why


@pytest.mark.parametrize(
    "need",
    [
        *(needs.debian, needs.intel, needs.root, needs.apt, needs.cgroups, needs.memory(8)),
        *(needs.pulumi_or_go, needs.can_build("cluster")),
    ],
)
def test_a_machine_that_has_everything_lacks_nothing(need: Need, machine: Machine) -> None:
    assert need(machine) is None


def test_another_distribution_is_named(machine: Machine) -> None:
    write(machine.root / "etc" / "os-release", 'ID=fedora\nPRETTY_NAME="Fedora 42"\n')

    assert missing(needs.debian(machine)) == "The programs come from Debian's packages; this is Fedora 42."


def test_a_system_without_a_name_is_no_debian(machine: Machine) -> None:
    (machine.root / "etc" / "os-release").unlink()

    assert missing(needs.debian(machine)).endswith("this is another system.")


def test_another_processor_is_named(machine: Machine) -> None:
    assert missing(needs.intel(replace(machine, processor="aarch64"))) == "Nodes run on x86_64 only; this is aarch64."


def test_others_than_root_cannot_run_a_kubelet(machine: Machine) -> None:
    assert missing(needs.root(replace(machine, user=1000))) == "A kubelet runs as root only."


def test_programs_of_apt_that_are_missing_are_named(machine: Machine) -> None:
    (machine.root / "bin" / "dpkg-deb").unlink()

    assert missing(needs.apt(machine)) == "PATH has no dpkg-deb."


def test_what_the_kernel_says_about_namespaces_is_quoted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine.root, "unshare", "echo 'unshare failed: Operation not permitted' >&2; exit 1")
    monkeypatch.setenv("PATH", str(machine.root / "bin"))

    assert missing(needs.namespaces(machine)) == ("Namespaces cannot be made: unshare failed: Operation not permitted.")


def test_a_machine_without_unshare_is_told_which_package_has_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(machine.root / "bin"))

    assert "util-linux" in missing(needs.namespaces(machine))


def test_trying_control_groups_leaves_none(machine: Machine) -> None:
    assert needs.cgroups(machine) is None
    assert not any(any(each.iterdir()) for each in (machine.root / "sys" / "fs" / "cgroup").iterdir())


def test_a_hierarchy_without_room_for_groups_is_named(machine: Machine) -> None:
    (machine.root / "sys" / "fs").rename(machine.root / "sys" / "before")
    (machine.root / "sys" / "fs").mkdir()
    # Folders of the kernel's in which nobody, not even root, makes anything.
    (machine.root / "sys" / "fs" / "cgroup").symlink_to("/proc/self")

    assert missing(needs.cgroups(machine)).startswith("Control groups cannot be made: ")


def test_other_names_of_a_hierarchy_are_passed_over(machine: Machine) -> None:
    (machine.root / "sys" / "fs" / "cgroup" / "cpuacct").symlink_to("/proc/self/fdinfo")

    assert needs.cgroups(machine) is None


def test_a_machine_without_control_groups_is_told(machine: Machine) -> None:
    (machine.root / "sys" / "fs").rename(machine.root / "sys" / "before")

    assert missing(needs.cgroups(machine)).endswith("has no control groups.")


def test_a_container_whose_processes_keep_the_controllers_is_told_how_it_gets_them(machine: Machine) -> None:
    second_version(machine, enabled="")

    lack = needs.cgroups(machine)

    assert "holds processes" in missing(lack)
    assert lack is not None
    assert "--cgroupns=host" in lack.remedy


def test_controllers_that_groups_get_already_or_can_get_are_enough(machine: Machine) -> None:
    second_version(machine, enabled="cpu memory pids")
    assert needs.cgroups(machine) is None
    second_version(machine, enabled="", procs="")
    assert needs.cgroups(machine) is None


def test_the_kernels_own_root_group_may_hold_processes(machine: Machine) -> None:
    second_version(machine, enabled="", root=True)

    assert needs.cgroups(machine) is None


def test_a_smaller_machine_is_told_what_it_has(machine: Machine) -> None:
    assert missing(needs.memory(32)(machine)) == "There are 16.0 GB of memory; it takes 32."


def test_what_the_kernel_keeps_for_itself_makes_no_machine_too_small(machine: Machine) -> None:
    write(machine.root / "proc" / "meminfo", "MemTotal: 7600000 kB\n")

    assert needs.memory(8)(machine) is None


@pytest.mark.parametrize("file", ["memory.max", "memory/memory.limit_in_bytes"])
def test_the_limit_of_a_container_counts(file: str, machine: Machine) -> None:
    write(machine.root / "sys" / "fs" / "cgroup" / file, "2000000000\n")

    assert missing(needs.memory(8)(machine)) == "There are 2.0 GB of memory; it takes 8."


def test_no_limit_is_no_limit(machine: Machine) -> None:
    write(machine.root / "sys" / "fs" / "cgroup" / "memory.max", "max\n")

    assert needs.memory(8)(machine) is None


def test_features_that_the_kernel_lacks_are_named(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine.root, "unshare", "echo nftables; echo ipset")
    monkeypatch.setenv("PATH", str(machine.root / "bin"))

    assert missing(needs.kernel(machine)) == "The kernel lacks: nftables, ipset."


def test_a_trial_of_the_kernel_that_does_not_begin_is_quoted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine.root, "unshare", "echo 'unshare failed: Operation not permitted' >&2; exit 1")
    monkeypatch.setenv("PATH", str(machine.root / "bin"))

    assert "unshare failed: Operation not permitted" in missing(needs.kernel(machine))


def test_without_go_only_what_was_built_before_is_there(machine: Machine) -> None:
    (machine.root / "bin" / "go").unlink()
    assert "no `go` on PATH" in missing(needs.can_build("cluster")(machine))

    write(machine.site.toolchain / "digest" / "ready" / "cluster.json", "{}")

    assert needs.can_build("cluster")(machine) is None
    assert "no `go` on PATH" in missing(needs.can_build("nodes")(machine))


def test_an_old_go_is_told_its_version(machine: Machine) -> None:
    program(machine.root, "go", "echo go1.24.1")

    assert "is 1.24.1" in missing(needs.can_build("cluster")(machine))


def test_pulumi_on_path_will_do_in_place_of_go(machine: Machine) -> None:
    (machine.root / "bin" / "go").unlink()
    assert missing(needs.pulumi_or_go(machine)).startswith("There is no pulumi on PATH.")

    program(machine.root, "pulumi")

    assert needs.pulumi_or_go(machine) is None
