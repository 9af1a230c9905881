"""A track cluster with TLS all the way whose certificates are renewed while it runs."""

import ssl
import time
from dataclasses import dataclass, field

from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.load import Load
from tests.dataplane.clients.raw import handshake
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod
from tests.dataplane.cluster.workloads import until
from tests.dataplane.installation.authorities import Signed
from tests.dataplane.installation.sites import Site
from tests.dataplane.installation.variants import await_entry, deployment
from tests.dataplane.sandbox import Place

QUICK_SECONDS = 1
SLACK_SECONDS = 10.0
"""For handshakes, reloads and a busy machine, beyond the time between two looks at the files."""
TAKEN = "Loading success"
"""HAProxy's word for a configuration that it has taken over."""
_HANDSHAKES = 4
_PORTS = {Role.TRACK_BALANCER: Port.BALANCER_HTTPS, Role.TRACK_API: Port.HTTP, Role.GUI: Port.HTTP}


@dataclass(frozen=True)
class Renewals:
    """Two instances and two balancers of `site`, for clients that trust `ca` (PEM)."""

    site: Site
    ca: str
    quick: bool
    """Whether everything looks at its files every second, instead of as often as the program has it."""
    crowd: Place = field(init=False)
    """Visitors with many addresses."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "crowd", self.site.crowd())
        environment = {"SUPERVISE_SECONDS": str(QUICK_SECONDS)} if self.quick else {}
        if self.quick:
            manifest = deployment(self.site, Role.TRACK_API)
            manifest["spec"]["template"]["spec"]["containers"][0]["args"].append(f"--reload-seconds={QUICK_SECONDS}")
            self.site.objects.put(manifest)
        self.site.run(Role.TRACK_API, 2)
        self.site.run(Role.TRACK_BALANCER, 2, **environment)
        self.site.run(Role.GUI, 1, **environment)
        await_entry(self.site, Role.TRACK_BALANCER, self.ca)

    @property
    def host(self) -> str:
        """The public name."""
        return self.site.host(Role.TRACK_BALANCER)

    def pods(self, role: Role) -> list[Pod]:
        """Those that play `role`."""
        return self.site.cluster.workloads[role].pods

    def load(self, *, http2: bool = False, reuse: bool = True) -> Load:
        """Visitors who keep ten connections, or make one for each event."""
        address = self.site.cluster.entry(Role.TRACK_BALANCER)
        return Load(place=self.crowd, addresses=(address,), host=self.host, ca=self.ca, http2=http2, reuse=reuse)

    def shown(self, role: Role, pod: Pod) -> bytes:
        """The certificate that a pod of `role` shows, DER."""
        context = trusting(None)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return handshake(self.site.world.router, pod.address, int(_PORTS[role]), context, self.host).certificate

    def await_shown(
        self, role: Role, data: Signed, seconds: float = QUICK_SECONDS + SLACK_SECONDS, pods: list[Pod] | None = None
    ) -> float:
        """Wait until all pods of `role` (or `pods`) show the certificate in `data`; when that was, by the clock.

        Raises:
            TimeoutError: it is not so after so many `seconds`.
        """
        wanted, asked = leaf(data), self.pods(role) if pods is None else pods
        # Workers that are about to end may still take a connection.
        until(
            lambda: all(self.shown(role, pod) == wanted for pod in asked * _HANDSHAKES),
            lambda: f"{role} shows another certificate: {''.join(pod.log()[-2000:] for pod in asked)}",
            seconds,
        )
        return time.monotonic()


class Logs:
    """What pods write from now on."""

    def __init__(self, pods: list[Pod]) -> None:
        self._beginnings = [(pod, len(pod.log())) for pod in pods]

    def await_words(self, words: str) -> None:
        """Wait until each of them has written `words`. Raises TimeoutError."""
        until(
            lambda: all(words in pod.log()[beginning:] for pod, beginning in self._beginnings),
            lambda: f"no {words!r} in {[pod.log()[beginning:][-2000:] for pod, beginning in self._beginnings]}",
            QUICK_SECONDS + SLACK_SECONDS,
        )


def leaf(data: Signed) -> bytes:
    """The server's own certificate in a Secret, DER."""
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(data["tls.crt"].decode().split(end)[0] + end + "\n")
