"""Debian's programs in folders of the cache, installed nowhere: one root folder for each set of packages.

`root` returns at once when a set is there, so whatever needs it calls it first.
"""

from tools.debian.prepare import root

__all__ = ["root"]
