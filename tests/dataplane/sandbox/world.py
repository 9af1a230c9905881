"""Networks and the places in them: namespaces that the kernel takes away with the process that made them."""

import contextlib
import ctypes
import os
import resource
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from tests.dataplane.sandbox.jail import Jail

_P = ParamSpec("_P")
_T = TypeVar("_T")

_CLONE_NEWNET = 0x40000000
_START_SECONDS = 10.0
_ENDED = (ProcessLookupError, FileNotFoundError, TimeoutError)
"""What it is like to look for a process that has ended, or to have it end meanwhile."""


@dataclass(frozen=True)
class Network:
    """A link that places share; the router has the first address of each of its subnets."""

    name: str
    subnets: tuple[str, ...]

    @property
    def gateways(self) -> tuple[IPv4Interface | IPv6Interface, ...]:
        """The router's own addresses on this link."""
        return tuple(ip_interface(f"{subnet[1]}/{subnet.prefixlen}") for subnet in map(ip_network, self.subnets))


class Place:
    """A network namespace: somewhere to connect from, or to listen in."""

    def __init__(self, world: "World", name: str, addresses: tuple[str, ...]) -> None:
        self.world = world
        self.name = name
        self.addresses = addresses
        self._threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix=name, initializer=self._enter)

    @property
    def address(self) -> str:
        """The IPv4 address."""
        return next(address for address in self.addresses if ip_address(address).version == 4)

    @property
    def address6(self) -> str:
        """The IPv6 address."""
        return next(address for address in self.addresses if ip_address(address).version == 6)

    def submit(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        """Begin `function` in a thread whose sockets are in this place."""
        return self._threads.submit(function, *args, **kwargs)

    def call(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What `function` returns, run in a thread whose sockets are in this place."""
        return self.submit(function, *args, **kwargs).result()

    def start(self, *command: str, jail: Jail | None = None, output: int | None = None) -> "subprocess.Popen[str]":
        """Start a program in this place; in a jail with Debian's programs, unless another is given."""
        return self.world.popen(self.name, jail or self.world.jail(self.name), command, output)

    def run(self, *command: str, timeout: float = 60, jail: Jail | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end, whatever its exit status.

        Raises:
            subprocess.TimeoutExpired: it has not ended after `timeout` seconds.
        """
        process = self.start(*command, jail=jail, output=subprocess.PIPE)
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.world.kill(process)
            raise
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def close(self) -> None:
        """Give the namespace up."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.world.ip("netns", "delete", self.name)

    def _enter(self) -> None:
        with self.world.namespace(self.name).open() as namespace:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(namespace.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"no way into the network namespace {self.name}")


class World:
    """Networks with a router between them, and the places in them.

    Every process belongs to one PID namespace, whose first process ends when this one does, however that happens.

    Raises:
        PermissionError: not run by root.
    """

    def __init__(self, debian: Path) -> None:
        if os.geteuid():
            raise PermissionError(
                "the data plane's tests make network namespaces, which takes root; run them with sudo"
            )
        self.debian = debian
        self._used: dict[str, int] = {}
        self._links = self._bridges = 0
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        # Reads until the other end of the pipe closes, which is when this process is gone.
        command = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "cat")
        self._root = subprocess.Popen(command, stdin=subprocess.PIPE)
        self._pid = _only_child(self._root.pid)
        # Names of network namespaces are files; these are nobody else's.
        self._inside("mount", "-t", "tmpfs", "tmpfs", "/run")
        self.ip("link", "set", "lo", "up")
        self._inside("sh", "-c", f"mkdir /run/netns && touch {_ROUTER} && mount --bind /proc/1/ns/net {_ROUTER}")
        self.router = Place(self, "router", ())
        for setting in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            self.router.call((Path("/proc/sys") / setting).write_text, "1")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._root.kill()
        self._root.communicate()
        for process in self._started:
            with process:
                pass

    def network(self, name: str, *subnets: str) -> Network:
        """A new link, reached from every other by the router."""
        network = Network(name, subnets)
        # Of its own, or the bridge takes that of whichever place has the lowest, and neighbours look for the old one.
        self._bridges += 1
        self.ip("link", "add", name, "address", f"02:00:00:00:00:{self._bridges:02x}", "type", "bridge")
        for gateway in network.gateways:
            self.ip("address", "add", str(gateway), "dev", name, *_no_detection(gateway).split())
        self.ip("link", "set", name, "up")
        return network

    def place(self, name: str, network: Network, *addresses: str) -> Place:
        """A new place in `network`: at `addresses`, or at the next free one of each subnet."""
        chosen = addresses or self._next(network)
        self._links += 1
        link = f"link{self._links}"
        made = Place(self, name, tuple(chosen))
        self.ip("netns", "add", name)
        # The kernel's own address is in force at once: browsers take one that comes later for a change of network, and
        # break off what they are doing.
        made.call(Path("/proc/sys/net/ipv6/conf/default/accept_dad").write_text, "0")
        self.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        self.ip("link", "set", link, "master", network.name, "up")
        interfaces = [_interface(network, address) for address in chosen]
        lines = [
            *("link set lo up", "link set eth0 up"),
            *(f"address add {each} dev eth0 {_no_detection(each)}" for each in interfaces),
            *(f"route add default via {gateway.ip} dev eth0" for gateway in network.gateways),
        ]
        self.ip("-netns", name, "-batch", "-", text="".join(f"{line}\n" for line in lines))
        return made

    def jail(self, name: str) -> Jail:
        """Where tests' own programs run: as root, with a /tmp of their own."""
        return Jail(self.debian, name, writable_tmp=True, environment={"HOME": "/tmp"})  # noqa: S108 - the jail's own

    def ip(self, *arguments: str, text: str = "") -> None:
        """Change links, addresses and routes; `text` holds the lines of a batch."""
        self._inside(*Jail(self.debian, "router").program("usr/bin/ip"), *arguments, text=text)

    def nft(self, rules: str) -> None:
        """Apply nftables rules to the router, all of them at once or none."""
        self._inside(*Jail(self.debian, "router").program("usr/sbin/nft"), "-f", "-", text=rules)

    def namespace(self, name: str) -> Path:
        """The file that stands for a network namespace, as seen from outside."""
        return Path(f"/proc/{self._pid}/root/run/netns/{name}")

    def popen(self, place: str, jail: Jail, command: tuple[str, ...], output: int | None) -> "subprocess.Popen[str]":
        """Start `command` in the network namespace `place`."""
        process = subprocess.Popen(
            [*self._entering(place), *jail.command(command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE if output == subprocess.PIPE else output,
            text=True,
        )
        self._started.append(process)
        return process

    def pid(self, process: "subprocess.Popen[str]") -> int:
        """The machine's number of the first process in a jail."""
        return _only_child(_only_child(process.pid))

    def signal(self, process: "subprocess.Popen[str]", number: int) -> None:
        """Send a signal to the first process in a jail; nothing where it has ended."""
        with contextlib.suppress(*_ENDED):
            os.kill(self.pid(process), number)

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """End a jail with everything in it, at once."""
        try:
            os.kill(self.pid(process), 9)
        except _ENDED:
            process.kill()
        process.wait()

    def _entering(self, place: str) -> list[str]:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        # As many open files as the machine allows, which is what container runtimes grant.
        return ["prlimit", f"--nofile={hard}:{hard}", *self._joining(f"--net={self.namespace(place)}")]

    def _joining(self, net: str) -> list[str]:
        return ["nsenter", f"--target={self._pid}", "--mount", "--pid", net, "--"]

    def _inside(self, *command: str, text: str = "") -> None:
        done = subprocess.run(
            [*self._joining("--net"), *command],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise OSError(f"{' '.join(command[-6:])}: {done.stderr}{text}")

    def _next(self, network: Network) -> list[str]:
        number = self._used[network.name] = self._used.get(network.name, 9) + 1
        return [str(subnet[number]) for subnet in map(ip_network, network.subnets)]


_ROUTER = "/run/netns/router"


def _interface(network: Network, address: str) -> IPv4Interface | IPv6Interface:
    subnet = next(subnet for subnet in map(ip_network, network.subnets) if ip_address(address) in subnet)
    return ip_interface(f"{address}/{subnet.prefixlen}")


def _no_detection(interface: IPv4Interface | IPv6Interface) -> str:
    """An IPv6 address is usable at once only where nobody looks for another with the same."""
    return "nodad" if interface.version == 6 else ""


def _only_child(pid: int) -> int:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        if children:
            return int(children[0])
        time.sleep(0.005)
    raise TimeoutError(f"process {pid} has started nothing")
