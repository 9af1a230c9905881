"""Volumes for claims, with an API server that is a dictionary."""

import stat
from pathlib import Path, PurePosixPath

import pytest
import yaml

from tests.unit.stacks import REPOSITORY
from tools.nodes.cloud.client import Client, Object, Refused
from tools.nodes.cloud.journal import Journal
from tools.nodes.cloud.volumes import PROVISIONER, Volumes

_UID = "2406db7d-0cc3-4296-afb1-26833dfa20f4"
_NAME = f"pvc-{_UID}"
_THERE = PurePosixPath("/var/lib/volumes")
_CLAIMS, _VOLUMES = "/api/v1/persistentvolumeclaims", "/api/v1/persistentvolumes"
_CLAIM = "/api/v1/namespaces/tracardi/persistentvolumeclaims/data"
_CLASS = "/apis/storage.k8s.io/v1/storageclasses/standard"


class _Api(Client):
    """Objects by path."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {_CLASS: {"volumeBindingMode": "WaitForFirstConsumer"}}
        self.refuses = ""

    def items(self, path: str) -> list[Object]:
        kind = path.rpartition("/")[2]
        return [found for place, found in self.objects.items() if place.rpartition("/")[0].endswith(f"/{kind}")]

    def read(self, path: str) -> Object:
        return self.objects[path]

    def create(self, path: str, body: Object) -> None:
        if body["metadata"]["name"] == self.refuses:
            raise Refused(f"POST {path}", 403, "no")
        self.objects.setdefault(f"{path}/{body['metadata']['name']}", body)

    def patch(self, path: str, body: Object) -> None:
        found = self.objects[path.removesuffix("/status")]
        for part, changes in body.items():
            found.setdefault(part, {}).update(changes)

    def delete(self, path: str) -> None:
        del self.objects[path]

    def claim(self, uid: str = _UID, name: str = "data", **annotations: str) -> Object:
        """A claim that a pod on node-a waits for."""
        asked = {
            "volume.kubernetes.io/storage-provisioner": PROVISIONER,
            "volume.kubernetes.io/selected-node": "node-a",
        }
        claim: Object = {
            "metadata": {"namespace": "tracardi", "name": name, "uid": uid, "annotations": asked | annotations},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "standard",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
        self.objects[f"{_CLAIM.rpartition('/')[0]}/{name}"] = claim
        return claim

    def volume(self) -> Object:
        """What was made for the claim."""
        return self.objects[f"{_VOLUMES}/{_NAME}"]


@pytest.fixture
def api() -> _Api:
    """An API server with the class `standard`."""
    return _Api()


@pytest.fixture
def told() -> list[str]:
    """What the cloud says."""
    return []


@pytest.fixture
def volumes(api: _Api, told: list[str], tmp_path: Path) -> Volumes:
    """The part of the cloud that is tested."""
    return Volumes(api, tmp_path, _THERE, Journal(told.append))


def _bound(api: _Api, claim: Object) -> None:
    """What the claims' own controller does."""
    claim["spec"]["volumeName"] = _NAME
    claim["status"] = {"capacity": dict(api.volume()["spec"]["capacity"])}


def test_a_claim_gets_a_folder_and_a_volume_that_every_node_can_mount(
    api: _Api, volumes: Volumes, told: list[str], tmp_path: Path
) -> None:
    api.claim()

    volumes.step()

    volume = api.volume()
    [term] = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert stat.S_IMODE((tmp_path / _NAME).stat().st_mode) == 0o770
    assert volume["spec"]["local"] == {"path": f"{_THERE}/{_NAME}"}
    assert volume["spec"]["claimRef"]["uid"] == _UID
    assert volume["spec"]["capacity"] == {"storage": "1Gi"}
    assert term == {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}
    assert told == [f"claim tracardi/data has the volume {_NAME}"]


def test_a_claim_waits_for_its_pod_to_be_scheduled(api: _Api, volumes: Volumes) -> None:
    claim = api.claim()
    del claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"]
    volumes.step()
    assert api.items(_VOLUMES) == []

    api.objects[_CLASS] = {"volumeBindingMode": "Immediate"}
    volumes.step()
    assert len(api.items(_VOLUMES)) == 1


