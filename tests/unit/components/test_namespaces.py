"""Namespaces: closed, as strict as they can be, and kept with the data in them."""

import pytest

from tests.unit.components.networks import VARIANTS, namespaces
from tests.unit.engine import Recording


@pytest.fixture(params=list(VARIANTS.values()), ids=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> Recording:
    """Each of the variants in turn."""
    return namespaces(**request.param)


def test_every_namespace_enforces_pod_security_restricted(variant: Recording) -> None:
    assert len(variant.of_kind("Namespace")) == 3
    for namespace in variant.of_kind("Namespace"):
        labels = namespace.inputs["metadata"]["labels"]
        security = {key: value for key, value in labels.items() if key.startswith("pod-security.kubernetes.io/")}
        # A version would freeze the level; without one it means what the cluster takes it for.
        assert security == {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


@pytest.mark.parametrize("protect", [True, False])
def test_the_namespace_of_kept_data_outlives_the_stack_and_can_be_taken_over(protect: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
    stack = namespaces(keep=True, protect=protect)

    found = {
        namespace.object_name: (
            namespace.retained,
            namespace.protected,
            namespace.inputs["metadata"].get("annotations"),
        )
        for namespace in stack.of_kind("Namespace")
    }
    assert found == {
        "tracardi-track": (False, False, None),
        "tracardi-console": (False, False, None),
        "tracardi-data": (True, protect, {"pulumi.com/patchForce": "true"}),
    }


def test_without_kept_data_no_namespace_remains() -> None:
    for namespace in namespaces().of_kind("Namespace"):
        assert not namespace.retained
        assert not namespace.protected
        assert "annotations" not in namespace.inputs["metadata"]
