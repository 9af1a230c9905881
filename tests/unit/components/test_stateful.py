"""What every store in the cluster has in common: volumes, budgets, and what becomes of its data."""

import pytest

from tests.unit.components.stores import data_services, prod_with
from tests.unit.engine import Recording


@pytest.fixture(scope="module")
def stores() -> Recording:
    """Production's stores."""
    return data_services(prod_with())[0]


def test_every_store_keeps_its_data_on_a_volume(stores: Recording) -> None:
    assert len(stores.of_kind("StatefulSet")) == 3
    for store in stores.of_kind("StatefulSet"):
        (claim,) = store.spec["volumeClaimTemplates"]
        mounts = [mount["name"] for mount in store.pod["containers"][0]["volumeMounts"]]
        assert claim["metadata"]["name"] in mounts, store.name
        assert claim["spec"]["resources"]["requests"]["storage"]


def test_volumes_are_of_the_class_that_the_cluster_has() -> None:
    found, _ = data_services(prod_with(platform={"storageClass": "fast"}))

    for store in found.of_kind("StatefulSet"):
        assert store.spec["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast", store.name


@pytest.mark.parametrize(("keep", "becomes"), [(True, "Retain"), (False, "Delete")])
def test_volumes_outlive_the_stack_where_data_is_kept(keep: bool, becomes: str) -> None:  # noqa: FBT001 - the setting
    found, _ = data_services(prod_with(data__keep=keep))

    for store in found.of_kind("StatefulSet"):
        policy = store.spec["persistentVolumeClaimRetentionPolicy"]
        # Scaled down by a slip, a store finds its data again in any case.
        assert policy == {"whenDeleted": becomes, "whenScaled": "Retain"}, store.name


@pytest.mark.parametrize(
    ("profile", "keep", "protected"),
    [("production", True, True), ("production", False, False), ("small", True, False)],
)
def test_production_stores_are_not_let_go_by_a_slip(profile: str, keep: bool, protected: bool) -> None:  # noqa: FBT001
    found, _ = data_services(prod_with(data__keep=keep, installation__profile=profile))

    for store in found.of_kind("StatefulSet"):
        assert store.protected is protected, store.name
        # The volumes stay by themselves; what is left behind running would keep them busy.
        assert not store.retained, store.name


def test_no_budget_blocks_the_drain_of_a_single_instance(stores: Recording) -> None:
    budgets = {budget.object_name for budget in stores.of_kind("PodDisruptionBudget")}

    assert budgets == {"elasticsearch"}


def test_no_store_is_reachable_from_outside(stores: Recording) -> None:
    for service in stores.of_kind("Service"):
        assert service.spec.get("type", "ClusterIP") == "ClusterIP", service.name
        assert service.namespace == "tracardi-data"


def test_a_store_waits_on_a_lost_node_for_its_volume(stores: Recording) -> None:
    """Elsewhere its pod could not mount it, and a second copy beside the first would be worse."""
    for store in stores.of_kind("StatefulSet"):
        assert not store.pod.get("tolerations"), store.name
