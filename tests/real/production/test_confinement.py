"""Pods are as confined as they declare, and namespaces refuse pods that are not."""

import contextlib
from http import HTTPStatus
from typing import Any

import pytest

from model.roles import Tier
from tests.cluster.live import RefusedError
from tests.measured import Measured
from tests.real.reachability.confinement import processes
from tests.real.reachability.visitors import idle
from tests.real.site import Installation

pytestmark = [pytest.mark.own_nodes("looks into processes of pods"), pytest.mark.timeout(600)]

ESCAPES: dict[str, dict[str, Any]] = {
    "a privileged container": {"container": {"privileged": True, "allowPrivilegeEscalation": True}},
    "a container that runs as root": {"container": {"runAsNonRoot": False, "runAsUser": 0}},
    "a capability": {"container": {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}},
    "no filter of system calls": {"container": {"seccompProfile": {"type": "Unconfined"}}},
    "the node's network": {"pod": {"hostNetwork": True}},
    "the node's processes": {"pod": {"hostPID": True}},
    "a folder of the node": {"pod": {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}},
}


@pytest.mark.parametrize("tier", Tier)
def test_a_pod_that_is_not_restricted_is_refused(production: Installation, tier: Tier) -> None:
    namespace = production.namespace(tier)
    path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
    production.client.post(path, idle(production, namespace, "restricted", {}))

    for name, escape in ESCAPES.items():
        manifest = idle(production, namespace, "escape", {})
        manifest["spec"].update(escape.get("pod", {}))
        manifest["spec"]["containers"][0]["securityContext"].update(escape.get("container", {}))
        with pytest.raises(RefusedError, match='violates PodSecurity "restricted:') as refused:
            production.client.post(path, manifest)
        assert refused.value.status == HTTPStatus.FORBIDDEN, name


def test_every_process_is_who_it_is_declared_to_be_and_writes_where_it_may(
    production: Installation, measured: Measured
) -> None:
    pods = production.pods()
    faults: dict[str, list[str]] = {}
    count = 0
    for pod in pods:
        for process in processes(production.machine, pod):
            with contextlib.suppress(ProcessLookupError):
                faults.setdefault(process.container, []).extend(process.faults())
                count += 1

    measured("confinement: processes looked into", f"{count} in {len(faults)} containers")
    assert len(faults) == sum(len(pod["spec"]["containers"]) for pod in pods)
    found = [line for lines in faults.values() for line in lines]
    assert not found, "\n".join(found)
