"""The three clusters behind balancers (`tracardi:track`, `tracardi:guiApi`, `tracardi:gui` in a stack file)."""

from pydantic import Field

from model.limits import MAX_INSTANCES, MIN_GUI_INSTANCES, MIN_TRACK_INSTANCES
from model.routes import Collection
from settings import environment
from settings.balancer import BalancerSettings
from settings.base import Refusal, Refusals, Section
from settings.environment import Environment
from settings.types import HostName


class ReplicaRange(Section):
    """Bounds of an autoscaler; equal bounds switch it off."""

    min: int = Field(default=MIN_TRACK_INSTANCES, ge=1, le=MAX_INSTANCES)
    """Instances that always run."""
    max: int = Field(default=10, ge=1, le=MAX_INSTANCES)
    """Instances that the autoscaler may start."""


class TrackSettings(Section):
    """How events are collected from the internet."""

    host: HostName
    """Public host name that websites send events to."""
    replicas: ReplicaRange = ReplicaRange()
    """Autoscaler bounds."""
    cpu_target_percent: int = Field(default=60, ge=20, le=90)
    """Average CPU use, in percent of the request, above which the autoscaler adds instances."""
    routes: tuple[Collection, ...] = (Collection.TRACKER,)
    """Collection routes that the internet may reach besides POST /track."""
    environment: Environment = {}
    """Extra environment variables of the collectors."""
    balancer: BalancerSettings = BalancerSettings()
    """The public balancer."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        if self.replicas.max < self.replicas.min:
            yield Refusal(
                ("track", "replicas", "max"),
                self.replicas.max,
                f"at least replicas.min, which is {self.replicas.min}",
                "Raise max, or lower min.",
            )
        yield from environment.refusals(self.environment, ("track", "environment"))
        yield from self.balancer.refusals(("track", "balancer"))


class GuiApiSettings(Section):
    """The API that the GUI and its users talk to, reachable from trusted networks only."""

    host: HostName
    """Host name of the GUI API; the users' browsers call it."""
    replicas: int = Field(default=2, ge=1, le=MAX_INSTANCES)
    """Instances."""
    environment: Environment = {}
    """Extra environment variables of the GUI API."""
    balancer: BalancerSettings = BalancerSettings()
    """The GUI API's balancer."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        yield from environment.refusals(self.environment, ("guiApi", "environment"))
        yield from self.balancer.refusals(("guiApi", "balancer"))


class GuiSettings(Section):
    """Tracardi's web console, reachable from trusted networks only."""

    host: HostName
    """Host name of the console."""
    replicas: int = Field(default=MIN_GUI_INSTANCES, ge=1, le=20)
    """Instances."""
    balancer: BalancerSettings = BalancerSettings()
    """The console's balancer."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        yield from self.balancer.refusals(("gui", "balancer"))
