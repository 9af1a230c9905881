"""The two duties of one image, and how many collectors there are."""

import pytest

from tests.unit.components.clusters import clusters
from tests.unit.engine import Recording


def test_the_track_cluster_collects_and_does_nothing_else(stack: Recording) -> None:
    environment = stack.find("Deployment", "track-api").environment("api")

    assert environment["EXPOSE_GUI_API"] == "no"
    assert environment["PRODUCTION"] == "yes"
    assert environment["API_DOCS"] == "no"
    assert environment["SAVE_LOGS"] == "no"
    assert environment["TRACK_DEBUG"] == "no"


def test_the_gui_api_can_manage_users(stack: Recording) -> None:
    """User management works on an empty index with PRODUCTION=yes."""
    environment = stack.find("Deployment", "gui-api").environment("api")

    assert environment["EXPOSE_GUI_API"] == "yes"
    assert environment["PRODUCTION"] == "no"


def test_the_gui_api_has_time_to_finish_an_installation() -> None:
    stack = clusters()

    grace = {
        name: stack.find("Deployment", name).pod["terminationGracePeriodSeconds"] for name in ("track-api", "gui-api")
    }
    assert grace == {"track-api": 45, "gui-api": 60}


def test_the_autoscaler_owns_the_number_of_collectors(prod: Recording) -> None:
    deployment = prod.find("Deployment", "track-api")
    autoscaler = prod.find("HorizontalPodAutoscaler", "track-api")

    assert deployment.spec["replicas"] == 3
    assert deployment.ignored_changes == ("spec.replicas",)
    assert (autoscaler.spec["minReplicas"], autoscaler.spec["maxReplicas"]) == (3, 10)
    assert autoscaler.spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "track-api"}


@pytest.mark.parametrize("percent", [20, 60, 90])
def test_the_autoscaler_aims_at_the_use_of_cpu_that_the_settings_say(percent: int) -> None:
    stack = clusters(track__cpuTargetPercent=percent)

    (metric,) = stack.find("HorizontalPodAutoscaler", "track-api").spec["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}
    # The use is a share of the request, so without one nothing would ever be scaled.
    assert stack.find("Deployment", "track-api").container("api")["resources"]["requests"]["cpu"]


def test_collectors_follow_from_a_declared_load() -> None:
    load = {"sustained": 400, "peak": 800, "newVisitors": 0}

    stack = clusters(capacity=load, track__replicas=None)

    scaler = stack.find("HorizontalPodAutoscaler", "track-api").spec
    assert stack.find("Deployment", "track-api").spec["replicas"] == 5
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (5, 10)
    assert stack.outputs["track"]["slots"] == 11


def test_a_load_without_peaks_needs_no_autoscaler() -> None:
    stack = clusters(capacity={"sustained": 500, "peak": 500, "newVisitors": 0}, track__replicas=None)

    assert stack.of_kind("HorizontalPodAutoscaler") == ()
    assert stack.find("Deployment", "track-api").spec["replicas"] == 6


def test_equal_bounds_need_no_autoscaler(dev: Recording) -> None:
    assert dev.of_kind("HorizontalPodAutoscaler") == ()
    assert dev.find("Deployment", "track-api").ignored_changes == ()


def test_the_gui_api_has_as_many_instances_as_it_is_given() -> None:
    stack = clusters(guiApi__replicas=4)

    deployment = stack.find("Deployment", "gui-api")
    assert deployment.spec["replicas"] == 4
    assert deployment.ignored_changes == ()
    assert [scaler.object_name for scaler in stack.of_kind("HorizontalPodAutoscaler")] == ["track-api"]


@pytest.mark.parametrize(
    ("changes", "key", "slots"),
    [
        ({"track__replicas": {"min": 3, "max": 10}}, "track", 11),
        ({"track__replicas": {"min": 5, "max": 5}}, "track", 6),
        ({"guiApi__replicas": 4}, "gui_api", 5),
    ],
)
def test_balancers_have_a_slot_for_every_instance_and_one_more(
    changes: dict[str, object], key: str, slots: int
) -> None:
    """A missing slot silently starves an instance, and a rolling update has one instance more."""
    assert clusters(**changes).outputs[key]["slots"] == slots
