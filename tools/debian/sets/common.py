"""Packages that several sets hold, with what Debian's installation scripts would have made of them."""

from tools.debian.packages import Link, Package

OPENSSL = Package("openssl", "certificates, and protocol and cipher probes", "usr/bin/openssl")
PROCPS = Package("procps", "processes, sockets and kernel settings, for a person who looks for a fault", "usr/bin/ps")

SHELL = (
    Package("dash", "sh, which preStop commands and probes call", "usr/bin/dash"),
    Package("bash", "for scripts in images that ask for it", "usr/bin/bash"),
    Package("coreutils", "sleep, cat and others, which preStop commands and probes call", "usr/bin/sleep"),
    Package("findutils", "find, for scripts in images", "usr/bin/find"),
    Package("sed", "for scripts in images", "usr/bin/sed"),
    Package("grep", "for scripts in images", "usr/bin/grep"),
    Package("tar", "for scripts in images, and for a person who copies files out of one", "usr/bin/tar"),
    Package(
        "mawk",
        "awk, for scripts",
        "usr/bin/mawk",
        links=(Link("usr/bin/awk", "mawk"), Link("usr/bin/nawk", "mawk")),
    ),
    Package("libc-bin", "getent: what a name resolves to inside a pod", "usr/bin/getent"),
)

BASE = (
    Package("base-files", "the folders that programs expect, such as /tmp and /var", "usr/share/base-files/profile"),
    Package("base-passwd", "the users and groups that every Debian has", "usr/share/base-passwd/passwd.master"),
)

# The default release, because each Debian has one of its own, in a folder that is named after it.
JAVA = Package(
    "default-jre-headless",
    "java",
    "usr/lib/jvm/default-java/bin/java",
    links=(
        Link("usr/bin/java", "../lib/jvm/default-java/bin/java"),
        Link("usr/bin/keytool", "../lib/jvm/default-java/bin/keytool"),
    ),
)
