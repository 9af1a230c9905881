"""A recording as Kubernetes would hold it, and what others put into it."""

import pytest

from tests.dataplane.cluster.objects import Objects
from tests.unit.components.conftest import build
from tests.unit.stacks import settings_of, stack_file

TRACK = "tracardi-dev-track"


@pytest.fixture
def objects() -> Objects:
    return Objects(build(settings_of(stack_file("dev"))))


def test_an_object_is_found_as_a_whole_manifest_with_whole_numbers(objects: Objects) -> None:
    found = objects.get("Deployment", "track-api", TRACK)

    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "Deployment")
    assert found["metadata"]["labels"]["app.kubernetes.io/component"] == "track-api"
    assert repr(found["spec"]["replicas"]) == "2"
    assert objects.get("Namespace", TRACK)["metadata"]["name"] == TRACK


def test_what_is_not_there_is_named(objects: Objects) -> None:
    with pytest.raises(LookupError, match="there is no Deployment/tracardi-dev-console/track-api"):
        objects.get("Deployment", "track-api", "tracardi-dev-console")
    with pytest.raises(LookupError, match="there is no Secret/tracardi-dev-track/other"):
        objects.secret(TRACK, "other")


def test_a_kind_is_listed_by_namespace_or_everywhere(objects: Objects) -> None:
    everywhere = {each["metadata"]["name"] for each in objects.of_kind("Deployment")}
    track = {each["metadata"]["name"] for each in objects.of_kind("Deployment", TRACK)}

    assert track == {"track-api", "track-balancer"}
    assert everywhere == {*track, "gui", "gui-balancer", "gui-api", "gui-api-balancer"}


def test_a_manifest_is_a_copy_until_it_is_put(objects: Objects) -> None:
    mine = objects.get("Deployment", "track-api", TRACK)
    mine["spec"]["replicas"] = 7
    objects.of_kind("Deployment", TRACK)[0]["spec"]["replicas"] = 7
    assert {each["spec"]["replicas"] for each in objects.of_kind("Deployment", TRACK)} == {1, 2}

    objects.put(mine)
    mine["spec"]["replicas"] = 9

    assert objects.get("Deployment", "track-api", TRACK)["spec"]["replicas"] == 7


def test_secrets_are_read_as_pods_see_them(objects: Objects) -> None:
    assert (
        objects.secret(TRACK, "track-balancer-tls")["ca.crt"] == b"certificate-tracardi-entries-authority-certificate"
    )
    objects.put({"kind": "Secret", "metadata": {"name": "s", "namespace": TRACK}, "stringData": {"key": "é"}})
    assert objects.secret(TRACK, "s") == {"key": "é".encode()}


def test_a_secret_of_others_holds_just_what_they_put(objects: Objects) -> None:
    objects.put_secret(TRACK, "track-balancer-tls", {"tls.crt": b"c", "tls.key": b"k"})
    objects.put_secret(TRACK, "other", {"key": b"\xff"})

    assert objects.secret(TRACK, "track-balancer-tls") == {"tls.crt": b"c", "tls.key": b"k"}
    assert objects.get("Secret", "track-balancer-tls", TRACK)["type"] == "kubernetes.io/tls"
    assert objects.secret(TRACK, "other") == {"key": b"\xff"}
    assert objects.get("Secret", "other", TRACK)["type"] == "Opaque"


def test_configuration_is_read_as_text(objects: Objects) -> None:
    texts = [objects.config_map(TRACK, each["metadata"]["name"]) for each in objects.of_kind("ConfigMap", TRACK)]

    assert [name for text in texts for name in text if name == "haproxy.cfg"] == ["haproxy.cfg"]


def test_two_objects_of_one_name_are_refused() -> None:
    recording = build(settings_of(stack_file("dev")))
    recording.registered.append(recording.find("Deployment", "track-api"))

    with pytest.raises(ValueError, match="makes Deployment/tracardi-dev-track/track-api twice"):
        Objects(recording)
