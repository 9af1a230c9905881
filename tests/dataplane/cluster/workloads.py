"""Deployments: as many pods as they are to have, replaced one after the other."""

import threading
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING

from tests.dataplane.cluster.pods import Pod
from tests.unit.engine import JsonObject

if TYPE_CHECKING:
    from tests.dataplane.cluster.cluster import Cluster

_READY_SECONDS = 15.0
_BUSY_SECONDS = 5.0
"""What a busy machine may need beyond a grace period, to kill and to clean up."""


class Workload:
    """The pods of one Deployment."""

    def __init__(self, cluster: "Cluster", manifest: JsonObject, environment: Mapping[str, str]) -> None:
        self._cluster = cluster
        self._manifest = manifest
        self._environment = environment
        self._numbers = count(1)
        self.pods: list[Pod] = []
        """Those that are not on their way out, oldest first."""
        self.left: list[Pod] = []
        """Those that are, or are gone."""

    @property
    def name(self) -> str:
        """Name of the Deployment."""
        return str(self._manifest["metadata"]["name"])

    def scale(self, number: int) -> None:
        """Have `number` pods: further ones are ready when this returns, surplus ones on their way out."""
        added = [self._add() for _ in range(number - len(self.pods))]
        for pod in self.pods[number:]:
            self.delete(pod)
        self.wait(added)

    def delete(self, pod: Pod, *, hurry: bool = False) -> threading.Event:
        """Begin to end one pod, without another in its place; what is returned tells when it is gone."""
        self.pods.remove(pod)
        self.left.append(pod)
        return pod.delete(hurry=hurry)

    def restart(self) -> None:
        """Replace every pod as a rolling update does; the last one is gone when this returns.

        Raises:
            TimeoutError: a new one is not ready, or an old one is there after its grace period, with their logs.
        """
        strategy = self._manifest["spec"]["strategy"]["rollingUpdate"]
        assert (strategy["maxSurge"], strategy["maxUnavailable"]) == (1, 0), "only this way of updating is known here"
        going = []
        for pod in tuple(self.pods):
            self.wait([self._add()])
            going.append((pod, self.delete(pod)))
        for pod, gone in going:
            if not gone.wait(pod.grace_seconds + _BUSY_SECONDS):
                raise TimeoutError(f"{pod.name} outlived its grace period of {pod.grace_seconds:g} s: {pod.log()}")

    def wait(self, pods: list[Pod] | None = None) -> None:
        """Wait until `pods` are ready, or all of them.

        Raises:
            TimeoutError: they are not, after 15 seconds; with their logs.
        """
        waited = self.pods if pods is None else pods
        until(lambda: all(pod.ready for pod in waited), lambda: "".join(pod.log() for pod in waited), _READY_SECONDS)

    def _add(self) -> Pod:
        pod = self._cluster.make_pod(f"{self.name}-{next(self._numbers)}", self._manifest, self._environment)
        self.pods.append(pod)
        pod.start()
        return pod


def until(holds: Callable[[], bool], tell: Callable[[], str], seconds: float) -> None:
    """Wait until `holds`.

    Raises:
        TimeoutError: it does not, after `seconds`; with what `tell` says.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {seconds:g} s: {tell()}")
        time.sleep(0.02)
