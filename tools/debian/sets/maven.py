"""What fetches and compiles Java for an image; no image holds it."""

from tools.debian.packages import Link, Package, PackageSet
from tools.debian.sets.common import BASE, JAVA, SHELL

MAVEN = PackageSet(
    "maven",
    "Debian's Maven",
    (
        Package(
            "maven",
            "resolves Elasticsearch's jars",
            "usr/share/maven/bin/mvn",
            links=(Link("usr/bin/mvn", "../share/maven/bin/mvn"),),
        ),
        Package(
            "ecj",
            "compiles without a JDK; JAVA_HOME tells it which Java runs it",
            "usr/bin/ecj",
            links=(Link("usr/bin/javac", "ecj"),),
        ),
        JAVA,
        *SHELL,
        *BASE,
    ),
    authorities=True,
)
