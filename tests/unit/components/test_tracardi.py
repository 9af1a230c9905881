"""The order in which the parts of an installation come up."""

import itertools

from tests.unit.engine import Recording


def test_the_parts_come_up_in_the_order_that_keeps_installation_closed(stack: Recording) -> None:
    order = [
        *[stack.find("StatefulSet", name) for name in ("elasticsearch",)],
        stack.find("Deployment", "gui-api"),
        stack.of_kind("Job")[0],
        stack.find("Deployment", "track-api"),
        stack.find("Deployment", "track-balancer"),
        stack.find("Service", "track-balancer-entry"),
    ]

    for earlier, later in itertools.pairwise(order):
        assert stack.comes_after(later, earlier), f"{later.name} does not wait for {earlier.name}"


def test_every_store_is_up_before_the_api(stack: Recording) -> None:
    api = stack.find("Deployment", "gui-api")

    for store in stack.of_kind("StatefulSet"):
        assert stack.comes_after(api, store), store.name


def test_the_console_does_not_wait_for_the_installation(stack: Recording) -> None:
    """Nobody is served faster by waiting, and the console needs none of the stores."""
    assert not stack.comes_after(stack.find("Deployment", "gui"), stack.of_kind("Job")[0])


def test_every_kubernetes_object_is_named_and_placed(stack: Recording) -> None:
    """A generated name would be unknown to whoever refers to it, and to the policies."""
    objects = [resource for resource in stack.registered if resource.token.startswith("kubernetes:")]

    assert len(objects) > 60
    for resource in objects:
        assert isinstance(resource.object_name, str), resource.name
        if not resource.token.endswith(":Namespace"):
            assert str(resource.namespace).startswith("tracardi-"), resource.name


def test_every_entry_is_reported_with_its_exposure(prod: Recording) -> None:
    assert {name: entry["exposure"] for name, entry in prod.outputs["loadBalancers"].items()} == {
        "track": "internet",
        "guiApi": "trusted networks",
        "gui": "trusted networks",
    }
    assert prod.outputs["guiUrl"] == "https://gui.example.com/?api=https://api.example.com"
    assert prod.outputs["namespaces"]["data"] == "tracardi-data"


def test_a_private_certificate_authority_is_reported_where_there_is_one(dev: Recording, prod: Recording) -> None:
    assert dev.outputs["certificateAuthority"] == "certificate-tracardi-entries-authority-certificate"
    assert "certificateAuthority" not in prod.outputs
