"""Numbers that only work together."""

from model import lifecycle


def test_a_pod_may_finish_its_longest_request() -> None:
    serving = lifecycle.DRAIN_SECONDS + lifecycle.LEAVE_SECONDS

    assert serving + lifecycle.LONGEST_REQUEST_SECONDS <= lifecycle.GRACE_SECONDS


def test_balancers_have_noticed_that_an_instance_leaves_before_it_ends() -> None:
    assert lifecycle.LEAVE_SECONDS > lifecycle.BALANCER_CHECK_SECONDS * lifecycle.BALANCER_CHECK_FAILURES


def test_a_balancer_waits_longer_than_the_longest_request() -> None:
    assert lifecycle.SERVER_TIMEOUT_SECONDS > lifecycle.LONGEST_REQUEST_SECONDS


def test_instances_keep_idle_connections_longer_than_balancers() -> None:
    assert lifecycle.INSTANCE_KEEP_ALIVE_SECONDS > lifecycle.BALANCER_KEEP_ALIVE_SECONDS


def test_a_full_queue_does_not_look_like_a_broken_instance() -> None:
    """64 requests at once were seen to wait for 6 s."""
    assert lifecycle.MAX_REQUESTS_PER_INSTANCE <= 64
    assert lifecycle.READINESS.timeout * lifecycle.READINESS.failures > 6


def test_a_frozen_redis_restarts_nobody_soon() -> None:
    assert lifecycle.LIVENESS.timeout * lifecycle.LIVENESS.failures >= 60


def test_the_api_outlasts_a_store_that_moves_to_another_node() -> None:
    """Kubernetes waits 300 s before it gives a lost node's stateful pods up."""
    assert lifecycle.API_LIVENESS.period * lifecycle.API_LIVENESS.failures > 300
