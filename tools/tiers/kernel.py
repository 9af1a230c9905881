"""Tries what real nodes need of the kernel, and prints what it lacks, a line for each.

`python3 -m tools.tiers.kernel` runs as root in network and mount namespaces of its own: whatever it makes ends there.
The kernel is asked over netlink, because the programs that usually do so may not be on the machine. Asking also loads
the module, where there is one.
"""

import ctypes
import errno
import socket
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

_ROUTE, _NETFILTER = 0, 12
_REQUEST, _ACK, _CREATE, _EXCLUSIVE = 0x1, 0x4, 0x400, 0x200
_ERROR = 2
_NEW_LINK = 16
_LINK_NAME, _LINK_INFO, _LINK_KIND = 3, 18, 1
_SET_PROTOCOL, _SET_TYPE, _SET_FAMILY = 1, 3, 5
_EXTENSION_NAME, _EXTENSION_REVISION, _EXTENSION_KIND = 1, 2, 3
# Subsystem and message: ipset's TYPE, nftables' GETGEN, nft_compat's GET.
_IPSET_TYPE = (6 << 8) | 13
_TABLES_GENERATION = (10 << 8) | 16
_COMPATIBLE = (11 << 8) | 0
_IPTABLES_INFO, _IPTABLES_INFO_LENGTH = 64, 84
_ANSWER_SECONDS = 5


@dataclass(frozen=True)
class Feature:
    """Something of the kernel, and how it is tried: True where it is there."""

    name: str
    there: Callable[[], bool]


def main() -> None:
    """Print the name of each feature that is not there."""
    for feature in FEATURES:
        try:
            there = feature.there()
        except OSError:
            there = False
        if not there:
            print(feature.name)


def answer(protocol: int, kind: int, flags: int, body: bytes) -> int:
    """What the kernel says to a netlink request: 0, or the number of an error."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as kernel:
        kernel.bind((0, 0))
        kernel.settimeout(_ANSWER_SECONDS)
        kernel.send(struct.pack("=IHHII", 16 + len(body), kind, flags | _REQUEST, 1, 0) + body)
        got = kernel.recv(65536)
    (said,) = struct.unpack_from("=H", got, 4)
    return -int(struct.unpack_from("=i", got, 16)[0]) if said == _ERROR else 0


def attribute(number: int, value: bytes) -> bytes:
    """A netlink attribute, filled up to a multiple of four bytes."""
    length = 4 + len(value)
    return struct.pack("=HH", length, number) + value + b"\0" * (-length % 4)


def _link(kind: str) -> bool:
    info = attribute(_LINK_INFO, attribute(_LINK_KIND, kind.encode()))
    body = struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0) + attribute(_LINK_NAME, f"try-{kind}".encode() + b"\0") + info
    return answer(_ROUTE, _NEW_LINK, _ACK | _CREATE | _EXCLUSIVE, body) in {0, errno.EEXIST}


def _netfilter(kind: int, *attributes: bytes) -> bool:
    header = struct.pack("=BBH", socket.AF_INET, 0, 0)
    return answer(_NETFILTER, kind, _ACK, header + b"".join(attributes)) == 0


def _set_of(kind: str) -> bool:
    family = attribute(_SET_FAMILY, bytes([socket.AF_INET]))
    name = attribute(_SET_TYPE, kind.encode() + b"\0")
    return _netfilter(_IPSET_TYPE, attribute(_SET_PROTOCOL, b"\x06"), name, family)


def _iptables() -> bool:
    """Either kind of it: rules that nftables carries, or tables of its own."""
    numbers = (attribute(number, struct.pack(">I", 0)) for number in (_EXTENSION_REVISION, _EXTENSION_KIND))
    return _netfilter(_COMPATIBLE, attribute(_EXTENSION_NAME, b"set\0"), *numbers) or _own_table("nat")


def _own_table(name: str) -> bool:
    library = ctypes.CDLL(None)
    answered = ctypes.create_string_buffer(name.encode(), _IPTABLES_INFO_LENGTH)
    length = ctypes.c_uint(_IPTABLES_INFO_LENGTH)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        # Python's own getsockopt sends no name of a table along.
        return bool(
            library.getsockopt(raw.fileno(), socket.IPPROTO_IP, _IPTABLES_INFO, answered, ctypes.byref(length)) == 0
        )


def _overlay() -> bool:
    tmpfs = "mount -t tmpfs tmpfs /tmp && cd /tmp && mkdir lower upper work merged"
    overlay = "mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged"
    tried = subprocess.run(("/bin/sh", "-c", f"{tmpfs} && {overlay}"), capture_output=True, check=False)
    return tried.returncode == 0


FEATURES = (
    Feature("links of the kind bridge", lambda: _link("bridge")),
    Feature("links of the kind veth", lambda: _link("veth")),
    Feature("nftables", lambda: _netfilter(_TABLES_GENERATION)),
    Feature("iptables", _iptables),
    Feature("ipset with sets of the kind hash:ip", lambda: _set_of("hash:ip")),
    Feature("ipset with sets of the kind hash:net", lambda: _set_of("hash:net")),
    Feature("the file system overlay", _overlay),
)

if __name__ == "__main__":
    main()
