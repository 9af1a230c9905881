"""Runs make for a tier, and ends with it."""

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tools.toolchain.commands import ending_on_signals

_TIDY_SECONDS = 60.0
"""How long tests may take down what they have begun once they are interrupted."""
_GRACE_SECONDS = 10.0


def maker(repository: Path, program: str = "make") -> Callable[[str, Mapping[str, str]], int]:
    """A function that makes a target, in a process whose output is passed through, and answers its exit status."""

    def make(target: str, environment: Mapping[str, str]) -> int:
        # The tests' own clusters are meant, whatever context the shell names: tests take down what they find.
        command = [program, "--no-print-directory", target, "KUBE_CONTEXT="]
        with ending_on_signals(), subprocess.Popen(command, cwd=repository, env={**os.environ, **environment}) as child:
            try:
                return child.wait()
            except KeyboardInterrupt:
                # The terminal has told everybody.
                _end(child, _TIDY_SECONDS)
                raise
            except SystemExit:
                _end(child, 0)
                raise

    return make


def _end(child: "subprocess.Popen[bytes]", patience: float) -> None:
    """Wait for it to end by itself; then, or when asked again, tell it to, and make passes that on."""
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        child.wait(timeout=patience)
        return
    for how in (child.terminate, child.kill):
        how()
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(timeout=_GRACE_SECONDS)
            return
