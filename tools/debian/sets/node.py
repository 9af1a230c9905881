"""What a real node's machine is made of, beside the programs that are built from Go modules."""

from tools.debian.packages import Link, Package, PackageSet
from tools.debian.sets.common import BASE, OPENSSL, PROCPS, SHELL

_FAMILIES = ("iptables", "ip6tables", "arptables", "ebtables")
# Those that speak nftables: the legacy ones need kernel modules that many machines no longer load.
_NFT = tuple(
    Link(f"usr/sbin/{family}{action}", f"{family}-nft{action}")
    for family in _FAMILIES
    for action in ("", "-restore", "-save")
)

NODE = PackageSet(
    "node",
    "Debian's programs for nodes",
    (
        # Containers.
        Package("runc", "starts the containers of pods", "usr/sbin/runc"),
        Package("containernetworking-plugins", "gives pods their addresses", "usr/lib/cni/ptp"),
        Package("catatonit", "first process of a pod, and of a node", "usr/bin/catatonit"),
        # Networks.
        Package("iproute2", "network namespaces, addresses and routes", "usr/sbin/ip"),
        Package("iptables", "rules of kube-proxy and kube-router", "usr/sbin/iptables-nft", links=_NFT),
        Package("ipset", "sets of addresses that network policies name", "usr/sbin/ipset"),
        Package("conntrack", "kube-proxy forgets connections to pods that are gone", "usr/sbin/conntrack"),
        Package("nftables", "shows and sets the kernel's own rules", "usr/sbin/nft"),
        # The machine around them.
        Package("util-linux", "unshare and nsenter", "usr/bin/nsenter"),
        Package("mount", "mount and umount, which kubelet calls", "usr/bin/mount"),
        Package("kmod", "modprobe, which kube-proxy and kube-router call", "usr/bin/kmod"),
        Package("python3", "runs what starts a node", "usr/bin/python3"),
        Package("curl", "asks the node's programs how they are", "usr/bin/curl"),
        OPENSSL,
        PROCPS,
        *SHELL,
        *BASE,
    ),
)
