"""What Elasticsearch knows of each type's fields: nothing else may be stored (`dynamic: strict`)."""

from typing import Any

from .names import Kind

_WORD, _FLAT = {"type": "keyword"}, {"type": "flattened"}
_ID = {"properties": {"id": _WORD}}
_TIME = {"properties": {"insert": {"type": "date"}, "update": {"type": "date"}}}
_METADATA = {"properties": {"time": _TIME, "ip": _WORD, "status": _WORD}}
# What marks a profile for APM.
_AUX = {"properties": {"auto_merge": _WORD}}
_PROFILE = {"properties": {**_METADATA["properties"], "system": {"properties": {"aux": _AUX}}}}

_FIELDS: dict[str, dict[str, Any]] = {
    "event": {
        "type": _WORD,
        "name": _WORD,
        "metadata": _METADATA,
        "source": _ID,
        "session": _ID,
        "profile": _ID,
        "context": _FLAT,
        "properties": _FLAT,
        "request": _FLAT,
    },
    "profile": {"ids": _WORD, "metadata": _PROFILE, "traits": _FLAT},
    "session": {"profile": _ID, "metadata": _METADATA},
    "user": {
        "email": _WORD,
        "password": {"type": "keyword", "index": False},
        "full_name": _WORD,
        "roles": _WORD,
        "disabled": {"type": "boolean"},
        "expiration_date": {"type": "date"},
        "preference": _FLAT,
    },
}


def mapping(kind: Kind) -> dict[str, Any]:
    """The mapping of a type; types that this server does not look into hold what they are given."""
    if kind.name not in _FIELDS:
        return {"dynamic": False, "properties": {"id": _WORD}}
    return {"dynamic": "strict", "properties": {"id": _WORD, **_FIELDS[kind.name]}}
