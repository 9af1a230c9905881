"""Starts the checks."""

import os
import sys

from .checks import main

if __name__ == "__main__":
    sys.exit(main(os.environ))
