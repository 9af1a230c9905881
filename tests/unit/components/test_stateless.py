"""Who decides how many instances there are, and how they are taken away."""

from tests.unit.components.clusters import clusters
from tests.unit.engine import Recording


def test_where_the_stack_decides_the_number_it_takes_it_back_from_an_autoscaler() -> None:
    """Server-side apply refuses a field that somebody else owns, unless it is told to force."""
    stack = clusters(track__replicas={"min": 3, "max": 3})

    for name in ("track-api", "gui-api"):
        annotations = stack.find("Deployment", name).inputs["metadata"]["annotations"]
        assert annotations == {"pulumi.com/patchForce": "true"}


def test_where_an_autoscaler_decides_the_number_nothing_is_forced(prod: Recording) -> None:
    assert "annotations" not in prod.find("Deployment", "track-api").inputs["metadata"]


def test_the_autoscaler_takes_instances_away_one_by_one(prod: Recording) -> None:
    """Several at once may leave the required instances together on one node."""
    policies = prod.find("HorizontalPodAutoscaler", "track-api").spec["behavior"]["scaleDown"]["policies"]

    assert policies == [{"type": "Pods", "value": 1, "periodSeconds": 30}]
