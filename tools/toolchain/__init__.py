"""The toolchain behind `make tools`.

Pulumi with its plugins, the embedded cluster's programs and the Python environment. `ensure` returns at once when all
of it is there, so every other tool calls it first.
"""

from tools.toolchain.assembly import Toolchain
from tools.toolchain.prepare import ensure

__all__ = ["Toolchain", "ensure"]
