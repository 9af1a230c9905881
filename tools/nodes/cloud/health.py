"""Which nodes can serve: asked every second, all at once, as a cloud's balancer asks."""

import contextlib
import http.client
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from ipaddress import IPv4Address

KUBE_PROXY = 10256
"""Where kube-proxy says that it is alive."""

_INTERVAL = 1.0
_PATIENCE = 1.5
"""Seconds that an answer may take: a machine that runs a whole cluster is busy at times."""
_FAILURES = 2
"""In a row: one lost packet is no lost node."""


@dataclass(frozen=True)
class Check:
    """A question for `/healthz`."""

    address: IPv4Address
    port: int


@dataclass
class _State:
    due: float
    pending: "Future[bool] | None" = None
    failures: int = 0
    healthy: bool = False


class Health:
    """What was answered. A check that has not been answered yet counts as failed.

    `ask` is called in threads of `threads`; it says whether the answer was good.
    """

    def __init__(self, ask: Callable[[Check], bool], threads: Executor) -> None:
        self._ask = ask
        self._threads = threads
        self._states: dict[Check, _State] = {}

    def look(self, checks: Iterable[Check], now: float) -> None:
        """Take in what has been answered, and ask what is due at `now` (seconds of any clock)."""
        wanted = set(checks)
        for known in self._states.keys() - wanted:
            del self._states[known]
        for check in wanted:
            state = self._states.setdefault(check, _State(due=now))
            _take_in(state)
            if state.pending is None and state.due <= now:
                # On time again after a pause, and not as often as there were seconds in it.
                state.due = max(state.due + _INTERVAL, now)
                state.pending = self._threads.submit(self._ask, check)

    def settle(self) -> None:
        """Wait until every node has answered well, or has failed often enough."""
        while waiting := {check: state for check, state in self._states.items() if _is_open(state)}:
            for check, state in waiting.items():
                state.pending = state.pending or self._threads.submit(self._ask, check)
            wait([state.pending for state in waiting.values() if state.pending is not None])
            for state in waiting.values():
                _take_in(state)

    def good(self, check: Check) -> bool:
        """Whether its node is to get new connections."""
        return check in self._states and self._states[check].healthy


def answers(check: Check) -> bool:
    """Whether `/healthz` answers 200 in time."""
    connection = http.client.HTTPConnection(str(check.address), check.port, timeout=_PATIENCE)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        return connection.getresponse().status == http.client.OK
    return False


def _is_open(state: _State) -> bool:
    return state.pending is not None or (not state.healthy and state.failures < _FAILURES)


def _take_in(state: _State) -> None:
    if state.pending is None or not state.pending.done():
        return
    if state.pending.result():
        state.failures, state.healthy = 0, True
    else:
        state.failures += 1
        state.healthy = state.healthy and state.failures < _FAILURES
    state.pending = None
