"""What texts give away: names under which secrets are kept, and secrets that are written out."""

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import zip_longest

_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|PASSCODE|SECRET|TOKEN|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|"
    r"(^|_)(KEY|PASS|PWD|AUTH|REQUIREPASS|MASTERAUTH)$|^AUTO_PROFILE_MERGING$",
    re.IGNORECASE,
)
_PLACE = re.compile(r"_?(FILE|PATH|DIR|DIRECTORY|FOLDER)$", re.IGNORECASE)
"""How names end that say where a secret is."""
_ABOUT = re.compile(
    r"_?(NAME|NAMESPACE|USER|USERNAME|LENGTH|TTL|EXPIRY|EXPIRATION|SECONDS|MINUTES|HOURS)$", re.IGNORECASE
)
"""How names end that say what a secret is like."""
_SWITCH = re.compile(r"(^|_)(ALLOW|ENABLE|DISABLE|REQUIRE|RANDOM|GENERATE|USE)_", re.IGNORECASE)
"""Parts of names that switch something about a secret on or off."""
_TOO_COMMON = frozenset({"key", "auth", "keys"})
"""Names that say nothing where they stand alone in a file."""
_SPELLING = re.compile(r"[^A-Za-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@\"']*:(?P<value>[^/\s@\"']+)@", re.IGNORECASE)
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_HEADER = re.compile(r"\b(?:Basic|Bearer)\s+[A-Za-z0-9+/._~=-]{6,}")
_REDIS = re.compile(r"^\s*(?:requirepass|masterauth)\s+(?P<value>\S+)", re.MULTILINE | re.IGNORECASE)
_REDIS_USER = re.compile(r"^\s*user\s+\S+.*\s>(?P<value>\S+)", re.MULTILINE | re.IGNORECASE)
_PROXY_USER = re.compile(
    r"^\s*(?:user\s+\S+\s+.*?(?:insecure-)?password\s+|stats\s+auth\s+[^\s:]+:)(?P<value>\S+)", re.MULTILINE
)
_ASSIGNED = re.compile(
    r"(?P<name>[A-Za-z_][\w.-]*)[\"']?\s*(?::=|=>|[:=])[ \t]*(?P<quote>[\"']?)(?P<value>[^\s\"'#;,]+)(?P<end>[\"']?)"
)
_LINES = ((("requirepass", "masterauth"), _REDIS), (("user",), _REDIS_USER), (("user", "stats"), _PROXY_USER))
"""Lines of configurations that hold a password, and what none of them is without."""
_HINTS = ("pass", "pwd", "secret", "token", "credential", "key", "auth", "merging")
"""Parts of the names of secrets; most lines have none of them."""
_REFERENCE = re.compile(r"""^(["'])\1$|^["']?(\$[({]|\$[A-Z_][A-Z0-9_]*["']?$|%[\[({]|\{|<|(file://)?/[\w.-])""")
"""Values that say where the secret is, or that there is none."""
_COMPUTED = re.compile(r"[(\[]|::")
_FILE_NAME = re.compile(r"\.(key|pem|crt|cer|p12|jks|conf)$", re.IGNORECASE)
_NOTHING = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null", "nil", "str", "string", "bytes", "-"})
_ELEMENT = re.compile(r"<(?P<name>[A-Za-z_][\w.-]*)>\s*(?P<value>[^<\s][^<]*)</")
_LOGIN = re.compile(r"[^\s:/@$]+:(?P<value>[^\s:/@]+)")
_LOGIN_FLAGS = frozenset({"-u", "--user", "--proxy-user", "-U"})
_FLAG = re.compile(r"^--?(?P<name>[A-Za-z][\w.-]*?)(?:[=:](?P<value>.*))?$", re.DOTALL)

IN_ADDRESS = "a password in the address"

_PROGRAM = re.compile(r"\.(py|js|ts|lua|rb|pl)$", re.IGNORECASE)
"""Names of files in which a name may be assigned what a program computes."""
_SHORTEST = 4
"""A quoted text in a program that is shorter is no secret."""


_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_FIGURES = re.compile(r"(?:[0-9a-fA-F]{2})+")


