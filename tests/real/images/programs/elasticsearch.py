"""Runs a node of Elasticsearch under the contract of the official image, with TLS and a password in front of it.

The node has neither by itself: HAProxy answers on port 9200 with the certificate that elasticsearch.yml names, lets in
the user `elastic` with the password in ELASTIC_PASSWORD, and passes requests to the node on loopback. The transport
between nodes stays plain; what elasticsearch.yml says about its TLS is checked and then left aside.

As strict as the real one: it runs as anybody but root, wants the settings that switch security on, refuses what it does
not know, and ends with status 1 and one line where a file is missing or does not fit.
"""

import base64
import hashlib
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HOME = Path("/usr/share/elasticsearch")
_CLASS = "org.elasticsearch.bootstrap.ElasticsearchNode"
_FRONT = ("haproxy", "-W", "-db", "-f", str(HOME / "haproxy.cfg"))
_NODE_PORT = 9201
_LOOK_SECONDS = 5.0
_POLL_SECONDS = 0.2
_STOP_SECONDS = 10.0

_HTTP, _TRANSPORT = "xpack.security.http.ssl", "xpack.security.transport.ssl"
_REQUIRED: Mapping[str, tuple[object, ...]] = {
    "xpack.security.enabled": (True,),
    f"{_HTTP}.enabled": (True,),
    f"{_TRANSPORT}.enabled": (True,),
    f"{_TRANSPORT}.verification_mode": ("full", "certificate"),
}
"""What must be there, and its values."""
_OPTIONAL: Mapping[str, tuple[object, ...]] = {
    "xpack.license.self_generated.type": ("basic",),
    f"{_HTTP}.client_authentication": ("none", "optional"),
    f"{_TRANSPORT}.client_authentication": ("required", "optional", "none"),
    # Of a module that is not here, as nothing may be downloaded.
    "ingest.geoip.downloader.enabled": (False,),
}
_PARTS = ("certificate", "key", "certificate_authorities")
_FILES = tuple(f"{part}.{name}" for part in (_HTTP, _TRANSPORT) for name in _PARTS)
_NODE = {"http.host": "127.0.0.1", "http.port": str(_NODE_PORT)}


class RefusedError(Exception):
    """What the real one would not start with either."""


@dataclass(frozen=True)
class Configuration:
    """elasticsearch.yml: what is for the node, and the files of the certificates."""

    node: Mapping[str, Any]
    certificate: Path
    key: Path

    @classmethod
    def read(cls, folder: Path) -> "Configuration":
        """Raises RefusedError unless everything that it says is known and fits."""
        said = _settings(folder / "elasticsearch.yml")
        for name, values in _REQUIRED.items():
            if name not in said:
                raise RefusedError(f"elasticsearch.yml lacks {name}")
            _require_one_of(name, said[name], values)
        for name, values in _OPTIONAL.items():
            _require_one_of(name, said.get(name, values[0]), values)
        files = {name: _file(folder, name, said.get(name)) for name in _FILES}
        for part in (_HTTP, _TRANSPORT):
            certificate, key, authorities = (files[f"{part}.{name}"] for name in _PARTS)
            _require_pair(certificate, key)
            _require_signed(certificate, key, authorities, mutual=part == _TRANSPORT)
        ours = {*_REQUIRED, *_OPTIONAL, *_FILES}
        node = {name: value for name, value in said.items() if name not in ours}
        unknown = sorted(name for name in node if name.startswith(("xpack.", "http.", "transport.")))
        if unknown:
            raise RefusedError(f"elasticsearch.yml: unknown setting [{unknown[0]}]")
        return cls(node, files[f"{_HTTP}.certificate"], files[f"{_HTTP}.key"])


