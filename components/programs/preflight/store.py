"""What is known of a store before it is asked, and how its version is judged."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .report import Finding

_KEYS = {"elasticsearch": "urls", "pulsar": "url"}
"""Where a store is, for those whose setting is not called host."""


@dataclass(frozen=True)
class Tunnel:
    """What the tunnel of an API pod leads to, and the file with the authority that it verifies it with."""

    host: str
    port: int
    authority: str | None


@dataclass(frozen=True)
class Store:
    """A store that others run, as the stack file describes it."""

    name: str
    release: str
    key: str
    """The setting of its section that says where it is."""
    networks: tuple[str, ...]
    least: str
    below: str | None
    known: str
    tunnel: Tunnel | None
    api_tunnel: Tunnel | None
    """The one to its administration, where that has an address of its own, as Pulsar's has."""
    timeout: float
    """Seconds to wait for a connection, and for an answer."""

    @classmethod
    def of(cls, name: str, release: str, plan: Mapping[str, Any], timeout: float) -> "Store":
        """The store `name` as the plan describes it."""
        versions = plan["versions"]
        return cls(
            name=name,
            release=release,
            key=_KEYS.get(name, "host"),
            networks=tuple(plan["networks"]),
            least=versions["least"],
            below=versions["below"],
            known=versions["known"],
            tunnel=_tunnel(plan.get("tunnel")),
            api_tunnel=_tunnel(plan.get("apiTunnel")),
            timeout=timeout,
        )

    @property
    def section(self) -> str:
        """Path of the store's section in the stack file."""
        return f"tracardi:data.{self.name}.external"

    @property
    def place(self) -> str:
        """Path of the setting that says where the store is."""
        return f"{self.section}.{self.key}"

    @property
    def credential(self) -> str:
        """Path of the setting with the store's password."""
        return f"tracardi:credentials.{self.name}"

    @property
    def switch(self) -> str:
        """Path of the setting that has a tunnel carry the store's connections."""
        return self.place if self.name == "pulsar" else f"tracardi:data.{self.name}.tunnel"

    def judged(self, version: str, product: str) -> Finding | None:
        """What is wrong with a `version`; None where the release works with it."""
        found = _numbers(version)
        if found and _numbers(self.least) <= found and (self.below is None or found < _numbers(self.below)):
            return None
        wanted = f"{self.least} or newer" + (f", older than {self.below}" if self.below else "")
        return Finding(
            self.place,
            f"asking {product} for its version",
            f"{version or 'none'}; Tracardi {self.release} works with {wanted} (known best: {self.known})",
            f"Run such a version of {product}, or name another service.",
        )


def _tunnel(plan: Mapping[str, Any] | None) -> Tunnel | None:
    return Tunnel(plan["host"], int(plan["port"]), plan["authority"]) if plan else None


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
