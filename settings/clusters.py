"""The three clusters behind balancers (`tracardi:track`, `tracardi:guiApi`, `tracardi:gui` in a stack file)."""

from pydantic import Field

from model.limits import MAX_INSTANCES, MIN_GUI_INSTANCES, MIN_TRACK_INSTANCES
from model.routes import Collection
from settings import environment
from settings.balancer import BalancerSettings
from settings.base import Refusal, Refusals, Section
from settings.console import ContentSecurityPolicySettings
from settings.environment import Environment
from settings.network import EgressSettings
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
    """Autoscaler bounds. Left out, each of them: what tracardi:capacity needs, if that is given."""
    cpu_target_percent: int = Field(default=60, ge=20, le=90)
    """Average CPU use, in percent of the request, above which the autoscaler adds instances."""
    routes: tuple[Collection, ...] = (Collection.TRACKER,)
    """Collection routes that the internet may reach besides POST /track."""
    environment: Environment = {}
    """Extra environment variables of the collectors."""
    egress: EgressSettings = EgressSettings()
    """What the collectors may reach outside the installation."""
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
    egress: EgressSettings = EgressSettings()
    """What the GUI API may reach outside the installation."""
    balancer: BalancerSettings = BalancerSettings()
    """The GUI API's balancer."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        yield from environment.refusals(self.environment, ("guiApi", "environment"))
        yield from self.balancer.refusals(("guiApi", "balancer"))


class GuiSettings(Section):
    """Tracardi's web console, reachable from trusted networks only."""

    enabled: bool = True
    """false for a small installation whose users run the console on their own machines."""
    host: HostName | None = None
    """Host name of the console."""
    replicas: int = Field(default=MIN_GUI_INSTANCES, ge=1, le=20)
    """Instances."""
    content_security_policy: ContentSecurityPolicySettings = ContentSecurityPolicySettings()
    """What the console's pages may load and call."""
    balancer: BalancerSettings = BalancerSettings()
    """The console's balancer."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        yield from self.balancer.refusals(("gui", "balancer"))
        if self.enabled and self.host is None:
            yield Refusal(("gui", "host"), None, "needed: host name of the console", "Add it, or set enabled: false.")
        if not self.enabled:
            for name in sorted(self.model_fields_set - {"enabled"}):
                key = type(self).model_fields[name].alias or name
                yield Refusal(("gui", key), "present", "unused with enabled: false", "Remove it.")
