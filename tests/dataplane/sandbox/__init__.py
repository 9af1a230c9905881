"""Namespaces in which tests run programs: nothing of the machine is touched, and all ends with the test process."""

from tests.dataplane.sandbox.jail import Bind, Jail
from tests.dataplane.sandbox.world import Network, Place, World

__all__ = ["Bind", "Jail", "Network", "Place", "World"]
