"""What is read from an API server's answers about nodes and pods: how they are, not how they were."""

import json
from datetime import UTC, datetime
from http import HTTPStatus
from ssl import create_default_context

import pytest

from tools.cluster.api import Api, wait_until
from tools.errors import ToolError

_RESTART = datetime(2026, 5, 1, 12, 0, 0, 500_000, tzinfo=UTC).timestamp()
_BEFORE, _AFTER = "2026-05-01T11:59:59Z", "2026-05-01T12:00:00Z"
"""Kubernetes tells whole seconds: what it calls twelve may well have been after half a second past."""


class _Listing(Api):
    """Answers every question with one list."""

    items: list[object]

    def get(self, path: str, timeout: float = 5.0) -> tuple[int, str]:
        del path, timeout
        return HTTPStatus.OK, json.dumps({"items": self.items})


def _api(*items: object) -> Api:
    api = _Listing("127.0.0.1", 6443, create_default_context())
    object.__setattr__(api, "items", list(items))
    return api


def _node(status: str = "True", said: str = _AFTER, **spec: object) -> dict[str, object]:
    pressure = {"type": "DiskPressure", "status": "True", "lastHeartbeatTime": _AFTER}
    ready = {"type": "Ready", "status": status, "lastHeartbeatTime": said}
    return {"spec": spec, "status": {"conditions": [pressure, ready]}}


def _pod(*, ready: bool = True, began: str | None = _AFTER) -> dict[str, object]:
    state = {"running": {"startedAt": began}} if began else {"waiting": {"reason": "CrashLoopBackOff"}}
    return {"status": {"containerStatuses": [{"ready": ready, "state": state}]}}


def test_nodes_that_are_not_ready_or_take_no_pods_do_not_count() -> None:
    tainted = _node(taints=[{"key": "node.kubernetes.io/not-ready"}])

    assert _api(_node(), _node("False"), _node("Unknown"), tainted, {"spec": {}, "status": {}}).ready_nodes() == 1


def test_a_node_that_was_ready_before_a_crash_counts_once_it_has_said_so_again() -> None:
    assert _api(_node(said=_BEFORE)).ready_nodes() == 1
    assert _api(_node(said=_BEFORE)).ready_nodes(_RESTART) == 0
    assert _api(_node(said=_AFTER)).ready_nodes(_RESTART) == 1


def test_pods_count_in_containers_that_began_since() -> None:
    api = _api(_pod(), _pod(began=_BEFORE), _pod(ready=False), _pod(began=None), {"status": {}})

    assert api.ready_pods("k8s-app=kube-dns", _RESTART) == 1


def test_what_is_awaited_in_vain_is_told_with_the_last_reason() -> None:
    def refuse() -> bool:
        raise OSError("connection refused")

    with pytest.raises(ToolError, match=r"^waited 0 s in vain for the nodes \(connection refused\)$"):
        wait_until("the nodes", refuse, seconds=0.0)
