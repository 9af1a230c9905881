"""Serves Tracardi's API so that no client notices a restart or a renewed certificate. Runs in Tracardi's API image.

Standard library and the uvicorn of the image, Python 3.10 or newer; the application is found in the working directory.
It is what this does, and two things that uvicorn itself does not do:

  python3 -m uvicorn APPLICATION --host HOST --port PORT --workers 1 --proxy-headers --forwarded-allow-ips '*'
    --timeout-keep-alive SECONDS --log-level warning [--ssl-certfile FILE --ssl-keyfile FILE]

It leaves before it ends. When uvicorn ends, it resets connections that it has not looked at yet, requests included, and
no balancer may repeat those. After SIGTERM this serves on for `--leave-seconds`, but answers 503 to whoever asks for
its health: by its end, balancers send nothing any more.

It reads the pair of certificate and key again when the files change. New connections get the new certificate; open
ones go on. A pair that cannot be used is left aside, with one line on stderr, and tried again: while Kubernetes
replaces a mounted Secret, certificate and key may not belong together.

Exit status: 0 after SIGTERM, once the requests in flight are answered (newer releases of uvicorn end by the signal
then); 1 without a usable certificate, application or address; 2 for wrong arguments.
"""

import argparse
import asyncio
import os
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import uvicorn

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; uvicorn's own default leaves only suites with SHA-1 there."""


@dataclass(frozen=True)
class Options:
    """What the command line says; durations in seconds."""

    application: str
    host: str
    port: int
    certificate: Path | None
    key: Path | None
    health: str
    keep_alive: int
    leave_seconds: int
    reload_seconds: int

    @classmethod
    def read(cls, arguments: Sequence[str]) -> "Options":
        """Exits with one line on stderr if something is missing or malformed."""
        parser = _Parser("serve", description="Serves an ASGI application.", allow_abbrev=False)
        parser.add_argument("--application", default="app.main:application", help="module:name, from this folder")
        parser.add_argument("--host", required=True, help="address to listen at")
        parser.add_argument("--port", required=True, type=_whole)
        parser.add_argument("--certificate", type=Path, help="PEM file with the certificate chain; else no TLS")
        parser.add_argument("--key", type=Path, help="PEM file with its key")
        parser.add_argument("--health", required=True, help="path that balancers and probes ask for")
        parser.add_argument("--keep-alive", required=True, type=_whole, help="seconds that a connection may idle")
        parser.add_argument("--leave-seconds", required=True, type=_whole, help="from SIGTERM to the end of serving")
        parser.add_argument("--reload-seconds", default=15, type=_whole, help="how often the files are looked at")
        options = cls(**vars(parser.parse_args(arguments)))
        if (options.certificate is None) != (options.key is None):
            parser.error("--certificate and --key belong together")
        return options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists the arguments)\n")


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


class Pair:
    """A certificate and its key, in the state of its files that was usable last."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises OSError (ssl.SSLError among them) unless the files hold a pair."""
        self._files = (certificate, key)
        self._content = self._unusable = self._read()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """A context for the listening socket; each of its handshakes uses the pair that is in force by then."""
        context = self._load()
        # The certificate of a context in use cannot be replaced in one step: in between, handshakes fail.
        context.sni_callback = self._begin
        return context

    def _begin(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._context

    async def refresh(self) -> None:
        """Takes over what the files hold now, if it is new and usable; on the event loop, as handshakes are."""
        content = b""
        try:
            content = self._read()
            if content != self._content:
                self._context = self._load()
                _say("uses a new certificate from now on")
        except OSError as error:
            if content != self._unusable:
                _say(f"keeps the certificate it has: {describe(error, *self._files)}")
                self._unusable = content
        else:
            self._content = self._unusable = content

    def _read(self) -> bytes:
        return b"\0".join(file.read_bytes() for file in self._files)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        # An empty password, or OpenSSL would ask the terminal for that of an encrypted key.
        context.load_cert_chain(*self._files, password="")
        return context


_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_Application = Callable[[_Message, _Receive, _Send], Awaitable[None]]


class Leaving:
    """An ASGI application that denies its health once this has `begun`."""

    def __init__(self, application: _Application, health: str) -> None:
        self.begun = False
        self._application = application
        self._health = health

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """One request, or whatever else ASGI knows."""
        if self.begun and scope["type"] == "http" and scope["path"] == self._health:
            await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
        else:
            await self._application(scope, receive, send)


class Configuration(uvicorn.Config):
    """Uvicorn's configuration, with a context and an application of ours."""

    leaving: Leaving

    def __init__(self, options: Options, pair: Pair | None) -> None:
        super().__init__(
            options.application,
            host=options.host,
            port=options.port,
            workers=1,
            proxy_headers=True,
            # Only the balancer reaches this port, and it replaces what clients claim about their address.
            forwarded_allow_ips="*",
            timeout_keep_alive=options.keep_alive,
            log_level="warning",
            ssl_certfile=options.certificate,
            ssl_keyfile=str(options.key) if options.key else None,
            callback_notify=pair.refresh if pair else None,
            timeout_notify=options.reload_seconds,
        )
        self.leave_seconds = options.leave_seconds
        self._health = options.health
        self._pair = pair

    def load(self) -> None:
        super().load()
        self.loaded_app = self.leaving = Leaving(self.loaded_app, self._health)
        if self._pair:
            self.ssl = self._pair.context()


class Server(uvicorn.Server):
    """A server that is left by its balancers before it ends."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self._configuration = configuration

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends, later."""
        self._configuration.leaving.begun = True
        await asyncio.sleep(self._configuration.leave_seconds)
        await super().shutdown(sockets)


def describe(error: OSError, certificate: Path, key: Path) -> str:
    """What is wrong with a pair, in one line and without its content."""
    reason = error.reason or "no PEM" if isinstance(error, ssl.SSLError) else error.strerror
    return f"{certificate} and {key} hold no usable pair ({reason})"


def _say(text: str) -> None:
    sys.stderr.write(f"serve: {text}\n")
    sys.stderr.flush()


def main(arguments: Sequence[str]) -> int:
    """Serves until a signal ends it; returns the exit status that the head of this file explains."""
    options = Options.read(arguments)
    pair = None
    if options.certificate and options.key:
        try:
            pair = Pair(options.certificate, options.key)
        except OSError as error:
            _say(describe(error, options.certificate, options.key))
            return 1
    # As `python3 -m` does; a program that is started by its path sees the folder that it lies in instead.
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - an entry of sys.path is text
    server = Server(Configuration(options, pair))
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
