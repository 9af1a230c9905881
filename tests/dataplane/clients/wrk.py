"""wrk, a second opinion on HTTP/1.1 that shares no code with h2load."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files

from tests.dataplane.clients.h2load import Report, ReportError
from tests.dataplane.sandbox import Place

_GRACE_SECONDS = 60.0
_LATE_SECONDS = 20
"""An answer that takes longer counts as an error. wrk's own 2 s would make errors of a busy machine's answers."""
_REPORT = re.compile(r"^report (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Wrk:
    """A closed loop of `connections` with one request at once.

    The certificate is not checked, and no name is sent in TLS.
    """

    place: Place
    address: str
    host: str
    port: int = 443
    tls: bool = True
    connections: int = 100
    threads: int = 1
    new_connections: bool = False
    """Whether each request has a connection of its own."""

    def run(self, seconds: int, path: str, *, body: bytes = b"") -> Report:
        """Send requests for so many seconds: POST with a body of UTF-8, else GET.

        Raises:
            ReportError: nothing was measured; the message has what wrk says.
            subprocess.TimeoutExpired: wrk does not come to an end.
        """
        lua = files(__package__).joinpath("wrk.lua").read_text(encoding="utf-8")
        address = f"[{self.address}]" if ":" in self.address else self.address
        told = self.place.run(
            *(
                "sh",
                "-c",
                'file=$(mktemp); printf %s "$1" > "$file"; shift; exec wrk --script "$file" "$@"',
                "wrk",
                lua,
            ),
            *(f"--connections={self.connections}", f"--threads={self.threads}", f"--duration={seconds}s"),
            f"--timeout={_LATE_SECONDS}s",
            *(("--header=Connection: close",) if self.new_connections else ()),
            f"{'https' if self.tls else 'http'}://{address}:{self.port}{path}",
            *("--", self.host, body.decode()),
            timeout=seconds + _GRACE_SECONDS,
        )
        if not (found := _REPORT.search(told.stdout)):
            raise ReportError(f"{told.stdout}\n{told.stderr}"[-2000:])
        return _report(json.loads(found[1]))


def _report(said: dict[str, float]) -> Report:
    """All answers from 400 on are counted together by wrk."""
    requests, refused, broken = int(said["requests"]), int(said["status"]), int(said["broken"])
    return Report(
        requests + broken,
        requests - refused,
        refused + broken,
        broken,
        Counter({"2xx": requests - refused, "4xx": refused}),
        requests / said["seconds"],
        said["p50"],
        said["p99"],
    )
