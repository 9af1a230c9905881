"""Stacks as plain manifests."""

from collections import Counter
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest
import yaml

from tests.manifests.rendering import STACKS, RenderingError, manifests, object_id, record, write
from tests.unit.engine import JsonObject, Recording, run


@pytest.fixture(scope="module", params=STACKS)
def recording(request: pytest.FixtureRequest) -> Recording:
    """What each stack registers."""
    return record(request.param)


def config_map(data: dict[str, str], *, secret: bool = False) -> Recording:
    metadata = k8s.meta.v1.ObjectMetaArgs(name="settings", namespace="space")

    def program() -> None:
        k8s.core.v1.ConfigMap("settings", metadata=metadata, data=pulumi.Output.secret(data) if secret else data)

    return run(program)


def find(recording: Recording, kind: str) -> JsonObject:
    return next(manifest for manifest in manifests(recording) if manifest["kind"] == kind)


def test_every_kubernetes_resource_is_rendered_under_its_name(recording: Recording) -> None:
    registered = [each for each in recording.registered if each.token.startswith("kubernetes:")]
    expected = Counter(
        (each.token.rpartition(":")[2], each.namespace, each.object_name) for each in registered if each.inputs
    )

    rendered = Counter(
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in manifests(recording)
    )

    assert rendered == expected
    assert len(registered) == rendered.total() > 60


def test_no_secret_value_is_rendered(recording: Recording, tmp_path: Path) -> None:
    secrets = [each for each in recording.of_kind("Secret") if each.inputs["data"]]
    write(manifests(recording), tmp_path / "all.yaml")
    text = (tmp_path / "all.yaml").read_text()

    assert len(secrets) > 5
    assert "canary" not in text
    for secret in secrets:
        assert all(value not in text for value in secret.inputs["data"].values())


def test_a_secret_keeps_its_keys(recording: Recording) -> None:
    for secret in (each for each in manifests(recording) if each["kind"] == "Secret"):
        (registered,) = [each for each in recording.of_kind("Secret") if each.inputs["metadata"] == secret["metadata"]]
        assert set(secret["data"]) == set(registered.inputs["data"])
        assert secret["type"] == registered.inputs["type"]


def test_secret_values_in_plain_text_are_replaced_too() -> None:
    def program() -> None:
        metadata = k8s.meta.v1.ObjectMetaArgs(name="token", namespace="space")
        k8s.core.v1.Secret("token", metadata=metadata, string_data={"token": "canary"})

    (secret,) = manifests(run(program))

    assert secret["stringData"] == {"token": "not rendered"}


def test_an_object_other_than_a_secret_may_not_show_a_secret_value() -> None:
    recording = config_map({"password": "canary"}, secret=True)

    with pytest.raises(RenderingError, match="ConfigMap/space/settings holds a secret value under data") as caught:
        manifests(recording)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "version"),
    [("Service", "v1"), ("Deployment", "apps/v1"), ("NetworkPolicy", "networking.k8s.io/v1")],
)
def test_a_manifest_says_its_version_as_kubernetes_writes_it(recording: Recording, kind: str, version: str) -> None:
    assert find(recording, kind)["apiVersion"] == version


def test_custom_resources_are_rendered() -> None:
    certificate = find(record("prod"), "Certificate")

    assert certificate["apiVersion"] == "cert-manager.io/v1"
    assert certificate["spec"]["dnsNames"]


def test_whole_numbers_are_whole_and_others_stay() -> None:
    def program() -> None:
        k8s.apiextensions.CustomResource(
            "sample",
            api_version="example.org/v1",
            kind="Sample",
            metadata={"name": "sample"},
            spec={"count": 3, "share": 0.5, "list": [{"port": 80}]},
        )

    (sample,) = manifests(run(program))

    assert yaml.safe_dump(sample["spec"]) == "count: 3\nlist:\n- port: 80\nshare: 0.5\n"


def test_the_order_is_that_of_names_with_namespaces_first(recording: Recording) -> None:
    found = [object_id(each) for each in manifests(recording)]
    namespaces = [each for each in found if each.startswith("Namespace/")]

    assert found[: len(namespaces)] == namespaces
    assert found[len(namespaces) :] == sorted(set(found) - set(namespaces))


def test_what_is_no_api_object_is_refused() -> None:
    def program() -> None:
        pulumi.CustomResource("kubernetes:helm.sh/v3:Release", "chart", {"metadata": {"name": "chart"}})

    with pytest.raises(RenderingError, match="chart is a kubernetes:helm"):
        manifests(run(program))


def test_a_file_holds_one_document_for_each_object(tmp_path: Path) -> None:
    objects = manifests(config_map({"key": "value"})) * 2
    write(objects, tmp_path / "all.yaml")

    assert list(yaml.safe_load_all((tmp_path / "all.yaml").read_text())) == objects


@pytest.mark.parametrize("text", ["0964873366", "0123456789", "12345", "1234567e89", "1e5"])
def test_text_that_looks_like_a_number_stays_text(tmp_path: Path, text: str) -> None:
    """Digests of digits alone happen, and readers differ in what they take for a number."""
    write([{"digest": text}], tmp_path / "all.yaml")

    assert (tmp_path / "all.yaml").read_text().strip() == f"digest: '{text}'"
