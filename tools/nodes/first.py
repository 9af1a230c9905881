"""What the first process of a PID namespace has to do for others."""

import contextlib
import os
from collections.abc import Collection


def reap(own: Collection[int]) -> None:
    """Take leave of processes that ended after their parents had; whoever began those in `own` waits for them."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in own:
            os.waitpid(ended.si_pid, 0)
