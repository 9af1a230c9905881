"""As much of an API server as the cloud asks for, over TLS with client certificates."""

import json
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

import trustme

from tests.dataplane.sandbox import Place

Object = dict[str, Any]


class WebServer(ThreadingHTTPServer):
    """A server that does not look up its own name: a place has no DNS, and nobody there says so soon."""

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.closing = threading.Event()
        """Ends the connections that clients keep."""

    def server_bind(self) -> None:
        """Take the address."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


_PORT = 6443
_PATH = re.compile(r"/api/v1(?:/namespaces/(?P<namespace>[^/]+))?/(?P<kind>\w+)(?:/(?P<name>[^/]+)(?:/status)?)?")


class ApiServer:
    """Lists what is in `objects`, by kind (`services`) and by namespace and name, and takes changes to it."""

    def __init__(self, place: Place, cluster: Path) -> None:
        self.objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._place = place
        self._trust = _credentials(cluster)
        self._server: WebServer | None = None

    def start(self) -> None:
        """Answer."""
        self._server = self._place.call(_listen, self.objects, self._trust)
        self._place.submit(self._server.serve_forever, 0.05)

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.closing.set()
            self._server.server_close()
            self._server = None

    def put(self, kind: str, found: Object) -> Object:
        """Have an object, which the cloud changes in place."""
        meta = found["metadata"]
        self.objects.setdefault(kind, {})[meta.get("namespace", ""), meta["name"]] = found
        return found

    def remove(self, kind: str, name: str, namespace: str = "") -> None:
        """Have it no more."""
        del self.objects[kind][namespace, name]


def merge(target: Object, changes: Object) -> None:
    """Apply a JSON merge patch."""
    for key, value in changes.items():
        if isinstance(value, dict):
            merge(target.setdefault(key, {}), value)
        else:
            target[key] = value


def _credentials(cluster: Path) -> ssl.SSLContext:
    authority = trustme.CA()
    pki = cluster / "pki"
    pki.mkdir()
    authority.cert_pem.write_to_path(pki / "ca.crt")
    admin = authority.issue_cert("admin@cluster.test")
    admin.private_key_pem.write_to_path(pki / "admin.key")
    admin.cert_chain_pems[0].write_to_path(pki / "admin.crt")
    (cluster / "kubeconfig.yaml").write_text(f"server: https://127.0.0.1:{_PORT}\n", encoding="utf-8")
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trust.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(trust)
    authority.issue_cert("127.0.0.1").configure_cert(trust)
    return trust


def _listen(objects: dict[str, dict[tuple[str, str], Object]], trust: ssl.SSLContext) -> WebServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_GET(self) -> None:
            self.close_connection = server.closing.is_set()
            path = _PATH.fullmatch(self.path)
            assert path is not None
            self._answer({"items": list(objects.get(path["kind"], {}).values())})

        def do_PATCH(self) -> None:
            path = _PATH.fullmatch(self.path)
            assert path is not None
            changes = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = objects[path["kind"]][path["namespace"], path["name"]]
            merge(found, changes)
            self._answer(found)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, found: Object) -> None:
            body = json.dumps(found).encode()
            self.send_response(503 if server.closing.is_set() else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = WebServer(("127.0.0.1", _PORT), Handler)
    server.socket = trust.wrap_socket(server.socket, server_side=True)
    return server
