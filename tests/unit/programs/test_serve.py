"""The program that serves Tracardi's API: a real process, a real uvicorn, a small application."""

import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from threading import Event

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from components.programs import serve

from .mounted import MountedSecret, pair

APPLICATION = """
import asyncio, json, pathlib

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/slow":
        print("begun", flush=True)
        while not pathlib.Path("go").exists():
            await asyncio.sleep(0.01)
    seen = {"scheme": scope["scheme"], "client": scope["client"][0]}
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(json.dumps(seen)))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
"""
PATIENCE = 10
HEALTH = "/healthcheck"


@dataclass(frozen=True)
class Api:
    """A program that serves, and who trusts it."""

    process: subprocess.Popen[str]
    port: int
    authority: trustme.CA
    secret: MountedSecret

    @contextmanager
    def connect(self) -> Iterator[HTTPSConnection]:
        """A connection of its own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        with closing(HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)) as connection:
            connection.connect()
            yield connection

    def certificate(self) -> bytes:
        """What a new connection is shown."""
        with self.connect() as connection:
            return shown(connection)

    def issue(self) -> trustme.LeafCert:
        """A new certificate for this address."""
        return self.authority.issue_cert("127.0.0.1")

    def says(self) -> str:
        """The next line on stderr."""
        assert self.process.stderr
        return self.process.stderr.readline()

    def end(self) -> tuple[int, str]:
        """Exit status, and what was left to read on stderr, after SIGTERM."""
        self.process.terminate()
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err


def shown(connection: HTTPSConnection) -> bytes:
    assert isinstance(connection.sock, ssl.SSLSocket)
    certificate = connection.sock.getpeercert(binary_form=True)
    assert certificate
    return certificate


def der(certificate: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())


def ask(connection: HTTPConnection, path: str = "/", **headers: str) -> bytes:
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    assert response.status == 200
    return response.read()


def health(connection: HTTPConnection) -> int:
    connection.request("GET", HEALTH)
    response = connection.getresponse()
    response.read()
    return response.status


def wait_until_leaving(connection: HTTPConnection) -> None:
    for _ in range(PATIENCE * 100):
        if health(connection) == 503:
            return
        Event().wait(0.01)
    pytest.fail("its health is not denied")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True


def wait_until_listening(port: int, *, wanted: bool) -> None:
    for _ in range(PATIENCE * 100):
        if listens(port) == wanted:
            return
        Event().wait(0.01)
    pytest.fail(f"port {port} {'does not open' if wanted else 'stays open'}")


def start(folder: Path, port: int, secret: MountedSecret | None, *more: str) -> subprocess.Popen[str]:
    """The program as the pod starts it: by its path, in the application's folder."""
    command = [sys.executable, "-W", "error", serve.__file__, "--host=127.0.0.1", f"--port={port}"]
    files = [f"--certificate={secret.certificate}", f"--key={secret.key}"] if secret else []
    timing = [f"--health={HEALTH}", "--keep-alive=75", "--leave-seconds=0", "--reload-seconds=0"]
    return subprocess.Popen(
        [*command, "--application=shop:application", *files, *timing, *more],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def secret(tmp_path: Path) -> MountedSecret:
    secret = MountedSecret(tmp_path / "tls")
    secret.folder.mkdir()
    return secret


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APPLICATION)
    return tmp_path


@contextmanager
def serving(folder: Path, secret: MountedSecret, *more: str) -> Iterator[Api]:
    authority, port = trustme.CA(), free_port()
    secret.hold(**pair(authority.issue_cert("127.0.0.1")))
    with start(folder, port, secret, *more) as process:
        try:
            wait_until_listening(port, wanted=True)
            yield Api(process, port, authority, secret)
        finally:
            process.kill()


@pytest.fixture
def api(folder: Path, secret: MountedSecret) -> Iterator[Api]:
    with serving(folder, secret) as api:
        yield api


def test_an_application_of_the_working_directory_is_served_over_tls(api: Api) -> None:
    with api.connect() as connection:
        answer = ask(connection, x_forwarded_for="203.0.113.7")

    assert answer == b'{"scheme": "https", "client": "203.0.113.7"}'


