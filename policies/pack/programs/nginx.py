"""The configuration that nginx will read: what listens, and whether it speaks TLS."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from policies.pack.kubernetes import files
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs.haproxy.listening import STRONG
from policies.pack.programs.supervision import unsupervised
from policies.pack.unreadable import UnreadableError

_PROGRAMS = frozenset({"nginx", "/usr/sbin/nginx"})
_HARMLESS_GLOBAL = frozenset({"daemon off;"})
_KNOWN_FILES = frozenset({"/etc/nginx/mime.types", "mime.types"})
"""What the image has in them opens no port."""
_TOKEN = re.compile(
    r"\s+|#[^\n]*|(?P<mark>[{};])|\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<word>[^\s{};\"'][^\s{};]*)"
)
_LOOPBACK = ("127.", "[::1]", "localhost", "unix:")
_SECURE = frozenset({"ssl", "quic"})
_CODE = re.compile(r"30[12378]")


@dataclass(frozen=True)
class Directive:
    """A directive with its words, and with those inside its braces."""

    words: tuple[str, ...]
    inside: tuple["Directive", ...] = ()

    @property
    def name(self) -> str:
        """What it says."""
        return self.words[0]


def plain_ports(workload: Workload, container: Container) -> tuple[str, ...]:
    """What is wrong with what nginx in `container` listens on.

    Raises:
        UnreadableError: its command line is not understood, or its file cannot be found or read.
    """
    text = files.read(workload, container, PurePosixPath(_file(workload, container)))
    return tuple(_problems(parse(text)))


def _file(workload: Workload, container: Container) -> str:
    line = list(unsupervised(workload, container))
    if not line or line.pop(0) not in _PROGRAMS:
        raise UnreadableError("its command line does not start nginx")
    file = None
    while line:
        option, value = line.pop(0), line.pop(0) if line else ""
        if option == "-c" and value:
            file = value
        elif option != "-g" or value not in _HARMLESS_GLOBAL:
            raise UnreadableError(f"its command line has {option}, which these rules do not know")
    if file is None:
        raise UnreadableError("its command line names no configuration")
    return file


def parse(text: str) -> tuple[Directive, ...]:
    """The directives in `text`.

    Raises:
        UnreadableError: `text` is no configuration.
    """
    tokens = list(_tokens(text))
    found = tuple(_block(tokens))
    if tokens:
        raise UnreadableError("a brace that closes nothing")
    return found


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Words, and marks (True)."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise UnreadableError("a quotation that does not end")
        at = found.end()
        if found["mark"]:
            yield found["mark"], True
        elif (
            word := next((found[name] for name in ("double", "single", "word") if found[name] is not None), None)
        ) is not None:
            yield word, False


def _block(tokens: list[tuple[str, bool]], *, depth: int = 0) -> Iterator[Directive]:
    words: list[str] = []
    while tokens:
        word, mark = tokens.pop(0)
        if not mark:
            words.append(word)
        elif word == "}":
            if words or not depth:
                raise UnreadableError("a brace that closes nothing")
            return
        elif not words:
            raise UnreadableError("a directive without a name")
        else:
            yield Directive(tuple(words), tuple(_block(tokens, depth=depth + 1)) if word == "{" else ())
            words = []
    if words or depth:
        raise UnreadableError("a directive that does not end")


def _problems(directives: tuple[Directive, ...]) -> Iterator[str]:
    for directive in directives:
        if directive.name == "include" and directive.words[1:] not in {(file,) for file in _KNOWN_FILES}:
            yield "includes files that these rules do not follow"
        if directive.name == "load_module":
            yield "loads modules that these rules do not know"
        if directive.name == "ssl_protocols" and not set(directive.words[1:]) <= STRONG:
            yield f"accepts {' '.join(directive.words[1:])}"
        if directive.name == "server" and directive.inside:
            yield from _server(directive.inside)
        yield from _problems(directive.inside)


def _server(inside: tuple[Directive, ...]) -> Iterator[str]:
    listens = [directive.words[1:] for directive in inside if directive.name == "listen"]
    if _only_redirects(inside):
        return
    if not listens:
        yield "listens on port 80 in plain text"
    for words in listens:
        if not (_SECURE & set(words[1:]) or (words and words[0].startswith(_LOOPBACK))):
            yield f"listens on {words[0] if words else 'something'} in plain text"


def _only_redirects(inside: tuple[Directive, ...]) -> bool:
    answers = [directive for directive in inside if directive.name not in {"listen", "server_name"}]
    return len(answers) == 1 and _redirects(answers[0])


def _redirects(directive: Directive) -> bool:
    name, code, target = (*directive.words, "", "")[:3]
    return name == "return" and bool(_CODE.fullmatch(code)) and target.startswith("https://")
