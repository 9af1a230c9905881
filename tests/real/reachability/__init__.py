"""Who reaches whom: what the stack declares, what is seen when everything is tried, and the layers that see to it."""
