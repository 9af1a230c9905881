"""A steady load of events on an installation, an account of every one of them, and what is done meanwhile."""

from tests.real.load.account import Account
from tests.real.load.traffic import Traffic, traffic

__all__ = ["Account", "Traffic", "traffic"]
