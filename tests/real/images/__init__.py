"""The images that stacks run on in tests, in the place of those that registries have; made here, pulled from nowhere.

HAProxy, nginx, Redis and MariaDB (in MySQL's place) are Debian's, Elasticsearch is a real node, and Tracardi's API is
the contract server of `tests/contract`. Every image has the name that the release catalogue gives it, in the registry
`images.test`, so a stack needs no more than `imageRegistry: images.test`. There is none of MySQL Router.
"""

from tests.real.images.build import archive
from tests.real.images.catalogue import REGISTRY, names

__all__ = ["REGISTRY", "archive", "names"]
