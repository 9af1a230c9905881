"""An instance of the track API whose flag is wrong, in the rotation among those whose flag is right."""

import contextlib
import copy
from collections.abc import Iterator

from model.roles import Role
from tests.cluster.live import JsonObject
from tests.real.reachability.visitors import running
from tests.real.site import Installation

WRONG = "wrongly-exposed"
"""Its name, which its answers give."""

_FLAG = "EXPOSE_GUI_API"


@contextlib.contextmanager
def wrongly_exposed(installation: Installation) -> Iterator[JsonObject]:
    """A pod like the other instances, but with `EXPOSE_GUI_API=yes`, for a `with` block."""
    manifest = copy.deepcopy(installation.pods(Role.TRACK_API)[0])
    metadata, spec = manifest["metadata"], manifest["spec"]
    # Without the label of a revision it belongs to no Deployment, which would take it for one too many.
    kept = {key: value for key, value in metadata["labels"].items() if key.startswith("app.kubernetes.io/")}
    manifest["metadata"] = {"name": WRONG, "namespace": metadata["namespace"], "labels": kept}
    manifest.pop("status")
    for key in ("nodeName", "topologySpreadConstraints"):
        spec.pop(key, None)
    (flag,) = [each for each in spec["containers"][0]["env"] if each["name"] == _FLAG]
    assert flag["value"] == "no"
    flag["value"] = "yes"
    with running(installation, manifest) as (pod,):
        yield pod
