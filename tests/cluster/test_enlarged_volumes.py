"""A larger volume on a real control plane: asked for before anything changes, and enlarged in place."""

import re
import shlex

import pytest
from pulumi import automation

from tests.cluster.stacks import Deployment
from tests.unit.stacks import changed, stack_file

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def test_a_volume_is_enlarged_by_what_the_refusal_says_and_no_pod_is_replaced(deployment: Deployment) -> None:
    deployment.configure(changed(stack_file("dev"), data__keep=False, data__redis={"storage": "1Gi"}))
    deployment.stack.up()
    before = identities(deployment)
    deployment.change(data__redis={"storage": "2Gi"})

    with pytest.raises(automation.CommandError) as refused:
        deployment.stack.up()
    assert "tracardi:data.redis.storage" in str(refused.value)
    assert identities(deployment) == before
    remedy = re.search(r"kubectl (--namespace \S+ patch .*? --patch '.*?')", str(refused.value))
    assert remedy
    deployment.kubectl(*shlex.split(remedy[1]))

    assert deployment.previewed() == {"same"}
    deployment.stack.up()
    assert identities(deployment) == before
    (claim,) = [each for each in deployment.objects("persistentvolumeclaims") if "redis" in each["metadata"]["name"]]
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"


def identities(deployment: Deployment) -> set[str]:
    """What tells the pods, their sets and their claims from others of the same name."""
    kinds = ("pods", "statefulsets", "persistentvolumeclaims")
    return {item["metadata"]["uid"] for kind in kinds for item in deployment.objects(kind)}
