"""How fast the balancers are: `python -m tests.dataplane.bench`, the second half of `make bench`."""
