"""What the packages' own installation scripts, which nobody runs, would have made of an unpacked root folder."""

import shutil
from pathlib import Path

from tools.debian.packages import Link, PackageSet, User
from tools.debian.truststore import truststore

_NAMES = ("passwd", "group")


def finish(made: Path, wanted: PackageSet, authorities: str) -> None:
    """Complete the folder: names of users, links, and, for a set that asks for it, the authorities that Java trusts.

    `authorities` is the machine's bundle of certificates, as PEM; without any, Java trusts nobody.
    """
    _name_users(made)
    for user in wanted.users:
        _add_user(made, user)
    for link in wanted.links:
        _make_link(made, link)
    if wanted.authorities:
        file = made / "etc" / "ssl" / "certs" / "java" / "cacerts"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(truststore(authorities))


def _name_users(made: Path) -> None:
    """Do what base-passwd's script would: programs look up users such as `nobody`."""
    for name in _NAMES:
        master = made / "usr" / "share" / "base-passwd" / f"{name}.master"
        if master.is_file():
            shutil.copyfile(master, made / "etc" / name)


def _add_user(made: Path, user: User) -> None:
    lines = (
        f"{user.name}:*:{user.number}:{user.number}::{user.home}:/usr/sbin/nologin\n",
        f"{user.name}:*:{user.number}:\n",
    )
    for name, line in zip(_NAMES, lines, strict=True):
        with (made / "etc" / name).open("a", encoding="utf-8") as file:
            file.write(line)


def _make_link(made: Path, link: Link) -> None:
    file = made / link.file
    # A later release of the package may bring the link itself.
    file.unlink(missing_ok=True)
    file.symlink_to(link.target)
