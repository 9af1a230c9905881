"""What holds for the installation as a whole: the order of its parts, their names, and what a preview knows."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.mocks import MockResourceArgs, set_mocks

from tests.unit import engine
from tests.unit.components.conftest import build
from tests.unit.engine import JsonObject, Recording
from tests.unit.stacks import changed, settings_of
from tests.unit.variants import variants

BALANCERS = ("track-balancer", "gui-balancer", "gui-api-balancer")


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


def test_another_elasticsearch_has_the_installation_run_again() -> None:
    def job(**changes: Any) -> str:  # noqa: ANN401 - any setting
        stack = build(settings_of(changed(variants()["external data"], **changes)))
        return next(job.object_name for job in stack.of_kind("Job") if job.object_name.startswith("installation-"))

    assert job() == job(track__host="other.example.com")
    assert job() != job(data__elasticsearch__external__urls=["https://other.example.com"])


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


class Unmade(engine.Answers):
    """What the engine knows before anything is made: what a program has said itself."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, JsonObject]:
        return "", dict(args.inputs)


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is built from here on is only previewed, as a new stack."""

    def preview(*arguments: Any, **keywords: Any) -> None:  # noqa: ANN401 - those of the SDK
        set_mocks(*arguments, **{**keywords, "preview": True})

    monkeypatch.setattr(engine, "Answers", Unmade)
    monkeypatch.setattr(engine, "set_mocks", preview)


def differences(one: object, other: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Where two values differ, and what is only in one of them."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from differences(one.get(key), other.get(key), (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, (*path, str(index)))
    elif one != other:
        yield ".".join(path)


@pytest.mark.parametrize("variant", ["production", "full TLS", "tunnel", "gateway"])
@pytest.mark.usefixtures("before")
def test_the_first_preview_knows_everything_but_secrets_certificates_and_addresses(
    monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    """Policies judge what they see there, and people read it."""
    settings = settings_of(variants()[variant])
    previewed = {each.urn: each for each in build(settings).registered if each.token.startswith("kubernetes:")}
    monkeypatch.undo()
    made = {each.urn: each for each in build(settings).registered if each.token.startswith("kubernetes:")}

    assert previewed.keys() == made.keys()
    unknown = {
        f"{resource.inputs['kind']}/{resource.object_name} {path}"
        for urn, resource in made.items()
        if resource.inputs["kind"] != "Secret"
        for path in differences(previewed[urn].inputs, resource.inputs)
    }
    authorities = {"elasticsearch-ca", "tunnels", *(f"{balancer}-backend-ca" for balancer in BALANCERS)}
    allowed = {f"ConfigMap/{name}" for name in authorities}
    checksums = ("checksum/elasticsearch-ca", "checksum/tunnels", "checksum/certificate")
    assert {place for place in unknown if place.split()[0] not in allowed and not place.endswith(checksums)} == set()
    assert unknown
