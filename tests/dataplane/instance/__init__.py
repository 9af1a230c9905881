"""What the pods run in place of Tracardi's images, which carry more than a test can have at hand."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Working directory of an API pod: `app.main:application` is found in it. `gui/` is the console's document root."""
