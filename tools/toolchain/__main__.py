"""Command line of the toolchain builder: `python3 -m tools.toolchain [ensure|trim|clean] [--group G]...`."""

import argparse
import shutil
import sys
from pathlib import Path

from tools.errors import ToolError
from tools.locks import exclusive
from tools.toolchain.prepare import DEFAULT_GROUPS, ensure
from tools.toolchain.progress import Progress
from tools.toolchain.site import Site

_INTERRUPTED = 130


def main() -> int:
    """Run the command; 0 when it is done, 1 when it cannot be."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "clean":
            clean(Site.here())
        elif arguments.command == "trim":
            trim(Site.here())
        else:
            ensure(frozenset(arguments.group) or DEFAULT_GROUPS)
    except ToolError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tools: interrupted; what is finished is kept, and the next run goes on from there", file=sys.stderr)
        return _INTERRUPTED
    return 0


def clean(site: Site) -> None:
    """Remove everything that tools keep in the cache folder, and the folder itself if nothing else is in it."""
    _remove(site, site.toolchain, site.uv, site.go_build, site.debian, site.images)


def trim(site: Site) -> None:
    """Remove Go's build cache, by far the largest thing there, which only a later build would use."""
    _remove(site, site.go_build)


def _remove(site: Site, *folders: Path) -> None:
    if not site.cache.exists():
        return
    site.cache.mkdir(parents=True, exist_ok=True)
    with exclusive(site.cache, lambda: Progress().say("another run is preparing the toolchain; waiting for it")):
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        if not any(site.cache.iterdir()):
            site.cache.rmdir()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tools.toolchain", description="Prepare the toolchain.")
    parser.add_argument(
        "command",
        nargs="?",
        choices=("ensure", "trim", "clean"),
        default="ensure",
        help="ensure (the default) makes the groups ready; trim removes Go's build cache, which only a later build "
        "would use; clean removes everything that tools keep in the cache folder",
    )
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        help="pulumi, cluster, nodes (real ones), checks (what judges the manifests) or python (the environment "
        "alone); may be repeated; pulumi and cluster if none is named",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
