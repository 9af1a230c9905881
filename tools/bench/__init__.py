"""The performance table (`make bench`): what the commands take, beside what they may take.

Everything is measured in one run on clusters of its own, and no-op previews that are compared run in turn, so that a
busy machine slows all of them. Nothing here fails when a budget is missed: the table says so.
"""
