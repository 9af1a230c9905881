"""Who may not make namespaces learns it before anything else, from the command as people call it."""

import sys
from pathlib import Path

import pytest

from tools.debian.__main__ import main


@pytest.fixture
def unshare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of a program on PATH, which has no other."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["tools.debian", "--namespaces"])
    return tmp_path / "unshare"


def test_a_kernel_that_refuses_is_quoted_with_what_would_do(unshare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unshare.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    unshare.chmod(0o755)

    assert main() == 1

    said = capsys.readouterr().err
    assert said.startswith("tools: `make test-dataplane` runs proxies")
    assert "unshare failed: Operation not permitted" in said
    assert "Run it as root; a container needs --privileged." in said


def test_a_machine_without_unshare_is_told_which_package_has_it(
    unshare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not unshare.exists()

    assert main() == 1

    assert "util-linux" in capsys.readouterr().err
