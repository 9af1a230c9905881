"""An installation on real nodes, and everything that tests do to it and see of it."""

from tests.real.site.installation import Installation
from tests.real.site.machine import Machine

__all__ = ["Installation", "Machine"]
