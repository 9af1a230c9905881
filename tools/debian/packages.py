"""What a set of Debian's packages consists of; what its packages depend on comes with them."""

from collections.abc import Iterator
from dataclasses import dataclass

OLDEST_HAPROXY = (2, 6)


@dataclass(frozen=True)
class Link:
    """A symbolic link that a package's installation script would have made, mostly by update-alternatives."""

    file: str
    """Relative to the root folder."""
    target: str
    """As it stands in the link; without a folder it lies beside the link."""


@dataclass(frozen=True)
class User:
    """A system user, and the group of the same name and number, that an installation script would have added."""

    name: str
    number: int
    home: str


@dataclass(frozen=True)
class Package:
    """A package, why it is there, and the file by which its absence is noticed."""

    name: str
    reason: str
    file: str
    """Relative to the root folder; a package of the same name in another distribution may hold only a stub."""
    links: tuple[Link, ...] = ()
    users: tuple[User, ...] = ()


@dataclass(frozen=True)
class PackageSet:
    """Packages that are unpacked into one root folder."""

    name: str
    """Names the set's folder in the cache."""
    title: str
    """What a person reads while it is made."""
    packages: tuple[Package, ...]
    authorities: bool = False
    """Whether its Java trusts the certificate authorities that the machine trusts."""

    @property
    def links(self) -> tuple[Link, ...]:
        """The links of all its packages."""
        return tuple(link for package in self.packages for link in package.links)

    @property
    def users(self) -> tuple[User, ...]:
        """The users of all its packages."""
        return tuple(user for package in self.packages for user in package.users)

    def declaration(self) -> Iterator[str]:
        """Everything about the set that decides what its folder holds."""
        yield from (f"{package.name} {package.file}" for package in self.packages)
        yield from map(repr, (*self.links, *self.users))
        if self.authorities:
            yield "authorities"
