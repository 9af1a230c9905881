"""Looking again and again at what there is and what there should be."""

import threading
from collections.abc import Callable, Mapping

from tools.nodes.cloud.journal import Journal

PERIOD = 0.3
"""Seconds between two looks."""


def run(steps: Mapping[str, Callable[[], None]], stop: threading.Event, journal: Journal) -> None:
    """Take every step once in a period, until `stop` is set; one that fails keeps the others from nothing."""
    while not stop.is_set():
        for name, step in steps.items():
            with journal.about(name):
                step()
        stop.wait(PERIOD)