def test_another_provisioner_s_claims_are_left_alone(api: _Api, volumes: Volumes, tmp_path: Path) -> None:
    api.claim(**{"volume.kubernetes.io/storage-provisioner": "example.test/other"})

    volumes.step()

    assert api.items(_VOLUMES) == []
    assert list(tmp_path.iterdir()) == []


def test_the_class_says_what_becomes_of_the_volume(api: _Api, volumes: Volumes) -> None:
    api.objects[_CLASS]["reclaimPolicy"] = "Retain"
    api.claim()
    volumes.step()
    volume = api.volume()
    volume["status"] = {"phase": "Released"}
    volumes.step()

    assert api.volume() is volume


def test_a_released_volume_is_removed_and_then_its_folder(
    api: _Api, volumes: Volumes, told: list[str], tmp_path: Path
) -> None:
    api.claim()
    volumes.step()
    (tmp_path / _NAME / "data").write_text("events", encoding="utf-8")
    del api.objects[_CLAIM]
    api.volume()["status"] = {"phase": "Released"}

    volumes.step()
    assert api.items(_VOLUMES) == []
    assert (tmp_path / _NAME / "data").exists()

    volumes.step()
    assert list(tmp_path.iterdir()) == []
    assert told[1:] == [f"volume {_NAME} is removed"]


def test_the_folder_of_a_volume_that_is_in_use_stays(api: _Api, volumes: Volumes, tmp_path: Path) -> None:
    claim = api.claim()
    volumes.step()
    _bound(api, claim)
    api.volume()["status"] = {"phase": "Bound"}
    (tmp_path / "lost+found").mkdir()

    for _ in range(3):
        volumes.step()

    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["lost+found", _NAME]


def test_what_an_interrupted_run_began_is_finished_or_cleared_away(api: _Api, volumes: Volumes, tmp_path: Path) -> None:
    orphan = f"pvc-{_UID.replace('2', '3')}"
    (tmp_path / orphan).mkdir()
    (tmp_path / _NAME).mkdir()
    (tmp_path / _NAME / "kept").touch()
    api.claim()

    volumes.step()

    assert [entry.name for entry in tmp_path.iterdir()] == [_NAME]
    assert (tmp_path / _NAME / "kept").exists()
    assert api.volume()["metadata"]["name"] == _NAME


def test_a_claim_that_asks_for_more_gets_it(api: _Api, volumes: Volumes, told: list[str]) -> None:
    claim = api.claim()
    volumes.step()
    _bound(api, claim)
    claim["spec"]["resources"]["requests"]["storage"] = "2Gi"

    volumes.step()
    volumes.step()

    assert api.volume()["spec"]["capacity"] == {"storage": "2Gi"}
    assert claim["status"]["capacity"] == {"storage": "2Gi"}
    assert told[1:] == ["claim tracardi/data has 2Gi"]


def test_one_claim_s_trouble_is_told_once_and_stops_no_other(api: _Api, volumes: Volumes, told: list[str]) -> None:
    other = _UID.replace("2", "1")
    api.claim()
    api.claim(uid=other, name="logs")
    api.refuses = _NAME
    for _ in range(3):
        volumes.step()
    assert [found["metadata"]["name"] for found in api.items(_VOLUMES)] == [f"pvc-{other}"]
    assert sum("answered 403: no" in line for line in told) == 1

    api.refuses = ""
    volumes.step()

    assert told[-1] == "claim tracardi/data: as it should be again"
    assert api.volume()


def test_the_default_class_is_served_here() -> None:
    text = (REPOSITORY / "tools/nodes/manifests/storage.yaml").read_text(encoding="utf-8")
    storage = yaml.safe_load(text)

    assert storage["provisioner"] == PROVISIONER
    assert storage["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert storage["volumeBindingMode"] == "WaitForFirstConsumer"
    assert storage["allowVolumeExpansion"] is True
