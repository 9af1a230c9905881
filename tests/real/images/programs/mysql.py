"""Runs MariaDB under the contract of the official image of MySQL, as far as a StatefulSet relies on it.

Reads MYSQL_ROOT_PASSWORD, MYSQL_ROOT_HOST, MYSQL_DATABASE, MYSQL_USER and MYSQL_PASSWORD, or the files that the same
names with _FILE point to, and only before the first start: an initialised folder keeps its passwords. Writes nothing
but below the data folder, /var/run/mysqld and /tmp. Exit status 1 and one line where that cannot work.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_VARIABLES = ("MYSQL_ROOT_PASSWORD", "MYSQL_ROOT_HOST", "MYSQL_DATABASE", "MYSQL_USER", "MYSQL_PASSWORD")
_SOCKET = "/var/run/mysqld/mysqld.sock"
_SERVER = (
    "/usr/sbin/mariadbd",
    # Nothing of Debian's /etc/mysql, which listens on loopback only.
    "--no-defaults",
    f"--socket={_SOCKET}",
    "--pid-file=/var/run/mysqld/mysqld.pid",
    # Container runtimes forbid the kernel's newer ways of doing this.
    "--innodb-use-native-aio=OFF",
    # Probes come without a password; each of them would be told.
    "--log-warnings=1",
)
_DEFAULT_FOLDER = "/var/lib/mysql"
_NATIVE = "--default-authentication-plugin=mysql_native_password"
_START_SECONDS = 120.0


class RefusedError(Exception):
    """What the official image ends with as well."""


@dataclass(frozen=True)
class Wanted:
    """What is to be made in an empty data folder."""

    root_password: str
    root_host: str
    database: str
    user: str
    password: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Wanted":
        """Raises RefusedError if a variable is missing, given twice, or names a file that cannot be read."""
        values = {name: _value(environment, name) for name in _VARIABLES}
        if not values["MYSQL_ROOT_PASSWORD"]:
            raise RefusedError("the data folder is empty, and MYSQL_ROOT_PASSWORD is not given")
        if values["MYSQL_USER"] == "root":
            raise RefusedError('MYSQL_USER="root": root is there anyway, remove the variable')
        if bool(values["MYSQL_USER"]) != bool(values["MYSQL_PASSWORD"]):
            raise RefusedError("MYSQL_USER and MYSQL_PASSWORD are given together, or not at all")
        return cls(
            root_password=values["MYSQL_ROOT_PASSWORD"],
            root_host=values["MYSQL_ROOT_HOST"] or "%",
            database=values["MYSQL_DATABASE"],
            user=values["MYSQL_USER"],
            password=values["MYSQL_PASSWORD"],
        )

    def statements(self) -> str:
        """SQL that makes it so."""
        lines = [
            # MariaDB makes roots without a password for the name of the host as well.
            "DELETE FROM global_priv WHERE User IN ('', 'root') AND Host <> 'localhost';",
            "DELETE FROM proxies_priv WHERE Host <> 'localhost';",
            "FLUSH PRIVILEGES;",
            f"ALTER USER 'root'@'localhost' IDENTIFIED BY {quoted(self.root_password)};",
        ]
        if self.root_host != "localhost":
            root = f"'root'@{quoted(self.root_host)}"
            lines += [
                f"CREATE USER {root} IDENTIFIED BY {quoted(self.root_password)};",
                f"GRANT ALL ON *.* TO {root} WITH GRANT OPTION;",
            ]
        database = "`" + self.database.replace("`", "``") + "`"
        if self.database:
            lines.append(f"CREATE DATABASE IF NOT EXISTS {database};")
        if self.user:
            lines.append(f"CREATE USER {quoted(self.user)}@'%' IDENTIFIED BY {quoted(self.password)};")
        if self.user and self.database:
            # An underscore in a name stands for any character there.
            granted = database.replace("_", "\\_")
            lines.append(f"GRANT ALL ON {granted}.* TO {quoted(self.user)}@'%';")
        return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """`text` as a literal of SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def server_options(arguments: Sequence[str]) -> list[str]:
    """The arguments without those that MariaDB does not know; what they ask for, it does by default.

    Raises:
        RefusedError: one asks for something else.
    """
    for argument in arguments:
        if argument.startswith("--default-authentication-plugin") and argument != _NATIVE:
            raise RefusedError(f"{argument}: only mysql_native_password is known here")
    return [argument for argument in arguments if argument != _NATIVE]


def data_folder(arguments: Sequence[str]) -> Path:
    """Where --datadir says, the last one if there are several."""
    said = [argument.partition("=")[2] for argument in arguments if argument.startswith("--datadir=")]
    return Path(said[-1] if said else _DEFAULT_FOLDER)


def _value(environment: Mapping[str, str], name: str) -> str:
    direct, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if direct and file:
        raise RefusedError(f"both {name} and {name}_FILE are given")
    if not file:
        return direct
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\n")
    except OSError as error:
        raise RefusedError(f"{name}_FILE: {file}: {error.strerror}") from error


def _initialise(folder: Path, options: Sequence[str], wanted: Wanted) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise RefusedError(f"{folder}: {error.strerror}") from error
    if foreign:
        raise RefusedError(f"{folder} holds files, but no database: {', '.join(foreign[:3])}")
    _say(f"making a database in {folder}")
    made = subprocess.run(
        [
            *("/usr/bin/mariadb-install-db", "--no-defaults", f"--datadir={folder}", "--tmpdir=/tmp"),
            *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"),
            # Does not look the host's name up, which nobody but the pod itself may know.
            "--force",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RefusedError(f"mariadb-install-db failed: {made.stderr.strip() or made.stdout.strip()}")
    _say("setting its users up")
    with subprocess.Popen([*_SERVER, *options, "--skip-networking"]) as server:
        try:
            _run(server, wanted.statements())
        finally:
            server.terminate()


def _run(server: "subprocess.Popen[bytes]", statements: str) -> None:
    """Have the server, once it answers on its socket, execute the statements; they are told by standard input."""
    until = time.monotonic() + _START_SECONDS
    client = ("/usr/bin/mariadb", "--no-defaults", f"--socket={_SOCKET}", "--user=root", "mysql")
    while True:
        done = subprocess.run(client, input=statements, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        # 2002: nobody listens yet.
        if "ERROR 2002" not in done.stderr or server.poll() is not None or time.monotonic() > until:
            raise RefusedError(f"the database could not be set up: {done.stderr.strip()}")
        time.sleep(0.2)


def _say(text: str) -> None:
    sys.stderr.write(f"mysql: {text}\n")


def main(arguments: Sequence[str]) -> None:
    """Initialise the data folder where it is empty, and become the server."""
    options = server_options(arguments)
    folder = data_folder(arguments)
    if not (folder / "mysql").is_dir():
        _initialise(folder, options, Wanted.read(os.environ))
    os.execv(_SERVER[0], [*_SERVER, "--bind-address=*", *options])  # noqa: S606 - becomes the container's first process


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RefusedError as problem:
        _say(str(problem))
        sys.exit(1)
