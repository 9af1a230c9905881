"""Whether what runs in a container of Tracardi's API is the code of its image."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from policies.pack.kubernetes.files import mounted
from policies.pack.kubernetes.workloads import Container
from policies.pack.programs.surroundings import over_programs
from policies.pack.unreadable import UnreadableError

_CODE = PurePosixPath("/app/app")
_LEADS_ELSEWHERE = re.compile(r"LD_.*|PATH|PYTHON(HOME|PATH|PLATLIBDIR|STARTUP|USERBASE)|UVICORN_APP")


def replaced(container: Container) -> Iterator[str]:
    """In what ways `container` may run another program than its image's API."""
    try:
        for path in mounted(container):
            if over_programs(path) or path.is_relative_to(_CODE) or path in _CODE.parents:
                yield f"has {path} mounted over its program"
    except UnreadableError as problem:
        yield f"may run another program ({problem})"
    for name in container.environment:
        if _LEADS_ELSEWHERE.fullmatch(name):
            yield f"may run another program by its variable {name}"
