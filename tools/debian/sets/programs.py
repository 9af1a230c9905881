"""What `tests/dataplane` runs: the proxies that carry the traffic, clients, and what pods and sandboxes need."""

from tools.debian.packages import Package, PackageSet

PROGRAMS = PackageSet(
    "programs",
    "Debian's programs",
    (
        # The proxies that carry the traffic.
        Package("haproxy", "the balancers and the TLS tunnels", "usr/sbin/haproxy"),
        Package("nginx-light", "the console's server, and the proxy that speed is compared with", "usr/sbin/nginx"),
        Package("dnsmasq-base", "answers for the headless Services", "usr/sbin/dnsmasq"),
        # Clients.
        Package("curl", "verifies the whole chain as a user would", "usr/bin/curl"),
        Package("nghttp2-client", "h2load: load over HTTP/2", "usr/bin/h2load"),
        Package("wrk", "load with percentiles over HTTP/1.1", "usr/bin/wrk"),
        Package("openssl", "protocol and cipher probes", "usr/bin/openssl"),
        Package("chromium", "a real browser", "usr/lib/chromium/chromium"),
        Package("libnss3-tools", "certutil: the browser trusts the generated authority", "usr/bin/certutil"),
        Package(
            "fonts-dejavu-core", "Chromium aborts without any font", "usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
        ),
        # What pods and the machinery around them run on.
        Package("python3", "runs the stand-in of Tracardi's API, and the program's own scripts", "usr/bin/python3.11"),
        Package("iproute2", "network namespaces, addresses and routes", "usr/sbin/ip"),
        Package("nftables", "an entry's address in front of its pods", "usr/sbin/nft"),
        Package("bubblewrap", "pods: users, volumes and a read-only root", "usr/bin/bwrap"),
        Package("util-linux", "unshare, nsenter and mount", "usr/bin/nsenter"),
        Package("procps", "processes, sockets and kernel settings, for a person who looks for a fault", "usr/bin/ps"),
        Package("dash", "sh, which preStop commands call", "usr/bin/dash"),
        Package("coreutils", "sleep, cat and others, which preStop commands and probes call", "usr/bin/sleep"),
        Package("findutils", "find, for scripts in images", "usr/bin/find"),
        Package("sed", "for scripts in images", "usr/bin/sed"),
        Package("grep", "for scripts in images", "usr/bin/grep"),
        Package("libc-bin", "getent: what a name resolves to inside a pod", "usr/bin/getent"),
        Package(
            "base-files", "the folders that programs expect, such as /tmp and /var", "usr/share/base-files/profile"
        ),
        Package("base-passwd", "the users and groups that every Debian has", "usr/share/base-passwd/passwd.master"),
    ),
)
