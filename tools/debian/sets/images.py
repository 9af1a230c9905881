"""What the container images of `tests/real` hold: servers in the place of the official images, and a shell's world."""

from tools.debian.packages import Link, Package, PackageSet, User
from tools.debian.sets.common import BASE, JAVA, OPENSSL, PROCPS, SHELL

# Numbers as in the official images, which the pods run as.
_HAPROXY = User("haproxy", 99, "/var/lib/haproxy")
_REDIS = User("redis", 999, "/var/lib/redis")
_MYSQL = User("mysql", 999, "/var/lib/mysql")
_MYSQL_CONFIGURATION = Link("etc/mysql/my.cnf", "mariadb.cnf")

IMAGES = PackageSet(
    "images",
    "Debian's programs for images",
    (
        Package("haproxy", "the balancers, and TLS in front of Elasticsearch", "usr/sbin/haproxy", users=(_HAPROXY,)),
        Package("nginx-light", "the console's server", "usr/sbin/nginx"),
        Package("redis-server", "Redis", "usr/bin/redis-server", users=(_REDIS,)),
        Package("redis-tools", "redis-cli, which probes call", "usr/bin/redis-cli"),
        Package(
            "mariadb-server", "in MySQL's place", "usr/sbin/mariadbd", links=(_MYSQL_CONFIGURATION,), users=(_MYSQL,)
        ),
        Package("mariadb-client", "mysqladmin, which probes call, and mysql", "usr/bin/mysqladmin"),
        JAVA,
        Package("curl", "asks Elasticsearch whether it is ready", "usr/bin/curl"),
        Package("python3", "runs the stand-in of Tracardi's API, and the program's own scripts", "usr/bin/python3.11"),
        Package("hostname", "for scripts in images", "usr/bin/hostname"),
        OPENSSL,
        PROCPS,
        *SHELL,
        *BASE,
    ),
)
