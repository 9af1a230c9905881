"""Whether this process may make the namespaces that tests of real traffic run in."""

import shutil
import subprocess

from tools.errors import ToolError

_UNSHARE = ("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "true")


def require_namespaces() -> None:
    """Make, and leave again, a network, mount and PID namespace.

    Raises:
        ToolError: the kernel refuses, or util-linux is missing; the message says what is needed.
    """
    if shutil.which(_UNSHARE[0]) is None:
        raise ToolError("PATH has no unshare, which Debian's package util-linux holds")
    tried = subprocess.run(_UNSHARE, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        said = tried.stderr.strip() or f"unshare ended with status {tried.returncode}"
        raise ToolError(
            "`make test-dataplane` runs proxies, DNS and clients in network, mount and PID namespaces of its own, "
            f"and may not make them here: {said}.\n  Run it as root; a container needs --privileged."
        )
