"""Users and event sources, wherever a release keeps them."""

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from .names import Context

_SALT = "contract"
Record = dict[str, Any]


@dataclass(frozen=True)
class User:
    """An account; a new password is hashed before it becomes one."""

    id: str
    email: str
    password: str = field(repr=False)
    """SHA-1 with a fixed salt."""
    full_name: str
    roles: tuple[str, ...]
    disabled: bool = False
    expiration_date: str | None = None

    @classmethod
    def of(cls, record: Record) -> "User":
        """From what `record` makes of it."""
        return cls(
            id=record["id"],
            email=record["email"],
            password=record["password"],
            full_name=record["full_name"],
            roles=tuple(record["roles"]),
            disabled=record["disabled"],
            expiration_date=record["expiration_date"],
        )

    @property
    def record(self) -> Record:
        """In JSON's terms."""
        return {**asdict(self), "roles": list(self.roles), "preference": {}}


def hashed(password: str) -> str:
    """As a user holds it."""
    return hashlib.sha1(f"{_SALT}{password}".encode(), usedforsecurity=False).hexdigest()


class Metadata(Protocol):
    """The store. Every method raises what the store's client raises when it does not answer."""

    async def user(self, context: Context, number: str) -> User | None:
        """By id."""

    async def user_by_email(self, context: Context, email: str) -> User | None:
        """By the name that one logs in with."""

    async def users(self, context: Context) -> list[User]:
        """All of them."""

    async def save_user(self, context: Context, user: User) -> None:
        """New or changed; visible at once."""

    async def add_first_admin(self, user: User) -> bool:
        """Adds it to the staging context, unless another process has added one just now under the same id."""

    async def delete_user(self, context: Context, number: str) -> bool:
        """Whether there was one."""

    async def has_admin(self) -> bool:
        """Whether somebody may administer; always asked of the staging context."""

    async def source(self, context: Context, number: str) -> Record | None:
        """An event source; None as well while nothing is installed."""

    async def sources(self, context: Context) -> list[Record]:
        """All event sources."""

    async def save_source(self, context: Context, source: Record) -> None:
        """New or changed; visible at once."""

    async def delete_source(self, context: Context, number: str) -> bool:
        """Whether there was one."""
