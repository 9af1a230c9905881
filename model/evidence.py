"""How well a fact about Tracardi is known."""

from enum import StrEnum


class Evidence(StrEnum):
    """How well a fact is known."""

    OBSERVED = "observed"
    """A release's unchanged sources were run."""
    DOCUMENTED = "documented"
    """Tracardi's documentation or charts say so."""
    ASSUMED = "assumed"
    """Reckoned from facts of another kind; nobody has seen or written it."""
