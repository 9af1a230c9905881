"""How pods start, report, drain and stop: one set of numbers that must fit together.

Measured on Tracardi 0.8.2.1: the socket closes 0.1 s after SIGTERM while requests in flight are finished; the longest
request takes 13 s (Elasticsearch frozen); a frozen Redis blocks the worker, `/healthcheck` included, for as long as it
lasts; 64 requests at once wait for 6 s, 16 for 1.4 s.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """A kubelet probe. All numbers but `failures` are seconds."""

    period: int
    timeout: int
    failures: int


DRAIN_SECONDS = 10
"""preStop sleep: what is behind a Service gets connections until every node has heard that the pod leaves."""

BALANCER_CHECK_SECONDS = 2
"""How often a balancer asks an instance for its health."""

BALANCER_CHECK_FAILURES = 3
"""After so many answers that are not 200, or none, an instance gets no requests."""

LEAVE_SECONDS = 8
"""An instance that is to end first denies its health and serves on: balancers are gone by then, however late DNS."""

LONGEST_REQUEST_SECONDS = 13
"""Elasticsearch's query time-out of 12 s and one second to answer."""

GRACE_SECONDS = 45
"""At least drain, leave and the longest request; 31 s is just enough, so half as much again."""

INSTALLATION_GRACE_SECONDS = 60
"""The GUI API also carries the installation request, seen to take up to 25 s."""

READINESS = Probe(period=5, timeout=5, failures=3)
"""Strict, but longer than the queue of a saturated worker: it is busy, not broken."""

LIVENESS = Probe(period=10, timeout=10, failures=6)
"""Lenient: a frozen Redis must not restart every pod, because a restart mends nothing."""

API_LIVENESS = Probe(period=10, timeout=10, failures=36)
"""The API's outlasts a store that comes back on another node, which takes 5 minutes from a lost one."""

STARTUP_PERIOD_SECONDS = 5


def worker_liveness(quiet_seconds: int) -> Probe:
    """For a program that listens to nobody, and may do nothing for `quiet_seconds`; as patient as the API's."""
    period = max(30, 2 * quiet_seconds)
    return Probe(period, timeout=10, failures=-(-API_LIVENESS.period * API_LIVENESS.failures // period))


BALANCER_START = Probe(period=2, timeout=2, failures=450)
"""How long a new balancer may take to meet an instance: as long as instances wait for their stores, on a bad day."""

MAX_REQUESTS_PER_INSTANCE = 64
"""Requests that all balancers together send to one instance at a time; 6 s of queue, well inside `READINESS`."""

MAX_CONNECTIONS = 11_000
"""Clients' connections to a balancer at a time. Each takes 47 kB; after a reload two workers have as many: 1 GiB."""

MAX_CONNECTIONS_PER_CLIENT = 1000
"""Connections of one client to a balancer at a time, mostly idle ones; further ones are closed at once.

A client is an IPv4 address or an IPv6 network of 64 bits, of which everybody has all the addresses.
"""

MAX_REDIRECTS = 500
"""Clients' connections at a time to the port that only redirects to https, besides `MAX_CONNECTIONS`."""

MAX_REDIRECTS_PER_CLIENT = 50
"""Of `MAX_REDIRECTS`, those that one client may have; further ones are closed at once."""

MAX_REQUESTS_PER_CLIENT = 16
"""Requests of one client that a balancer carries at a time; more are answered 429."""

QUEUE_TIMEOUT_SECONDS = 3
"""A request that found no free instance for so long is answered 503: Tracardi itself never sheds load."""

SERVER_TIMEOUT_SECONDS = 20
"""A balancer's patience with an instance; above `LONGEST_REQUEST_SECONDS`, or clients see 504 for a true answer."""

BALANCER_KEEP_ALIVE_SECONDS = 30
"""In this time, a balancer drops about half of its idle connections to an instance, in 5 minutes all but one..."""

INSTANCE_KEEP_ALIVE_SECONDS = 600
"""...and an instance each only after this time. The one that is left has then carried nothing for so long that hardly a
request can meet its end."""

LOST_NODE_SECONDS = 30
"""Stateless pods leave a lost node after this time; Kubernetes' own default of 300 s is an outage."""

SURGE = 1
"""Extra pods of a rolling update; balancers keep a server slot for each."""
