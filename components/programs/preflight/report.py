"""What is found, and how it is told: short lines in which no secret ever stands."""

import base64
import json
import re
import sys
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

QUOTED_LENGTH = 160
"""Characters of a foreign text that a line repeats at most: Kubernetes passes on the last 2048 of all lines."""


@dataclass(frozen=True)
class Finding:
    """Something that keeps API pods from working with a store."""

    setting: str
    """Path of the setting in the stack file that has to do with it."""
    tried: str
    came: str
    remedy: str
    passing: bool = False
    """Whether it may go away by itself, such as with a store that is just starting."""

    def __str__(self) -> str:
        return f"{self.setting}: {self.tried}: {self.came}. {self.remedy}"


class Failed(Exception):  # noqa: N818 - a finding that ends a check, not an error of this program
    """The finding after which a store cannot be checked any further."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


class Journal:
    """Everything that this program prints."""

    def __init__(self) -> None:
        self._hidden: set[str] = set()

    def hide(self, secret: str) -> None:
        """Keeps a secret out of whatever is printed later, in each notation that an answer may repeat it in."""
        if not secret:
            return
        escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
        encoded = base64.b64encode(secret.encode()).decode()
        self._hidden |= escaped | {secret, encoded, quote(secret), quote(secret, safe=""), quote_plus(secret)}

    def scrub(self, text: str) -> str:
        """`text` as one line, without hidden values, user names in addresses, and hashes."""
        for secret in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(secret, "***")
        text = re.sub(r"(?<=//)[^/\s@]*(?=@)|[0-9A-Fa-f]{32,}", "***", text)
        return " ".join("".join(c if c.isascii() and c.isprintable() else " " for c in text).split())

    def say(self, text: str) -> None:
        """A line of progress."""
        sys.stdout.write(self.scrub(text) + "\n")
        sys.stdout.flush()

    def complain(self, text: str) -> None:
        """A line about what is wrong."""
        sys.stderr.write(self.scrub(text) + "\n")


def quoted(text: str) -> str:
    """A foreign text, as much of it as a line repeats."""
    return text if len(text) <= QUOTED_LENGTH else f"{text[:QUOTED_LENGTH]}..."
