"""The load that an installation is made for (`tracardi:capacity` in a stack file)."""

from pydantic import Field

from model.capacity import DEFAULT_NEW_VISITORS, CostModel, Load
from settings.base import Refusal, Refusals, Section

MOST_REQUESTS = 1_000_000
"""Requests a second that a load may have."""


class CapacitySettings(Section):
    """The load that the installation is made for.

    What carries it is reckoned where the stack says no numbers of its own; numbers that cannot carry it are refused.
    """

    sustained: int = Field(ge=1, le=MOST_REQUESTS)
    """Requests with events each second, for hours: what the collectors that always run carry."""
    peak: int = Field(ge=1, le=MOST_REQUESTS)
    """Requests each second at the most: what the collectors that the autoscaler may start carry."""
    new_visitors: float = Field(default=DEFAULT_NEW_VISITORS, ge=0, le=1)
    """Share of requests that are a visitor's first, 0 to 1; they cost three times as much, and Elasticsearch more."""
    model: CostModel = CostModel.MEASURED
    """measured: CPU that release 0.8.2.1 was seen to use. guides: 300 requests a second for each collector."""

    retention_days: int | None = Field(default=None, ge=1, le=3650)
    """Days that events are kept until somebody deletes their index, as a whole: Tracardi deletes nothing by itself.
    Volumes that would be full before are refused; left out: nothing is checked."""

    @property
    def load(self) -> Load:
        """The load, for the model of capacity."""
        return Load(self.sustained, self.peak, self.new_visitors)

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        if self.peak < self.sustained:
            yield Refusal(
                ("capacity", "peak"), self.peak, f"at least sustained, which is {self.sustained}", "Raise it."
            )