@pytest.mark.parametrize(
    ("version", "ciphers", "accepted"),
    [
        (ssl.TLSVersion.TLSv1_1, "ALL", False),
        (ssl.TLSVersion.TLSv1_2, "ECDHE+AES:!AESGCM", False),
        (ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM", True),
        (ssl.TLSVersion.TLSv1_3, "ALL", True),
    ],
)
def test_only_tls_1_2_and_newer_without_sha_1_is_spoken(
    api: Api, version: ssl.TLSVersion, ciphers: str, *, accepted: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    api.authority.configure_trust(context)

    with socket.create_connection(("127.0.0.1", api.port)) as plain, ExitStack() as refusal:
        if not accepted:
            refusal.enter_context(pytest.raises(ssl.SSLError))
        context.wrap_socket(plain, server_hostname="127.0.0.1").close()


def test_a_replaced_pair_is_shown_to_new_connections_while_open_ones_go_on(api: Api) -> None:
    with api.connect() as open_before:
        old, new = shown(open_before), api.issue()
        ask(open_before)

        api.secret.hold(**pair(new))

        assert api.says() == "serve: uses a new certificate from now on\n"
        assert api.certificate() == der(new) != old
        ask(open_before)

    assert api.end() == (0, "")


def test_a_pair_that_does_not_match_is_left_aside_until_it_does(api: Api) -> None:
    old, new = api.certificate(), api.issue()

    api.secret.hold(**pair(new, api.issue()))
    complaint = api.says()
    kept = api.certificate()
    api.secret.hold(**pair(new))
    recovery = api.says()

    files = f"{api.secret.certificate} and {api.secret.key}"
    assert complaint == f"serve: keeps the certificate it has: {files} hold no usable pair (KEY_VALUES_MISMATCH)\n"
    assert kept == old
    assert recovery == "serve: uses a new certificate from now on\n"
    assert api.certificate() == der(new)


@pytest.mark.parametrize(
    "damage",
    [
        lambda secret: secret.key.write_bytes(secret.key.read_bytes()[:40]),
        lambda secret: secret.certificate.write_bytes(b""),
        lambda secret: secret.certificate.unlink(),
    ],
    ids=["half a key", "an empty certificate", "no certificate"],
)
def test_what_stays_broken_is_complained_about_once(
    secret: MountedSecret, capfd: pytest.CaptureFixture[str], damage: Callable[[MountedSecret], object]
) -> None:
    authority = trustme.CA()
    secret.hold(**pair(authority.issue_cert("127.0.0.1")))
    watched = serve.Pair(secret.certificate, secret.key)

    damage(secret)
    for _ in range(3):
        finish(watched)
    complaint = capfd.readouterr().err
    secret.certificate.unlink(missing_ok=True)
    secret.hold(**pair(authority.issue_cert("127.0.0.1")))
    for _ in range(3):
        finish(watched)

    assert complaint.startswith(f"serve: keeps the certificate it has: {secret.certificate} and {secret.key} hold no ")
    assert complaint.count("\n") == 1
    assert capfd.readouterr().err == "serve: uses a new certificate from now on\n"


def test_what_is_as_it_was_again_needs_no_words(secret: MountedSecret, capfd: pytest.CaptureFixture[str]) -> None:
    files = pair(trustme.CA().issue_cert("127.0.0.1"))
    secret.hold(**files)
    watched = serve.Pair(secret.certificate, secret.key)

    secret.hold(**files)
    finish(watched)

    assert capfd.readouterr().err == ""


def finish(watched: serve.Pair) -> None:
    with pytest.raises(StopIteration):
        watched.refresh().send(None)


def test_sigterm_refuses_new_connections_and_finishes_what_is_in_flight(api: Api, folder: Path) -> None:
    with api.connect() as in_flight:
        in_flight.request("GET", "/slow")
        assert api.process.stdout
        assert api.process.stdout.readline() == "begun\n"

        api.process.terminate()
        wait_until_listening(api.port, wanted=False)
        (folder / "go").touch()

        assert in_flight.getresponse().status == 200
    assert api.process.wait(PATIENCE) == 0


def test_a_server_that_is_to_end_denies_its_health_and_serves_on(folder: Path, secret: MountedSecret) -> None:
    with serving(folder, secret, "--leave-seconds=2") as api:
        began = time.monotonic()
        with api.connect() as before:
            assert health(before) == 200

            api.process.terminate()
            wait_until_leaving(before)

            assert ask(before)
            with api.connect() as later:
                assert ask(later)
                assert health(later) == 503
        assert api.process.wait(PATIENCE) == 0
        assert time.monotonic() - began >= 2


def test_without_a_pair_it_serves_in_plain_text(folder: Path) -> None:
    port = free_port()
    with start(folder, port, None) as process:
        wait_until_listening(port, wanted=True)
        with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
            answer = ask(connection, x_forwarded_for="203.0.113.7", x_forwarded_proto="https")
        process.terminate()

        assert process.wait(PATIENCE) == 0
    assert answer == b'{"scheme": "https", "client": "203.0.113.7"}'


def test_half_a_pair_is_a_wrong_argument(folder: Path) -> None:
    with start(folder, free_port(), None, "--certificate=tls.crt") as process:
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert err == "serve: --certificate and --key belong together (--help lists the arguments)\n"


def test_a_connection_may_idle_for_as_long_as_it_was_told(folder: Path, secret: MountedSecret) -> None:
    with serving(folder, secret, "--keep-alive=1") as api, api.connect() as connection:
        ask(connection)
        assert connection.sock
        connection.sock.settimeout(4)
        rest = connection.sock.recv(1)

    assert rest == b""


def test_it_does_not_start_without_a_usable_pair(folder: Path, secret: MountedSecret) -> None:
    authority = trustme.CA()
    secret.hold(**pair(authority.issue_cert("127.0.0.1"), authority.issue_cert("127.0.0.1")))

    with start(folder, free_port(), secret) as process:
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert err == f"serve: {secret.certificate} and {secret.key} hold no usable pair (KEY_VALUES_MISMATCH)\n"


def test_a_key_with_a_password_is_refused_instead_of_asked_about(folder: Path, secret: MountedSecret) -> None:
    files = pair(trustme.CA().issue_cert("127.0.0.1"))
    key = load_pem_private_key(files["tls_key"], password=None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a password"))
    secret.hold(**files | {"tls_key": encrypted})

    with start(folder, free_port(), secret) as process:
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert "hold no usable pair" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--port=https"], "argument --port: invalid _whole value: 'https'"),
        (["--keep-alive=-1"], "argument --keep-alive: -1 is negative"),
        (["--reload=15"], "unrecognized arguments: --reload=15"),
    ],
)
def test_a_wrong_argument_is_one_line(
    folder: Path, secret: MountedSecret, arguments: list[str], complaint: str
) -> None:
    with start(folder, free_port(), secret, *arguments) as process:
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert err == f"serve: {complaint} (--help lists the arguments)\n"
