"""Which images there are, under which names, and what each of them runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from model.images import Image as Reference
from model.images import Software
from model.releases import Release, release_of, supported_versions
from model.service import Edition
from model.services import services_of
from tools.nodes.images import REGISTRY

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ELASTICSEARCH_HOME = "/usr/share/elasticsearch"

__all__ = ["ELASTICSEARCH_HOME", "PATH", "REGISTRY", "Content", "contents", "names", "references"]


@dataclass(frozen=True)
class Content:
    """What an image is made of beside Debian's programs, and what it runs unless a pod says otherwise."""

    layers: tuple[str, ...]
    """Names of folders that `layers.py` lays out."""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = "65532:65532"
    folder: str = "/"


_CONTENTS: Mapping[Software, Content] = {
    Software.HAPROXY: Content(layers=(), command=("haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg")),
    Software.GUI: Content(layers=("gui",), command=("nginx", "-g", "daemon off;")),
    Software.REDIS: Content(layers=(), command=("redis-server",)),
    Software.MYSQL: Content(
        layers=("mysql",), entrypoint=("python3", "/usr/local/lib/images/mysql.py"), user="999:999"
    ),
    Software.API: Content(layers=("python", "api"), command=("uvicorn", "app.main:application", "--port=80")),
    # Of 8.11 as well: no later release is published as a library. Tracardi 1.0.0 asks for nothing that 7.17 lacks.
    Software.ELASTICSEARCH: Content(
        layers=("python", "elasticsearch"),
        entrypoint=("python3", "/usr/local/lib/images/elasticsearch.py"),
        user="1000:0",
        folder=ELASTICSEARCH_HOME,
    ),
}


_SERVICES: Mapping[str, Content] = {
    "apm": Content(layers=("python", "api", "apm"), entrypoint=("/opt/venv/bin/python3", "app/main.py"), folder="/app"),
}


def names() -> tuple[str, ...]:
    """The whole names of the images, sorted."""
    return tuple(sorted(str(reference) for reference, _ in contents()))


def contents() -> Iterator[tuple[Reference, Content]]:
    """Each image of each release once, with what is in it."""
    seen: set[Reference] = set()
    for release in map(release_of, supported_versions()):
        for reference, content in references(release):
            if reference not in seen:
                seen.add(reference)
                yield reference, content


def references(release: Release) -> Iterator[tuple[Reference, Content]]:
    """The images of one release, as far as there are any."""
    for software, image in release.images.items():
        if software in _CONTENTS:
            content = _CONTENTS[software]
            folder = release.application_folder if software is Software.API else content.folder
            yield image.from_mirror(REGISTRY), replace(content, folder=folder)
    for name, service in services_of(Edition.OPEN_SOURCE, release.version).items():
        if name in _SERVICES:
            yield service.image(release.version).from_mirror(REGISTRY), _SERVICES[name]
