"""The contract server, which stands in for Tracardi's API in clusters without the real image, and what proves it."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Working directory in which the server's package `app` is found."""
