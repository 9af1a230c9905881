"""Pods: their containers run as processes, watched and ended as the kubelet does."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.dataplane.cluster.images import stand_in
from tests.dataplane.cluster.objects import Objects
from tests.dataplane.cluster.probes import passes
from tests.dataplane.cluster.volumes import Volumes
from tests.dataplane.sandbox import Bind, Jail, Place
from tests.unit.engine import JsonObject

_EAGER_SECONDS = 0.2
"""Between probes of what has not been ready yet: tests do not wait for a whole period first."""
_FIRST_BACK_OFF_SECONDS = 10


@dataclass(frozen=True)
class PodArgs:
    """A pod of `template` in `namespace`, at `place`."""

    name: str
    namespace: str
    template: JsonObject
    place: Place
    objects: Objects
    folder: Path
    environment: Mapping[str, str]
    """Variables for the stand-ins, beside the pod's own."""
    resolver: str
    """Address of the cluster's DNS."""


class Pod:
    """A running pod. It answers from its own address for as long as its processes live."""

    def __init__(self, args: PodArgs) -> None:
        self.name = args.name
        self.namespace = args.namespace
        self.place = args.place
        self.labels: dict[str, str] = args.template["metadata"]["labels"]
        self.restarts = 0
        self.overran = False
        """Whether it had to be killed because its grace period was over."""
        self._args = args
        self._spec: JsonObject = args.template["spec"]
        self._terminating = threading.Event()
        self._leaving = threading.Event()
        self._gone = threading.Event()
        self.volumes = Volumes(args.folder / "volumes", args.objects, args.namespace, self._spec)
        (args.folder / "resolv.conf").write_text(
            f"search {args.namespace}.svc.cluster.local svc.cluster.local cluster.local\n"
            f"nameserver {args.resolver}\noptions ndots:5\n",
            encoding="ascii",
        )
        self._containers = [_Running(self, container) for container in self._containers_of_spec()]

    @property
    def ready(self) -> bool:
        """Whether Services lead to it."""
        return not self._terminating.is_set() and all(container.ready for container in self._containers)

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return self.place.address

    @property
    def pid(self) -> int:
        """The machine's number of the first process in its first container."""
        return self._containers[0].pid

    def start(self) -> None:
        """Start the containers; the pod is ready once their probes say so."""
        for container in self._containers:
            container.start()

    def kill(self) -> None:
        """End the process of its first container with SIGKILL, as a crash would; the kubelet starts it anew."""
        os.kill(self.pid, signal.SIGKILL)

    def delete(self, *, hurry: bool = False) -> threading.Event:
        """Begin to end the pod as `kubectl delete` does, and return what tells when it is gone; or end it at once."""
        if not self._terminating.is_set():
            self._terminating.set()
            threading.Thread(target=self._end, args=(hurry,), name=f"end {self.name}").start()
        return self._gone

    def log(self) -> str:
        """What its containers have written."""
        return (self._args.folder / "log").read_text(encoding="utf-8", errors="replace")

    def jail(self, container: JsonObject) -> Jail:
        """What the processes of `container` see."""
        context = self._spec["securityContext"]
        image = stand_in(container)
        return Jail(
            self.place.world.debian,
            self.name,
            binds=(
                *image.binds,
                *self.volumes.binds(container),
                Bind(self._args.folder / "resolv.conf", "/etc/resolv.conf"),
            ),
            environment={**image.environment, **dict(self._variables(container)), **self._args.environment},
            folder=container.get("workingDir", "/"),
            user=context["runAsUser"],
            group=context["runAsGroup"],
        )

    def output(self) -> int:
        """A descriptor that containers write to."""
        log = os.open(self._args.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        # nginx opens /dev/stdout by its name, as a user without privileges.
        os.fchmod(log, 0o666)
        return log

    @property
    def grace_seconds(self) -> float:
        """From the beginning of its end until it is killed."""
        return float(self._spec["terminationGracePeriodSeconds"])

    @property
    def terminating(self) -> threading.Event:
        """Set once its end has begun, be it with a preStop hook: its containers are not started any more."""
        return self._terminating

    @property
    def leaving(self) -> threading.Event:
        """Set once its processes are being ended."""
        return self._leaving

    def _end(self, hurry: bool) -> None:  # noqa: FBT001 - a thread's argument
        deadline = time.monotonic() + (0 if hurry else self.grace_seconds)
        ending = [
            threading.Thread(target=container.end, args=(deadline, hurry), name=f"end {self.name}")
            for container in self._containers
        ]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join()
        self.place.close()
        self._gone.set()

    def _containers_of_spec(self) -> Iterator[JsonObject]:
        yield from self._spec["containers"]
        yield from (each for each in self._spec.get("initContainers", []) if each.get("restartPolicy") == "Always")

    def _variables(self, container: JsonObject) -> Iterator[tuple[str, str]]:
        objects, namespace = self._args.objects, self.namespace
        for source in container.get("envFrom", []):
            yield from objects.config_map(namespace, source["configMapRef"]["name"]).items()
        for variable in container.get("env", []):
            if "value" in variable:
                yield variable["name"], variable["value"]
            else:
                reference = variable["valueFrom"]["secretKeyRef"]
                yield variable["name"], objects.secret(namespace, reference["name"])[reference["key"]].decode()


class _Running:
    """One container of a pod."""

    def __init__(self, pod: Pod, container: JsonObject) -> None:
        self._pod = pod
        self._container = container
        self._process: subprocess.Popen[str] | None = None
        self._started = False
        self._ready = False
        self._lock = threading.Lock()

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._pod.place.world.pid(self._process)

    def start(self) -> None:
        self._launch()
        for task in (self._watch, self._report, self._supervise):
            threading.Thread(target=task, name=f"{task.__name__} {self._pod.name}", daemon=True).start()

    def end(self, deadline: float, hurry: bool) -> None:  # noqa: FBT001 - a thread's argument
        hook = self._container.get("lifecycle", {}).get("preStop")
        if hook and not hurry:
            time.sleep(min(hook["sleep"]["seconds"], max(0.0, deadline - time.monotonic())))
        self._pod.leaving.set()
        with self._lock:
            process = self._process
        assert process is not None
        if process.poll() is None:
            if not hurry:
                self._pod.place.world.signal(process, signal.SIGTERM)
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._pod.overran = not hurry
                self._pod.place.world.kill(process)

    def _launch(self) -> None:
        output = self._pod.output()
        try:
            command = (*self._container.get("command", ()), *self._container.get("args", ()))
            with self._lock:
                if not self._pod.terminating.is_set():
                    self._process = self._pod.place.start(*command, jail=self._pod.jail(self._container), output=output)
        finally:
            os.close(output)

    def _watch(self) -> None:
        """Start the container again whenever it has ended by itself: at once, and later ever more slowly."""
        pause = 0.0
        while True:
            assert self._process is not None
            self._process.wait()
            with self._lock:
                self._ready = self._started = False
            if self._pod.terminating.wait(pause):
                return
            self._pod.restarts += 1
            self._launch()
            pause = max(_FIRST_BACK_OFF_SECONDS, 2 * pause)

    def _report(self) -> None:
        """Ask the startup probe until it passes, and then the readiness probe for ever."""
        probe = self._container.get("readinessProbe")
        failures = 0
        pause = _EAGER_SECONDS
        while not self._pod.leaving.wait(pause):
            process, started = self._process, self._started
            passed = self._asks(probe if started else self._container.get("startupProbe") or probe)
            with self._lock:
                if not self._runs(process):
                    pause = _EAGER_SECONDS
                elif not started:
                    self._started = passed
                    failures, pause = 0, _EAGER_SECONDS
                else:
                    failures = 0 if passed else failures + 1
                    if passed:
                        self._ready = True
                    elif probe and failures >= probe["failureThreshold"]:
                        self._ready = False
                    pause = float(probe["periodSeconds"]) if probe else _EAGER_SECONDS

    def _supervise(self) -> None:
        """Ask the liveness probe, and end a container that has failed it too often."""
        probe = self._container.get("livenessProbe")
        failures = 0
        while probe and not self._pod.terminating.wait(float(probe["periodSeconds"])):
            process, started = self._process, self._started
            passed = not started or self._asks(probe)
            with self._lock:
                failures = 0 if passed or not self._runs(process) else failures + 1
                if process and failures >= probe["failureThreshold"] and not self._pod.terminating.is_set():
                    failures = 0
                    self._pod.place.world.kill(process)

    def _runs(self, process: subprocess.Popen[str] | None) -> bool:
        """Whether `process` is still the container's: what a probe has found out about an earlier one is void."""
        return process is not None and process is self._process and process.returncode is None

    def _asks(self, probe: JsonObject | None) -> bool:
        if probe is None:
            return True
        return self._pod.place.world.router.call(passes, probe, self._pod.address)
