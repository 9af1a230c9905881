"""A cloud with real packets: the router, three nodes and an API server that stand in for a cluster."""
