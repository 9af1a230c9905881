"""Volumes for claims: folders that every node sees, as it would see a disk of the network.

The claims' own controller is the real one: it asks for a volume by annotation (for WaitForFirstConsumer once a pod is
scheduled), binds the one that appears, and releases it when the claim goes.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePath

from tools.nodes.cloud.client import Client, Object
from tools.nodes.cloud.journal import Journal

PROVISIONER = "local.tracardi/folder"
"""What a StorageClass names to get its volumes here."""

_ASKED = "volume.kubernetes.io/storage-provisioner"
_NODE = "volume.kubernetes.io/selected-node"
_MADE_BY = "pv.kubernetes.io/provisioned-by"
_FOLDER = re.compile(r"pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VOLUMES = "/api/v1/persistentvolumes"


class Volumes:
    """The part of a cloud that watches claims.

    Folders are made in `here`; nodes see them in `there`.
    """

    def __init__(self, client: Client, here: Path, there: PurePath, journal: Journal) -> None:
        self._client = client
        self._here = here
        self._there = there
        self._journal = journal

    def step(self) -> None:
        """Look once. Raises OSError while the API server does not answer."""
        # Before the volumes: a folder that was there already has its volume by now, or nobody's.
        folders = self._folders()
        claims = self._client.items("/api/v1/persistentvolumeclaims")
        volumes = {volume["metadata"]["name"]: volume for volume in self._client.items(_VOLUMES)}
        for claim in claims:
            with self._journal.about(f"claim {_name(claim)}"):
                if _wants_volume(claim) and _volume_name(claim) not in volumes:
                    self._make(claim)
                elif _wants_more(claim, volumes.get(claim["spec"].get("volumeName", ""))):
                    self._extend(claim)
        for volume in volumes.values():
            if _is_over(volume):
                with self._journal.about(f"volume {volume['metadata']['name']}"):
                    self._client.delete(f"{_VOLUMES}/{volume['metadata']['name']}")
        self._clear(set(folders) - volumes.keys() - {_volume_name(claim) for claim in claims})

    def _make(self, claim: Object) -> None:
        storage = self._client.read(f"/apis/storage.k8s.io/v1/storageclasses/{claim['spec']['storageClassName']}")
        if storage.get("volumeBindingMode") == "WaitForFirstConsumer" and _NODE not in _annotations(claim):
            return
        name = _volume_name(claim)
        folder = self._here / name
        folder.mkdir(parents=True, exist_ok=True)
        # Its group is the pod's business: the kubelet hands the folder to the fsGroup.
        folder.chmod(0o770)
        self._client.create(_VOLUMES, _volume(claim, storage.get("reclaimPolicy", "Delete"), self._there / name))
        self._journal.tell(f"claim {_name(claim)} has the volume {name}")

    def _extend(self, claim: Object) -> None:
        capacity = {"capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]}}
        self._client.patch(f"{_VOLUMES}/{claim['spec']['volumeName']}", {"spec": capacity})
        meta = claim["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/persistentvolumeclaims/{meta['name']}/status"
        self._client.patch(path, {"status": capacity})
        self._journal.tell(f"claim {_name(claim)} has {capacity['capacity']['storage']}")

    def _folders(self) -> list[str]:
        if not self._here.is_dir():
            return []
        return [entry.name for entry in self._here.iterdir() if _FOLDER.fullmatch(entry.name)]

    def _clear(self, unclaimed: Iterable[str]) -> None:
        for name in sorted(unclaimed):
            with self._journal.about(f"volume {name}"):
                shutil.rmtree(self._here / name)
                self._journal.tell(f"volume {name} is removed")


def _wants_volume(claim: Object) -> bool:
    return (
        _annotations(claim).get(_ASKED) == PROVISIONER
        and not claim["spec"].get("volumeName")
        and "deletionTimestamp" not in claim["metadata"]
    )


def _wants_more(claim: Object, volume: Object | None) -> bool:
    if volume is None or _annotations(volume).get(_MADE_BY) != PROVISIONER:
        return False
    # The API server lets nobody ask for less than there is.
    there_is = claim.get("status", {}).get("capacity", {}).get("storage")
    return there_is is not None and there_is != claim["spec"]["resources"]["requests"]["storage"]


def _is_over(volume: Object) -> bool:
    return (
        _annotations(volume).get(_MADE_BY) == PROVISIONER
        and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        and volume.get("status", {}).get("phase") == "Released"
        and "deletionTimestamp" not in volume["metadata"]
    )


def _volume(claim: Object, policy: str, path: PurePath) -> Object:
    meta, spec = claim["metadata"], claim["spec"]
    claimed = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    everywhere = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": path.name, "annotations": {_MADE_BY: PROVISIONER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": spec["storageClassName"],
            "volumeMode": "Filesystem",
            "claimRef": {**claimed, **{key: meta[key] for key in ("namespace", "name", "uid")}},
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [everywhere]}]}},
        },
    }


def _volume_name(claim: Object) -> str:
    return f"pvc-{claim['metadata']['uid']}"


def _name(claim: Object) -> str:
    return f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"


def _annotations(found: Object) -> dict[str, str]:
    annotations: dict[str, str] = found["metadata"].get("annotations") or {}
    return annotations
