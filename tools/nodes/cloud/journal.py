"""What the cloud says: a line for each change, and for each trouble when it begins."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from tools.errors import ToolError


class Journal:
    """Tells changes, and troubles once for as long as they last."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self._troubles: dict[str, str] = {}

    @contextlib.contextmanager
    def about(self, subject: str) -> Iterator[None]:
        """Go on after an OSError or ToolError of the block: the next round tries again."""
        try:
            yield
        except (OSError, ToolError) as error:
            if self._troubles.get(subject) != str(error):
                self._troubles[subject] = str(error)
                self.tell(f"{subject}: {error}")
        else:
            if self._troubles.pop(subject, None) is not None:
                self.tell(f"{subject}: as it should be again")


def write(line: str) -> None:
    """A line to standard error, with the time of day (UTC)."""
    now = time.time()
    stamp = time.strftime("%H:%M:%S", time.gmtime(now))
    print(f"{stamp}.{int(now % 1 * 1000):03d} {line}", file=sys.stderr, flush=True)
