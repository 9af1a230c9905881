"""Sites: an installation that runs, and people on both sides of it."""

from functools import cached_property
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from typing import Any

from model.roles import Role
from settings.root import Settings
from tests.dataplane.cluster import Cluster, Workload
from tests.dataplane.cluster.objects import Objects
from tests.dataplane.sandbox import Place, World
from tests.unit.engine import Recording
from tests.unit.stacks import changed, stack_file

INTERNET = ("203.0.113.0/24", "2001:db8:beef::/64")
TRUSTED = ("192.0.2.0/24", "2001:db8:1::/64")
"""The networks that the tests' stacks trust."""


def small(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
    """The configuration of the small stack, which trusts `TRUSTED`, with `section__key=value` changed."""
    return changed(stack_file("dev"), **{"network__trusted": list(TRUSTED), **changes})


class Site:
    """One installation in a world of its own, a visitor on the internet, and an office in a trusted network."""

    def __init__(self, world: World, settings: Settings, recording: Recording, folder: Path, **delays: float) -> None:
        self.world = world
        self.settings = settings
        self.recording = recording
        self.objects = Objects(recording)
        self.cluster = Cluster(world, self.objects, folder, **delays)
        self._strangers = count(1)
        self._internet = world.network("internet", *INTERNET)
        self._trusted = world.network("trusted", *TRUSTED)

    @cached_property
    def visitor(self) -> Place:
        """Somebody on the internet, at 203.0.113.10 and 2001:db8:beef::a."""
        return self.world.place("visitor", self._internet)

    @cached_property
    def office(self) -> Place:
        """Somebody in a trusted network, at 192.0.2.10 and 2001:db8:1::a."""
        return self.world.place("office", self._trusted)

    def stranger(self) -> Place:
        """Somebody else on the internet each time, with addresses of their own."""
        return self.world.place(f"stranger{next(self._strangers)}", self._internet)

    def crowd(self, number: int = 100, first: int = 100) -> Place:
        """Visitors with an IPv4 address each, all in one place: no limit for a single client holds them.

        Connections by IPv4 come from each in turn, whatever program makes them. Another crowd has another
        `first`, such that no address belongs to both.
        """
        every, six = (ip_network(subnet) for subnet in INTERNET)
        members = [str(every[first + each]) for each in range(number)]
        place = self.world.place(f"crowd{first}", self._internet, *members, str(six[first]))
        origins = ", ".join(f"{each} : {address}" for each, address in enumerate(members))
        place.run(
            *("nft", "add table ip crowd; add chain ip crowd leaving { type nat hook postrouting priority srcnat; };"),
            f"add rule ip crowd leaving oifname eth0 snat to numgen inc mod {number} map {{ {origins} }}",
        ).check_returncode()
        return place

    @property
    def authority(self) -> str:
        """PEM of the authority that has signed what clients see, where the stack generates it."""
        return str(self.recording.outputs["certificateAuthority"])

    def run(self, role: Role, replicas: int | None = None, **environment: str) -> Workload:
        """Start what plays `role`, and wait until it is ready; `environment` is for the stand-ins."""
        return self.cluster.run(role, replicas, environment)

    def run_track(self, replicas: int | None = None, balancers: int | None = None, **environment: str) -> Workload:
        """Start the track cluster with its balancers; returns the API's pods."""
        api = self.run(Role.TRACK_API, replicas, **environment)
        self.run(Role.TRACK_BALANCER, balancers)
        return api

    def host(self, role: Role) -> str:
        """The name that clients use for the entry of the balancer `role`."""
        hosts = {
            Role.TRACK_BALANCER: self.settings.track.host,
            Role.GUI_API_BALANCER: self.settings.gui_api.host,
            Role.GUI_BALANCER: self.settings.gui.host,
        }
        return str(hosts[role])
