"""Nodes behind a router, a client on the internet, and the cloud that joins them."""

import contextlib
import json
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from pathlib import Path
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer

from tests.dataplane.cluster.workloads import until
from tests.dataplane.sandbox import Bind, Jail, Place, World
from tests.real.cloud.api_server import ApiServer, Object, WebServer
from tests.unit.stacks import REPOSITORY
from tools.nodes.addresses import ENTRIES, INTERNET, NODES, Node, nodes
from tools.nodes.layout import Furniture, Places

KUBE_PROXY = 10256
HEALTH = 31000
"""Where nodes answer for Services with the policy Local."""
DECLARED, UNDECLARED = 443, 9443
"""Both are served by every node."""
_SECONDS = 15.0


class Machine:
    """A node: its name to whoever connects, and what it answers to health checks."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.health = {KUBE_PROXY: 200, HEALTH: 200}
        self._servers: list[BaseServer] = []

    def start(self) -> None:
        """Serve, and answer health checks."""
        for port in self.health:
            self._serve(self.place.call(_health_server, self.place.address, port, self.health))
        for port in (DECLARED, UNDECLARED):
            self._serve(self.place.call(_service, port, self.place.name))

    def stop(self) -> None:
        """Give up the sockets."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _serve(self, server: BaseServer) -> None:
        self._servers.append(server)
        self.place.submit(server.serve_forever, 0.05)


class Site:
    """A cluster's folder, its API server, its nodes, and the cloud as a process of its own."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self._cluster = folder / "clusters" / "demo"
        self._cluster.mkdir(parents=True)
        place = "/machine"
        self._jail = Jail(
            world.debian,
            "cloud",
            binds=(Bind(self._cluster, f"{place}/clusters/demo", read_only=False), Bind(REPOSITORY, "/repository")),
            folder="/repository",
            environment={"PYTHONDONTWRITEBYTECODE": "1"},
        )
        furniture = Furniture(debian="/", programs="/", repository="/repository", port=6443, count=3)
        Places(self._cluster).furniture.write_text(json.dumps(asdict(furniture)), encoding="utf-8")
        self._command = ("python3", "-m", "tools.nodes.cloud", f"{place}/clusters/demo")
        self.api = ApiServer(world.router, self._cluster)
        link = world.network("nodes", str(NODES))
        self.client = world.place("internet", world.network("outside", str(INTERNET.network)))
        self.machines = {node.name: Machine(world.place(node.name, link, str(node.address))) for node in nodes(3)}
        world.ip("route", "add", "unreachable", str(ENTRIES), "metric", "9999")
        self._log = self._cluster / "cloud.log"

    def start(self) -> None:
        """Start everything."""
        self.api.start()
        for node in nodes(3):
            self.api.put("nodes", _node(node))
        for machine in self.machines.values():
            machine.start()
        self.start_cloud()

    def stop(self) -> None:
        """Give up the sockets; the world ends the rest."""
        self.api.stop()
        for machine in self.machines.values():
            machine.stop()

    def start_cloud(self) -> None:
        """Start the cloud, on whatever an earlier one has left."""
        with self._log.open("a", encoding="utf-8") as log:
            self._process = self.world.router.start(*self._command, jail=self._jail, output=log.fileno())

    def end_cloud(self, number: int = signal.SIGKILL) -> int:
        """Have a signal end the cloud; its exit status."""
        self.world.signal(self._process, number)
        return self._process.wait(_SECONDS)

    def said(self) -> str:
        """What the cloud has written."""
        return self._log.read_text(encoding="utf-8")

    @contextlib.contextmanager
    def service(self, name: str, *, local: bool = False, **spec: str) -> Iterator[Object]:
        """A Service of type LoadBalancer with an address, which every node has taken for its own."""
        policy = {"externalTrafficPolicy": "Local", "healthCheckNodePort": HEALTH} if local else {}
        service = self.api.put(
            "services",
            {
                "metadata": {"namespace": "tracardi", "name": name, "uid": f"uid-of-{name}"},
                "spec": {"type": "LoadBalancer", "ports": [{"port": DECLARED}], **policy, **spec},
            },
        )
        try:
            if not spec:
                self.until(lambda: address_of(service) is not None)
                for node in self.machines:
                    self.world.ip("-netns", node, "address", "replace", f"{address_of(service)}/32", "dev", "lo")
            yield service
        finally:
            self.api.remove("services", name, "tracardi")

    def serving(self, service: Object, wanted: set[str]) -> None:
        """Wait until just these nodes get the Service's connections."""
        self.until(lambda: set(self.spread(service, 6)) == wanted)

    def spread(self, service: Object, connections: int) -> Counter[str]:
        """How many of so many connections each node gets; `refused` for those that nobody gets."""
        address = str(address_of(service))
        calls = [self.client.submit(greeting, address) for _ in range(connections)]
        wait(calls)
        return Counter(call.result().split()[0] for call in calls)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds` says so. Raises TimeoutError with what the cloud has said."""
        until(holds, self.said, _SECONDS)


def address_of(service: Object) -> IPv4Address | None:
    """What the Service's status says."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress")
    return IPv4Address(ingress[0]["ip"]) if ingress else None


def connect(address: str, port: int = DECLARED) -> socket.socket:
    """A connection. Raises OSError where it is refused, or not answered within two seconds."""
    return socket.create_connection((address, port), timeout=2)


def greeting(address: str, port: int = DECLARED) -> str:
    """Who has taken a connection, from which address and to which; `refused`, or `nothing` for no answer."""
    try:
        with connect(address, port) as connection:
            return hear(connection)
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "nothing"


def hear(connection: socket.socket) -> str:
    """A line from the node at the other end."""
    with connection.makefile("r", encoding="utf-8") as lines:
        return lines.readline().strip()


def ask(connection: socket.socket) -> str:
    """The name of the node at the other end, asked anew."""
    connection.sendall(b"?")
    return hear(connection).split()[0]


def _node(node: Node) -> Object:
    addresses = [{"type": "InternalIP", "address": str(node.address)}]
    return {"metadata": {"name": node.name}, "status": {"addresses": addresses}}


def _health_server(address: str, port: int, answers: dict[int, int]) -> WebServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[port] if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return WebServer((address, port), Handler)


def _service(port: int, name: str) -> ThreadingTCPServer:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            line = f"{name} {self.client_address[0]} {self.request.getsockname()[0]}\n".encode()
            with contextlib.suppress(OSError):
                self.request.sendall(line)
                while self.request.recv(1):
                    self.request.sendall(line)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    return Server(("0.0.0.0", port), Handler)  # noqa: S104 - addresses of Services come and go
