"""Numbers that Tracardi's production guides and its measured behaviour set; each with its source."""

MIN_TRACK_INSTANCES = 3
"""Tracardi's production guide: at least three instances collect events."""

MIN_API_INSTANCES = 5
"""Tracardi's production guide: at least five API instances in all."""

MIN_GUI_INSTANCES = 2
"""Tracardi's production guide."""

MIN_ELASTICSEARCH_NODES = 3
"""Tracardi's production guide; also the smallest cluster that keeps a quorum when a node is lost."""

MIN_BALANCERS = 2
"""Tracardi's production guide: no balancer may be a single point of failure."""

MIN_NODES = 3
"""A cluster's instances share no node as long as there are no more than these, and beyond that share nodes evenly.

As many as collectors must be at least: a lost node then takes a third of a cluster, as it does of the smallest one that
Tracardi's production guide allows.
"""

MIN_TRACK_INSTANCES_SMALL = 2
"""Tracardi's older guide for small installations."""

MAX_INSTANCES = 200
"""DNS answers of more addresses need TCP and slow every balancer's resolver down."""

MAX_BALANCERS = 20
"""Balancers share the requests that an instance can take; more than these would leave each of them hardly any."""

MIN_PASSWORD_LENGTH = 32
"""Generated passwords; releases up to 1.0 store them as SHA-1 with a fixed salt, so only length protects them."""

MIN_GIVEN_PASSWORD_LENGTH = 20
"""Passwords that a stack is given; Tracardi warns about a merging secret that is shorter."""

MIN_DISTINCT_CHARACTERS = 8
"""Fewer different characters than these make a pattern, not a password."""

WIDEST_TRUSTED_PREFIX_V4 = 8
"""A trusted IPv4 network is at most a /8: anything wider is not a network that anybody controls."""

WIDEST_TRUSTED_PREFIX_V6 = 32
"""A trusted IPv6 network is at most a /32, the size a provider gets."""

MOST_OF_WIDEST_NETWORKS = 4
"""All networks of a list together are at most as large as this many of the widest: private use takes a bit over one."""

SUPPORTED_KUBERNETES = (1, 31)
"""Oldest supported version: `matchLabelKeys` in topology spread and the sleep lifecycle hook are on from there."""
