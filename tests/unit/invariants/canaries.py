"""Where secret values are, and where they are not. The recording engine's secrets all contain one word."""

import base64
import json
from collections.abc import Iterator

from settings.root import Settings
from tests.unit.engine import Recording
from tests.unit.invariants.view import kubernetes, title

CANARY = "canary-"


def _encodings(word: bytes) -> Iterator[str]:
    """What `word` becomes in Base64, wherever it stands in what is encoded."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + word).decode()
        # Without the characters that what surrounds it decides as well.
        yield encoded[-(-before * 8 // 6) : (before + len(word)) * 8 // 6]


_TRACES = (CANARY, *_encodings(CANARY.encode()))


def shows_a_secret(value: object) -> bool:
    """Whether any secret is in `value`, in clear or encoded."""
    text = json.dumps(value, default=str)
    return any(trace in text for trace in _TRACES)


def secrets_stand_in_secrets_alone(recording: Recording, _: Settings) -> Iterator[str]:
    """No secret is in an object that is not a Secret, however Pulumi itself would keep it."""
    for each in kubernetes(recording):
        about = each.inputs if each.inputs["kind"] != "Secret" else each.inputs["metadata"]
        if shows_a_secret(about):
            yield f"{title(each)} shows a secret"


def the_state_holds_no_secret_in_clear(recording: Recording, _: Settings) -> Iterator[str]:
    """Every input and output with a secret in it is one that the engine encrypts."""
    for each in recording.registered:
        for name in sorted(each.inputs.keys() - each.secret_inputs):
            if shows_a_secret(each.inputs[name]):
                yield f"{each.name} keeps a secret in clear under {name}"
    for name in sorted(recording.outputs.keys() - recording.secret_outputs):
        if shows_a_secret(recording.outputs[name]):
            yield f"the output {name} shows a secret"
    for place, encrypted in recording.read.items():
        if not {"data", "stringData", "metadata", "__inputs"} <= encrypted:
            yield f"what is read from {place} is kept in clear"
