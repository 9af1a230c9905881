"""Debian's programs in a folder of the cache, installed nowhere: what `tests/dataplane` runs.

`root` returns at once when they are there, so whatever needs them calls it first.
"""

from tools.debian.prepare import root

__all__ = ["root"]
