"""The images that a cluster of real nodes needs for itself, made of programs that need nothing else."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.debian import root
from tools.errors import ToolError
from tools.nodes.oci import Image, Layer, write_archive

REGISTRY = "images.test"
"""Reserved for tests (RFC 6761), so no node ever finds anybody to pull from."""
PAUSE = f"{REGISTRY}/pause:1"
"""What holds a pod's namespaces."""
COREDNS = f"{REGISTRY}/coredns:1.13.1"
METRICS_SERVER = f"{REGISTRY}/metrics-server:0.8.0"
USER = "65532:65532"
"""Nobody's number, and no name: these images have no list of users."""


@dataclass(frozen=True)
class _Single:
    """An image with one program, which a pod's arguments go to."""

    name: str
    program: Path
    options: tuple[str, ...] = ()

    def image(self, folder: Path) -> Image:
        if not self.program.is_file():
            raise ToolError(
                f"{self.program} is missing; {self.name} is made of it. `make clean-tools` and a new start help."
            )
        (folder / "tmp").mkdir(parents=True)
        (folder / "tmp").chmod(0o1777)
        shutil.copyfile(self.program, folder / self.program.name)
        (folder / self.program.name).chmod(0o755)
        return Image(self.name, (Layer(folder),), entrypoint=(f"/{self.program.name}", *self.options), user=USER)


def cluster_images(programs: Path, file: Path, debian: Path | None = None) -> None:
    """Write the archive of the cluster's own images to `file`.

    `programs` holds coredns and metrics-server, linked statically; `debian` is the root folder that has catatonit, by
    default the package set "node", which is prepared where it is missing.

    Raises:
        ToolError: a program is missing, or the package set cannot be had.
    """
    # With -P it does nothing but wait and collect what has ended; it is linked statically.
    catatonit = (debian or root("node")) / "usr" / "bin" / "catatonit"
    wanted = (
        _Single(PAUSE, catatonit, ("-P",)),
        _Single(COREDNS, programs / "coredns"),
        _Single(METRICS_SERVER, programs / "metrics-server"),
    )
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}-") as work:
        folders = Path(work)
        write_archive([each.image(folders / each.program.name) for each in wanted], file)
