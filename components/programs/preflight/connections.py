"""Names, connections and TLS: the way to a store, and which part of it is closed."""

import errno
import ipaddress
import queue
import socket
import ssl
import threading
from dataclasses import dataclass
from importlib import import_module

from .report import Failed, Finding
from .store import Store

_FIREWALL = "Look whether the service runs, on this port, and whether its firewall lets the cluster's nodes in."
_ABSENT_FAMILY = {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""What a pod says of an address whose family its network lacks."""
_MOST_ADDRESSES = 8


@dataclass(frozen=True)
class End:
    """Where a connection goes."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def connect(store: Store, end: End) -> socket.socket:
    """A connection to `end`, once each of its addresses has been tried.

    Raises Failed when any of them cannot be reached: Tracardi may come upon it at any time.
    """
    found: list[socket.socket] = []
    problems: list[tuple[str, OSError]] = []
    for address in _addresses(store, end):
        try:
            found.append(socket.create_connection((address, end.port), timeout=store.timeout))
        except OSError as problem:
            problems.append((address, problem))
    if found:
        # A name that has IPv6 addresses as well is no fault where pods have none.
        problems = [each for each in problems if each[1].errno not in _ABSENT_FAMILY]
    for spare in found[1:] if not problems else found:
        spare.close()
    if problems:
        raise Failed(_closed(store, end, *problems[0]))
    return found[0]


def local(store: Store, end: End) -> socket.socket:
    """A connection to the near end of a tunnel. Raises Failed."""
    try:
        return socket.create_connection((end.host, end.port), timeout=store.timeout)
    except OSError as problem:
        came = f"{_told(problem)}; MySQL's tunnel listens only while it reaches the store"
        raise Failed(
            Finding(store.switch, f"connecting to the tunnel at {end}", came, _FIREWALL, passing=True)
        ) from None


def secured(store: Store, end: End, plain: socket.socket, authority: str | None) -> ssl.SSLSocket:
    """`plain` with TLS, and the certificate verified as Tracardi, or its tunnel, does. Raises Failed."""
    tried = f"TLS with {end}"
    try:
        context = ssl.create_default_context(cafile=authority or _public_authorities())
    except OSError as problem:
        plain.close()
        came = f"holds no usable certificate ({_told(problem)})"
        setting = f"{store.section}.certificateAuthority"
        raise Failed(Finding(setting, "reading it", came, "Give the authority's PEM.")) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        return context.wrap_socket(plain, server_hostname=end.host)
    except OSError as problem:
        plain.close()
        raise Failed(_untrusted(store, tried, problem)) from None


def broken(store: Store, tried: str, problem: Exception) -> Failed:
    """That a connection broke, or that nothing came over it."""
    if isinstance(problem, ssl.SSLError) and not isinstance(problem, ssl.SSLEOFError):
        # Since TLS 1.3 a client learns only now that its certificate is missed.
        return Failed(_untrusted(store, tried, problem))
    came = "no answer in time" if isinstance(problem, TimeoutError) else f"the connection broke ({_told(problem)})"
    return Failed(Finding(store.place, tried, came, _FIREWALL, passing=True))


def _addresses(store: Store, end: End) -> list[str]:
    answers: queue.Queue[list[str] | OSError] = queue.Queue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(end.host, end.port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(each[4][0]) for each in found)))
        except (OSError, UnicodeError) as problem:
            answers.put(problem if isinstance(problem, OSError) else OSError(str(problem)))

    # The resolver has time limits of its own, which add up to minutes.
    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=4 * store.timeout)
    except queue.Empty:
        answer = OSError("no answer in time")
    if isinstance(answer, OSError):
        raise Failed(
            Finding(
                store.place,
                f"looking up {end.host}",
                _told(answer),
                "Correct the name, or see to it that the cluster's DNS knows it.",
                passing=True,
            )
        )
    return answer[:_MOST_ADDRESSES]


def _closed(store: Store, end: End, address: str, problem: OSError) -> Finding:
    tried = f"connecting to {end}" + (f" at {address}" if address != end.host else "")
    if not _inside(address, store.networks):
        return Finding(
            f"{store.section}.networks",
            tried,
            f"{_told(problem)}; {address} is in none of {', '.join(store.networks)}, so NetworkPolicies forbid it",
            "Add the network that it is in.",
        )
    return Finding(store.place, tried, _told(problem), _FIREWALL, passing=True)


def _inside(address: str, networks: tuple[str, ...]) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    return any(found in ipaddress.ip_network(network) for network in networks)


def _public_authorities() -> str | None:
    """The bundle that Elasticsearch's client takes; None for the system's where the image lacks it."""
    try:
        return str(import_module("certifi").where())
    except ImportError:
        return None


_CERTIFICATES = {
    9: ("its certificate is not valid yet", "Look at its clock, and at the node's."),
    10: ("its certificate has expired", "Have its owner renew it."),
    62: ("its certificate is for another name", "Name the service as its certificate does."),
    64: ("its certificate does not carry this address", "Name the service as its certificate does."),
}
"""What OpenSSL's verification codes mean, and what helps."""
_UNKNOWN_ISSUER = (18, 19, 20, 21)

_PROTOCOL = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS on this port",
    "HTTP_REQUEST": "it does not speak TLS on this port",
    "RECORD_LAYER_FAILURE": "it does not speak TLS on this port",
    "UNSUPPORTED_PROTOCOL": "it speaks no TLS from 1.2 on",
    "PROTOCOL_VERSION": "it speaks no TLS from 1.2 on",
    "CERTIFICATE_REQUIRED": "it wants a certificate of its client, and Tracardi has none",
    "HANDSHAKE_FAILURE": "it has no cipher in common, or wants a certificate of its client, and Tracardi has none",
}
"""Parts of OpenSSL's reasons."""


def _untrusted(store: Store, tried: str, problem: OSError) -> Finding:
    if isinstance(problem, ssl.SSLCertVerificationError):
        if problem.verify_code in _UNKNOWN_ISSUER:
            came = f"its certificate is signed by an authority that is not trusted ({problem.verify_message})"
            setting = f"{store.section}.certificateAuthority"
            return Finding(setting, tried, came, "Give the PEM of the authority that signed it.")
        came, remedy = _CERTIFICATES.get(problem.verify_code, ("", "Have its owner replace the certificate."))
        return Finding(store.place, tried, came or f"its certificate is refused ({problem.verify_message})", remedy)
    if isinstance(problem, ssl.SSLError) and not isinstance(problem, ssl.SSLEOFError):
        came = next((told for word, told in _PROTOCOL.items() if word in (problem.reason or "")), "")
        remedy = "Name a port on which it speaks TLS 1.2 or 1.3, without a certificate of the client."
        return Finding(store.place, tried, came or f"TLS failed ({problem.reason})", remedy)
    # A store that starts takes connections before it can speak.
    return Finding(store.place, tried, f"the connection ended ({_told(problem)})", _FIREWALL, passing=True)


def _told(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    return str(getattr(problem, "strerror", None) or str(problem) or type(problem).__name__)
