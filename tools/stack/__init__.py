"""The stack commands behind `make up`, `make preview`, `make down` and `make env`.

Each of them makes ready what it needs (toolchain, cluster, stack) and then runs Pulumi in the repository.
"""