def unpacked(text: str) -> Iterator[str]:
    """The texts that stand in `text` in base64, or as hexadecimal figures: nobody but a hurried reader is fooled."""
    for found in dict.fromkeys(_ENCODED.findall(text)):
        whole = found.rstrip("=").translate(_FROM_URLS)
        try:
            raw = (
                bytes.fromhex(found) if _FIGURES.fullmatch(found) else base64.b64decode(whole + "=" * (-len(whole) % 4))
            )
            told = raw.decode()
        except (binascii.Error, ValueError):
            continue
        if told.replace("\n", "").replace("\t", "").replace("\r", "").isprintable():
            yield told


_FROM_URLS = str.maketrans("-_", "+/")


def names_a_secret(name: str) -> bool:
    """Whether what goes by `name` is a secret, in any spelling: REDIS_PASSWORD, redis-password, redisPassword."""
    found = _spelt(name)
    return bool(_SECRET_NAME.search(found)) and not _ABOUT.search(found) and not _PLACE.search(found)


def is_a_secret(name: str, value: str | None) -> bool:
    """Whether a variable `name` gives a secret away; its `value` may be the path of one, if the name says so."""
    found = _spelt(name)
    if _SWITCH.search(found) and (value or "").lower() in _NOTHING:
        return False
    if _PLACE.search(found):
        return bool(_SECRET_NAME.search(_PLACE.sub("", found))) and not (value or "").startswith("/")
    return names_a_secret(name)


def _spelt(name: str) -> str:
    return _SPELLING.sub("_", _HUMP.sub("_", name)).strip("_")


def written_out(text: str, file: str = "") -> Iterator[str]:
    """What secrets stand in `text` in clear, one phrase for each, without the secret. `file` is its name."""
    lower = text.lower()
    if "private key" in lower and _KEY_BLOCK.search(text):
        yield "a private key"
    addresses = "\n".join(line for line in text.splitlines() if "://" in line) if "://" in text else ""
    if any(not _is_reference(found["value"]) for found in _IN_URL.finditer(addresses)):
        yield IN_ADDRESS
    if ("basic" in lower or "bearer" in lower) and _HEADER.search(text):
        yield "an Authorization header"
    for words, pattern in _LINES:
        likely = any(word in lower for word in words)
        if likely and any(not _is_reference(found["value"]) for found in pattern.finditer(text)):
            yield "a password"
    if any(word in lower for word in _HINTS):
        names = [*_assigned(text, program=bool(_PROGRAM.search(file))), *_elements(text)]
        yield from (f"a value for {name}" for name in dict.fromkeys(names))


def _assigned(text: str, *, program: bool) -> Iterator[str]:
    # Most lines are about something else.
    hinting = "\n".join(line for line in text.splitlines() if any(word in line.lower() for word in _HINTS))
    for found in _ASSIGNED.finditer(hinting):
        name, value = found["name"], found["value"]
        if not names_a_secret(name) or name.lower() in _TOO_COMMON or value.lower() in _NOTHING:
            continue
        if _is_reference(value) or _FILE_NAME.search(value):
            continue
        quoted = bool(found["quote"]) and found["quote"] == found["end"] and not _COMPUTED.search(value)
        if not program or (quoted and len(value) >= _SHORTEST):
            yield name


def _elements(text: str) -> Iterator[str]:
    for found in _ELEMENT.finditer(text):
        if names_a_secret(found["name"]) and not _is_reference(found["value"]):
            yield found["name"]


def _is_reference(value: str) -> bool:
    return bool(_REFERENCE.search(value))


def in_arguments(words: tuple[str, ...]) -> Iterator[str]:
    """What secrets stand on a command line in clear, one phrase for each, without the secret."""
    yield from dict.fromkeys(found for word in words for found in written_out(word))
    # A shell's script is one word with many inside.
    parts = [part for word in words for part in word.split()]
    for part, after in zip_longest(parts, parts[1:], fillvalue=""):
        flag = _FLAG.match(part)
        login = _LOGIN.fullmatch(after.strip("\"'")) if part in _LOGIN_FLAGS else None
        # Figures are a group, as in --user 1000:1000.
        if login and not login["value"].isdecimal() and not _is_reference(login["value"]):
            yield f"a password after {part}"
        if flag is None or not names_a_secret(flag["name"]):
            continue
        value = flag["value"] if flag["value"] is not None else after
        if value and not value.startswith("-") and not _is_reference(value) and value.lower() not in _NOTHING:
            yield f"a value for {part.partition('=')[0]}"
    if any(part.rpartition("/")[2].startswith("mysql") for part in parts):
        yield from (
            "a password" for part in parts if re.fullmatch(r"-p.+", part) and not _is_reference(part.removeprefix("-p"))
        )
