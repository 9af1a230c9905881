"""Several clients in the network that plays the internet: balancers limit what a single address may ask for at once."""

import subprocess
from pathlib import Path

from tests.real.site import Machine
from tools.nodes import operations
from tools.nodes.addresses import INTERNET
from tools.nodes.layout import Places
from tools.nodes.programs import debian

_FIRST = 64
"""Of those that nobody has."""


def addresses(machine: Machine, number: int) -> tuple[str, ...]:
    """So many addresses in the internet, each a client's of its own."""
    found = tuple(str(INTERNET.network[_FIRST + each]) for each in range(number))
    programs = Path(Places(machine.cluster.folder).read().debian)
    inside = ["nsenter", f"--net={operations.namespace(machine.cluster, INTERNET.name)}", "--"]
    for address in found:
        interface = f"{address}/{INTERNET.network.prefixlen}"
        command = [*inside, *debian(programs, "usr/sbin/ip"), "address", "replace", interface, "dev", "eth0"]
        subprocess.run(command, check=True, capture_output=True)
    return found
