"""Properties of a resource as plain data, and a way to read them that never fails."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from pulumi_policy.proxy import UnknownValueError


class Hidden(Enum):
    """What stands in place of a value that cannot be seen."""

    UNKNOWN = "not known before the update"
    SECRET = "secret, and not decrypted"  # noqa: S105 - a description, not a secret


Plain = None | bool | float | str | Hidden | list["Plain"] | dict[str, "Plain"]
"""A property value without the SDK's proxies. Every number is a float."""

_UNDECRYPTED = "[secret]"
"""What the engine sends for a secret that it cannot decrypt, whatever its type was."""


def plain(value: object) -> Plain:
    """`value` as the SDK gives it, proxies and unknown members included, as plain data."""
    if isinstance(value, str):
        return Hidden.SECRET if value == _UNDECRYPTED else value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _member(value, key) for key in value}
    if isinstance(value, Sequence):
        return [_member(value, index) for index in range(len(value))]
    # Assets and archives: no rule reads them.
    return Hidden.UNKNOWN


def _member(collection: Mapping[str, object] | Sequence[object], key: str | int) -> Plain:
    try:
        return plain(collection[key])  # type: ignore[index]  # the key is the collection's own
    except UnknownValueError:
        return Hidden.UNKNOWN


class Value:
    """A place in a resource's properties.

    Reading goes on where nothing is, or where it cannot be seen, and ends in an empty answer: rules ask for what must
    be there, so that whatever is missing or hidden counts against it.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: Plain) -> None:
        self.raw = raw

    def __getitem__(self, key: str) -> "Value":
        return Value(self.raw.get(key)) if isinstance(self.raw, dict) else NOTHING

    def at(self, *path: str) -> "Value":
        """The value at the end of `path`."""
        value = self
        for key in path:
            value = value[key]
        return value

    @property
    def given(self) -> bool:
        """Whether anything stands here, hidden or not."""
        return self.raw is not None

    @property
    def hidden(self) -> bool:
        """Whether something stands here that cannot be seen."""
        return isinstance(self.raw, Hidden)

    @property
    def text(self) -> str | None:
        """The string that stands here."""
        return self.raw if isinstance(self.raw, str) else None

    @property
    def number(self) -> float | None:
        """The number that stands here."""
        return self.raw if isinstance(self.raw, float) else None

    @property
    def flag(self) -> bool | None:
        """The boolean that stands here."""
        return self.raw if isinstance(self.raw, bool) else None

    @property
    def on(self) -> bool:
        """Whether a switch that is off by default is on here, or might be."""
        return self.given and self.flag is not False

    @property
    def fields(self) -> dict[str, "Value"]:
        """Members of the mapping that stands here."""
        return {key: Value(member) for key, member in self.raw.items()} if isinstance(self.raw, dict) else {}

    @property
    def texts(self) -> dict[str, str]:
        """Members of the mapping that stands here, as far as they are strings."""
        return {key: text for key, member in self.fields.items() if (text := member.text) is not None}

    @property
    def words(self) -> tuple[str, ...]:
        """Entries of the list that stands here, as far as they are strings."""
        return tuple(text for entry in self if (text := entry.text) is not None)

    @property
    def seen_words(self) -> tuple[str, ...]:
        """Entries of the list that stands here; none where one of them is no string, or cannot be seen."""
        return self.words if len(self.words) == len(list(self)) else ()

    def __iter__(self) -> Iterator["Value"]:
        return (Value(entry) for entry in self.raw) if isinstance(self.raw, list) else iter(())


NOTHING = Value(None)
"""Where nothing stands."""
