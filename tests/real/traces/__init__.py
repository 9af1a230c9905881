"""What a cluster could leave on this machine: processes, and what the machine itself has of everything else."""

from tests.real.traces.host import Host, seen
from tests.real.traces.inhabitants import Inhabitant, alive, inhabitants, mentioning

__all__ = ["Host", "Inhabitant", "alive", "inhabitants", "mentioning", "seen"]
