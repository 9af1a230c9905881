"""What every section of the settings shares."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

REFUSED = "setting_refused"
"""Type of the validation errors that carry a limit and a remedy of their own."""

HIDDEN = "[secret]"
"""Stands in messages for what must not be shown."""


class Section(BaseModel):
    """A part of the settings: frozen, with camelCase keys in the stack file, and no key that is not declared."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, use_attribute_docstrings=True
    )


@dataclass(frozen=True)
class Refusal:
    """A setting that cannot be used.

    `path` is the section's name and the keys below it, as the stack file has them; `value` is what stands there.
    """

    path: tuple[str | int, ...]
    value: object
    limit: str
    remedy: str


Refusals = Iterator[Refusal]


def refused(limit: str, remedy: str) -> PydanticCustomError:
    """The error that a validator of a single value raises."""
    # The texts travel in the context, because pydantic treats the message as a template.
    return PydanticCustomError(REFUSED, "{limit}", {"limit": limit, "remedy": remedy})