def _settings(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise RefusedError(f"{file} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError(f"{file} holds no settings")
    return dict(_flat(content, ""))


def _flat(content: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in content.items():
        found += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return found


def _require_one_of(name: str, value: object, values: Sequence[object]) -> None:
    if value not in values:
        known = ", ".join(map(str, values))
        raise RefusedError(f"elasticsearch.yml: {name} is {value!r}; here it is one of: {known}")


def _file(folder: Path, name: str, said: object) -> Path:
    """The file that a setting names, which the distribution lets a node read in its configuration's folder only."""
    paths = said if isinstance(said, list) else [said]
    if len(paths) != 1 or not isinstance(paths[0], str):
        raise RefusedError(f"elasticsearch.yml: {name} must name one file")
    path = folder / paths[0]
    if ".." in path.parts or not path.is_relative_to(folder):
        raise RefusedError(f"elasticsearch.yml: {name}: {path} lies outside {folder}")
    if not os.access(path, os.R_OK):
        raise RefusedError(f"elasticsearch.yml: {name}: {path} is missing or cannot be read")
    return path


def _require_pair(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise RefusedError(f"{certificate} and {key} are no pair: {error.reason or error}") from error


def _require_signed(certificate: Path, key: Path, authorities: Path, *, mutual: bool) -> None:
    """Have the holder of the pair speak to itself, as nodes do: what they would not accept is as good as none."""
    try:
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        for context in (server, client):
            context.load_cert_chain(certificate, key)
            context.load_verify_locations(authorities)
        server.verify_mode = ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE
        _shake_hands(server, client)
    except ssl.SSLError as error:
        raise RefusedError(f"{certificate} is not valid by {authorities}: {error.reason or error}") from error


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    waiting = [client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)]
    while waiting:
        for end in tuple(waiting):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
                waiting.remove(end)


def _scratch(environment: Mapping[str, str]) -> Path:
    """ES_TMPDIR, where the node unpacks a library that it loads."""
    folder = Path(environment.get("ES_TMPDIR") or "/tmp")  # noqa: S108 - the distribution's default is below it
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RefusedError(f"ES_TMPDIR: {folder} is missing or cannot be written to")
    return folder


def _require_keystore(folder: Path) -> None:
    """The distribution keeps the first password in a keystore beside elasticsearch.yml, and fails without one."""
    try:
        (folder / "elasticsearch.keystore").touch()
    except OSError as error:
        raise RefusedError(f"{error.filename}: {error.strerror}; ELASTIC_PASSWORD is kept there") from error


def node_command(configuration: Configuration, environment: Mapping[str, str]) -> list[str]:
    """What starts the node; writes its settings into ES_TMPDIR.

    Raises:
        RefusedError: a folder cannot be written to.
    """
    scratch = _scratch(environment)
    folder = scratch / "node"
    folder.mkdir(exist_ok=True)
    (folder / "elasticsearch.yml").write_text(yaml.safe_dump(dict(configuration.node)), encoding="utf-8")
    files = HOME / "lib"
    options = [*(files / "options").read_text(encoding="utf-8").split(), f"-Djava.io.tmpdir={scratch}"]
    chosen = shlex.split(environment.get("ES_JAVA_OPTS", ""))
    settings = [f"{name}={value}" for name, value in _NODE.items()]
    return ["java", *options, *chosen, "-cp", f"{files}:{files}/*", _CLASS, str(HOME), str(folder), *settings]


def front_environment(certificate: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """What HAProxy needs to know.

    Raises:
        RefusedError: there is no password.
    """
    password = environment.get("ELASTIC_PASSWORD", "")
    if not password:
        raise RefusedError("ELASTIC_PASSWORD is not given: nobody would know the password of the user elastic")
    credentials = base64.b64encode(f"elastic:{password}".encode()).decode()
    return {**environment, "CERTIFICATE": str(certificate), "CREDENTIALS": credentials}


def _digest(configuration: Configuration) -> str:
    return hashlib.sha256(configuration.certificate.read_bytes() + configuration.key.read_bytes()).hexdigest()


def _answers() -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", _NODE_PORT), timeout=1):
        return True
    return False


def _ended(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.returncode is not None


def serve(configuration: Configuration, environment: Mapping[str, str]) -> int:
    """Run the node and what is in front of it, until either ends or SIGTERM comes; the exit status of the node."""
    front_variables = front_environment(configuration.certificate, environment)
    hidden = {name: value for name, value in environment.items() if name != "ELASTIC_PASSWORD"}
    node = subprocess.Popen(node_command(configuration, environment), env=hidden)
    signal.signal(signal.SIGTERM, lambda _number, _frame: node.terminate())
    # A port that is open means more there: the node has looked for others.
    while not _ended(node, _POLL_SECONDS) and not _answers():
        pass
    if node.returncode is None:
        _watch(node, configuration, subprocess.Popen(_FRONT, env=front_variables))
    return node.returncode if node.returncode >= 0 else 128 - node.returncode


def _watch(node: "subprocess.Popen[bytes]", configuration: Configuration, front: "subprocess.Popen[bytes]") -> None:
    used = _digest(configuration)
    while not _ended(node, _LOOK_SECONDS):
        if front.poll() is not None:
            # Without it nobody reaches the node; the restart of the container mends both.
            node.terminate()
        # As the distribution does: certificates may be renewed while the node runs.
        elif (found := _digest(configuration)) != used:
            front.send_signal(signal.SIGUSR2)
            used = found
    front.send_signal(signal.SIGTERM)
    if not _ended(front, _STOP_SECONDS):
        front.kill()


def main() -> int:
    """Exit status of the node; 1 where it is not started."""
    if os.geteuid() == 0:
        raise RefusedError("can not run elasticsearch as root")
    configuration = Configuration.read(HOME / "config")
    _require_keystore(HOME / "config")
    return serve(configuration, os.environ)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RefusedError as problem:
        sys.stderr.write(f"elasticsearch: {problem}\n")
        sys.exit(1)
