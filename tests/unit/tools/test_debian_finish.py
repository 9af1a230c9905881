"""What installation scripts would have made of the packages: links, users, and what Java trusts."""

from pathlib import Path

import pytest

from tests.unit.tools.debian_bench import Bench, new_bench
from tools.debian.packages import Link, Package, User

AUTHORITY = "-----BEGIN CERTIFICATE-----\nYXV0aG9yaXR5\n-----END CERTIFICATE-----\n"
MASTER = "root:*:0:0:root:/root:/bin/bash\n"
AWK = (Link("usr/bin/awk", "mawk"),)
REDIS = (User("redis", 999, "/var/lib/redis"),)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A Debian whose archive has base-passwd and an awk as well."""
    bench = new_bench(tmp_path)
    folder = "usr__share__base-passwd__"
    bench.pack("base-passwd_3.6.1", etc__kept="", **{f"{folder}passwd.master": MASTER, f"{folder}group.master": ""})
    bench.pack("mawk_1.3.4", usr__bin__mawk="awk")
    return bench


def mawk(*, links: tuple[Link, ...] = (), users: tuple[User, ...] = ()) -> Package:
    """A package with what its installation script does."""
    return Package("mawk", "awk", "usr/bin/mawk", links, users)


def test_users_that_every_debian_has_are_there(bench: Bench) -> None:
    assert (bench.prepare() / "etc" / "passwd").read_text() == MASTER


def test_a_packages_users_have_a_name_and_a_group(bench: Bench) -> None:
    etc = bench.prepare(mawk(users=REDIS)) / "etc"

    assert (etc / "passwd").read_text() == f"{MASTER}redis:*:999:999::/var/lib/redis:/usr/sbin/nologin\n"
    assert (etc / "group").read_text() == "redis:*:999:\n"


def test_a_program_is_found_under_the_name_that_scripts_call(bench: Bench) -> None:
    root = bench.prepare(mawk(links=AWK))

    assert (root / "usr" / "bin" / "awk").read_text() == "awk"


def test_a_link_that_a_package_brings_itself_is_replaced(bench: Bench) -> None:
    bench.pack("other_1", usr__bin__awk="another")

    root = bench.prepare(mawk(links=AWK))

    assert (root / "usr" / "bin" / "awk").readlink() == Path("mawk")


@pytest.mark.parametrize(
    "changed",
    [
        mawk(links=(Link("usr/bin/nawk", "mawk"),), users=REDIS),
        mawk(links=(Link("usr/bin/awk", "gawk"),), users=REDIS),
        mawk(links=AWK),
        mawk(links=AWK, users=(User("redis", 1000, "/var/lib/redis"),)),
    ],
)
def test_other_links_and_users_make_another_folder(bench: Bench, changed: Package) -> None:
    assert bench.prepare(mawk(links=AWK, users=REDIS)) != bench.prepare(changed)


def test_java_trusts_the_authorities_that_the_machine_trusts(bench: Bench) -> None:
    trust(bench, AUTHORITY)

    cacerts = bench.prepare(authorities=True) / "etc" / "ssl" / "certs" / "java" / "cacerts"

    assert b"authority" in cacerts.read_bytes()


def test_another_authority_of_the_machine_makes_another_folder_for_java_alone(bench: Bench) -> None:
    trust(bench, "")
    programs, java = bench.prepare(), bench.prepare(name="maven", authorities=True)
    trust(bench, AUTHORITY)

    assert bench.prepare() == programs
    assert bench.prepare(name="maven", authorities=True) != java


def test_a_machine_without_authorities_gets_an_empty_list(bench: Bench) -> None:
    cacerts = bench.prepare(authorities=True) / "etc" / "ssl" / "certs" / "java" / "cacerts"

    assert cacerts.read_bytes()[8:12] == bytes(4)


def trust(bench: Bench, bundle: str) -> None:
    """Let the machine trust these authorities."""
    folder = bench.etc / "ssl" / "certs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca-certificates.crt").write_text(bundle)
