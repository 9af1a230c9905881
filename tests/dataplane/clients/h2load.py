"""As many requests as a balancer can take: h2load, for HTTP/1.1 and HTTP/2, and what it reports."""

import re
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files

from tests.dataplane.sandbox import Place

_SUMMARY = re.compile(
    r"^requests: (?P<requests>\d+) total, \d+ started, \d+ done, (?P<succeeded>\d+) succeeded, (?P<failed>\d+) failed, "
    r"(?P<errored>\d+) errored, (?P<timeout>\d+) timeout$",
    re.MULTILINE,
)
_RATE = re.compile(r"^finished in [\d.]+\w+, (?P<rate>[\d.]+) req/s", re.MULTILINE)
