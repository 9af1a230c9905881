"""`python3 -m tools.stack up|preview|preview-all|down|env|outputs|clean`, the commands behind the Makefile."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.cluster import DEFAULT_NAME
from tools.errors import ToolError
from tools.layout import repository, work_dir
from tools.stack import commands, files, kept, previews, shell
from tools.stack.clean import clean
from tools.stack.session import DEFAULT_STACK, Request, nothing_to_take_down, prepare
from tools.stack.terminal import say

_INTERRUPTED = 130
_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Variable that names a file for people to read, where one runs us for a pull request."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except ToolError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stack: interrupted", file=sys.stderr)
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    current = dict(os.environ)
    own = shell.users_own(current)
    # For every tool that we call: none of them may take what `make env` has set for a choice of the user.
    os.environ.clear()
    os.environ.update(own)
    request = Request(options.stack, options.context, options.cluster)
    keep = kept.wanted(options.data)
    match options.command:
        case "up":
            return commands.up(prepare(request, own, _tell), say)
        case "preview":
            return commands.preview(prepare(request, own, _tell), say)
        case "preview-all":
            return previews.preview_all(
                files.known_stacks(repository()),
                lambda stack: prepare(Request(stack, options.context, options.cluster), own, _tell),
                say,
                Path(own[_SUMMARY]) if own.get(_SUMMARY) else None,
            )
        case "down" if reason := nothing_to_take_down(request, own):
            say(f"nothing to take down: {reason}")
        case "down":
            return commands.down(prepare(request, own, _tell), say, keep=keep)
        case "env":
            with _standard_output_kept_for_us():
                text = commands.env(prepare(request, own, _tell), current)
            print(text, end="")
        case "outputs":
            with _standard_output_kept_for_us():
                text = commands.outputs(prepare(request, own, _tell), options.name, show_secrets=options.show_secrets)
            print(text, end="")
        case "clean":
            clean(repository(), work_dir(), say)
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _standard_output_kept_for_us() -> Iterator[None]:
    """Send what anything prints meanwhile, programs that we start included, to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tools.stack", description="Stacks of this repository.")
    parser.add_argument("command", choices=["up", "preview", "preview-all", "down", "env", "outputs", "clean"])
    parser.add_argument("name", nargs="*", help="outputs: the output to print (default: all, as JSON)")
    parser.add_argument("--stack", default=DEFAULT_STACK, help="name of the stack (default: %(default)s)")
    parser.add_argument("--context", default="", help="context of your kubeconfig, in place of the embedded cluster")
    parser.add_argument("--cluster", default=DEFAULT_NAME, help="name of the embedded cluster (default: %(default)s)")
    parser.add_argument("--data", default="", help="down: `keep` leaves the data in the cluster")
    parser.add_argument("--show-secrets", action="store_true", help="outputs: in clear text")
    return parser


if __name__ == "__main__":
    sys.exit(main())
