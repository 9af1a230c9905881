"""What stands in for container images: Debian's programs, and what images would have beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from tests.dataplane.sandbox import Bind
from tests.unit.engine import JsonObject

_TESTS = Path(__file__).resolve().parents[1]
_PACKAGES = "/packages"


@dataclass(frozen=True)
class StandIn:
    """Files and variables that an image would bring along."""

    binds: tuple[Bind, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def stand_in(container: JsonObject) -> StandIn:
    """What runs in place of a container's image; Debian has HAProxy and nginx themselves."""
    if container["name"] == "api":
        # All that the instance imports is pure Python, so the packages of these tests serve it as well.
        packages = Path(uvicorn.__file__).parents[1]
        application = Bind(_TESTS / "instance" / "app", f"{container['workingDir']}/app")
        return StandIn(binds=(application, Bind(packages, _PACKAGES)), environment={"PYTHONPATH": _PACKAGES})
    if container["name"] == "gui":
        return StandIn(binds=(Bind(_TESTS / "instance" / "gui", "/usr/share/nginx/html"),))
    return StandIn()
