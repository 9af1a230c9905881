"""As many requests as a balancer can take: h2load, for HTTP/1.1 and HTTP/2, and what it reports."""

import re
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files

from tests.dataplane.sandbox import Place

_GRACE_SECONDS = 60.0
_RATE = re.compile(r"^finished in \S+, (?P<rate>[\d.]+) req/s", re.MULTILINE)
_COUNTS = re.compile(
    r"^requests: (\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$",
    re.MULTILINE,
)
_STATUSES = re.compile(r"^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$", re.MULTILINE)
_TIMES = re.compile(r"^p50 (\d+)\np99 (\d+)$", re.MULTILINE)


class ReportError(Exception):
    """The load generator has not measured anything."""


@dataclass(frozen=True)
class Report:
    """What a load generator has seen."""

    requests: int
    succeeded: int
    """Answered with 2xx or 3xx."""
    failed: int
    """Answered with 4xx or 5xx, or not at all."""
    errored: int
    """Not answered."""
    statuses: Counter[str]
    """By class: 2xx, 3xx, 4xx, 5xx."""
    rate: float
    """Requests a second."""
    p50: float
    """Seconds that half of the requests took at most."""
    p99: float
    """Likewise 99 %."""

    @classmethod
    def read(cls, text: str) -> "Report":
        """The report in h2load's words, with the percentiles after it. Raises ReportError."""
        rate, counts, statuses, times = (each.search(text) for each in (_RATE, _COUNTS, _STATUSES, _TIMES))
        if not (rate and counts and statuses and times):
            raise ReportError(text[-2000:])
        total, succeeded, failed, errored, _ = map(int, counts.groups())
        by_class = Counter(dict(zip(("2xx", "3xx", "4xx", "5xx"), map(int, statuses.groups()), strict=True)))
        p50, p99 = (int(micros) / 1e6 for micros in times.groups())
        return cls(total, succeeded, failed, errored, by_class, float(rate[1]), p50, p99)


@dataclass(frozen=True, kw_only=True)
class H2load:
    """A closed loop of `connections`, each with `streams` requests at once.

    The certificate is not checked: this measures, other clients check.
    """

    place: Place
    address: str
    host: str
    port: int = 443
    tls: bool = True
    http2: bool = True
    connections: int = 100
    streams: int = 1
    """Requests at once on one connection; HTTP/1.1 with a body always has one."""
    threads: int = 1

    def run(self, seconds: int, path: str, *, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()) -> Report:
        """Send requests for so many seconds: POST with a body of UTF-8, else GET.

        Raises:
            ReportError: nothing was measured; the message has what h2load says.
            subprocess.TimeoutExpired: h2load does not come to an end.
        """
        script = files(__package__).joinpath("h2load.sh").read_text(encoding="utf-8")
        arguments = [
            *self._arguments(),
            f"--duration={seconds}",
            *(f"--header={name}: {value}" for name, value in headers),
        ]
        if body:
            arguments.append("--header=content-type: application/json")
        url = f"{'https' if self.tls else 'http'}://{self.host}{path}"
        told = self.place.run(
            "sh", "-c", script, "h2load", body.decode(), *arguments, url, timeout=seconds + _GRACE_SECONDS
        )
        return Report.read(f"{told.stdout}\n{told.stderr}" if told.returncode else told.stdout)

    def _arguments(self) -> list[str]:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return [
            f"--connect-to={address}:{self.port}",
            f"--clients={self.connections}",
            f"--max-concurrent-streams={self.streams}",
            f"--threads={self.threads}",
            *(() if self.http2 else ("--h1",)),
        ]
