"""What visitors send."""

import json


def event(identity: str) -> bytes:
    """The body of a POST to /track with one event of this identity."""
    return json.dumps(
        {
            "source": {"id": "website"},
            "session": {"id": f"session-{identity}"},
            "context": {},
            "events": [{"id": identity, "type": "page-view", "properties": {}}],
        },
        separators=(",", ":"),
    ).encode()
