"""The tests' own kubelet: when it starts a container again, and which probes it believes."""

import threading

import pytest

from model.roles import Role
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.installation.variants import deployment
from tests.unit.engine import JsonObject

_PATIENCE_SECONDS = 15.0


class HeldProbe:
    """A probe that passes, but not before it is let."""

    def __init__(self) -> None:
        self._begun = threading.Semaphore(0)
        self._let = threading.Semaphore(0)

    def __call__(self, _probe: JsonObject, _address: str) -> bool:
        """Whatever is asked: yes, later."""
        self._begun.release()
        # A test that fails lets nothing: its threads are not to stay for ever.
        return self._let.acquire(timeout=_PATIENCE_SECONDS)

    def await_begun(self) -> None:
        """Wait until one is under way."""
        assert self._begun.acquire(timeout=_PATIENCE_SECONDS), "nothing was probed"

    def let(self) -> None:
        """Let one pass."""
        self._let.release()


@pytest.fixture
def site(sites: Sites) -> Site:
    made = sites(small())
    manifest = deployment(made, Role.GUI)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container.pop("livenessProbe", None)
    container["readinessProbe"]["periodSeconds"] = 1
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": 1}}}
    made.objects.put(manifest)
    return made


def test_a_container_that_ends_while_its_pod_leaves_is_not_started_again(site: Site) -> None:
    workload = site.run(Role.GUI, 1)
    (pod,) = workload.pods

    gone = workload.delete(pod)
    pod.kill()

    assert gone.wait(_PATIENCE_SECONDS)
    assert (pod.restarts, pod.overran) == (0, False)


def test_a_probe_of_a_process_that_has_ended_says_nothing_about_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pod,) = site.run(Role.GUI, 1).pods
    probe = HeldProbe()
    monkeypatch.setattr("tests.dataplane.cluster.pods.passes", probe)
    probe.await_begun()

    pod.kill()
    until(lambda: pod.restarts == 1, pod.log, _PATIENCE_SECONDS)
    probe.let()
    probe.await_begun()

    assert not pod.ready
    probe.let()
    probe.await_begun()
    probe.let()
    until(lambda: pod.ready, pod.log, _PATIENCE_SECONDS)
    probe.let()
