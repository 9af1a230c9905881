"""The sets of packages, by name. A new one is one more module, and one more entry here.

No set's folder depends on the packages of another: a program more for nodes downloads no browser again.
"""

from tools.debian.sets.images import IMAGES
from tools.debian.sets.maven import MAVEN
from tools.debian.sets.node import NODE
from tools.debian.sets.programs import PROGRAMS

SETS = {known.name: known for known in (PROGRAMS, NODE, IMAGES, MAVEN)}

__all__ = ["SETS"]
