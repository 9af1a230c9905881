"""Event sources as Tracardi's API takes them."""

_BRIDGES = {
    "rest": ("778ded05-4ff3-4e08-9a86-72c0195fa95d", "REST API Bridge"),
    "webhook": ("3d8bb87e-28d1-4a38-b19c-d0c1fbb71e22", "API Webhook Bridge"),
    "redirect": ("a495159f-91be-476d-a4e5-1b2d7e005403", "Redirect URL Bridge"),
}
"""Identifier and name of each built-in bridge; the identifiers are the same in every release."""


def event_source(identifier: str, name: str, bridge: str) -> dict[str, object]:
    """The body of `POST /event-source` for an enabled event source that is reached through `bridge`."""
    bridge_id, bridge_name = _BRIDGES[bridge]
    return {
        "id": identifier,
        "name": name,
        "type": [bridge],
        "bridge": {"id": bridge_id, "name": bridge_name},
        "channel": "Web",
        "enabled": True,
        "transitional": False,
        "tags": [],
        "groups": [],
    }
