"""The script that makes a node's root file system, as far as it can be judged without making one."""

import re
import subprocess
from pathlib import Path

import pytest

from tools.layout import repository

_SCRIPT = repository() / "tools" / "nodes" / "node.sh"


def test_it_is_a_script_that_a_shell_can_read() -> None:
    done = subprocess.run(["/bin/sh", "-n", _SCRIPT], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(_SCRIPT.read_text(encoding="utf-8").splitlines()) < 50


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("vm/overcommit_memory", "1"),
        ("vm/panic_on_oom", "0"),
        ("kernel/panic", "10"),
        ("kernel/panic_on_oops", "1"),
        ("kernel/keys/root_maxkeys", "1000000"),
        ("kernel/keys/root_maxbytes", "25000000"),
    ],
)
def test_a_kubelet_finds_the_kernel_set_as_it_would_set_it_for_the_whole_machine(setting: str, value: str) -> None:
    # What it asks for: k8s.io/kubernetes, pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables.
    assert re.search(rf"\s{setting}={value}[\s;]", _SCRIPT.read_text(encoding="utf-8"))


def test_every_folder_that_something_is_mounted_on_is_made_first() -> None:
    text = _SCRIPT.read_text(encoding="utf-8")
    made = re.search(r"mkdir -p (proc .*?)\nmount", text, re.DOTALL)
    assert made is not None
    folders = {Path(word) for word in made[1].replace("\\", "").split()}
    known = folders | {parent for folder in folders for parent in folder.parents}

    mounted = [
        Path(target) for target in re.findall(r'mount --bind "\$[a-z]+(?:/[a-z]+)?" ([a-z/]+)$', text, re.MULTILINE)
    ]
    assert len(mounted) > 5
    assert set(mounted) <= known
