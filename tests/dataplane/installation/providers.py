"""Real keys, certificates and passwords: from the program's providers, and from those whom it leaves them to."""

import secrets
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc  # type: ignore[import-untyped]  # it ships no types
import trustme
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # it ships no types
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # it ships no types
from pulumi.runtime.mocks import MockResourceArgs
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from components.context import context_of
from components.outputs import outputs
from components.tracardi import Tracardi, TracardiArgs
from model.roles import Tier
from settings.root import Settings
from tests.dataplane.cluster.objects import Objects
from tests.unit.components.conftest import existing_secrets
from tests.unit.engine import Answers, JsonObject, Recording, run
from tools.toolchain import ensure
from tools.toolchain.parts import PARTS
from tools.toolchain.path_pulumi import installed_plugin

_PACKAGES = ("random", "tls")

_ANSWER_SECONDS = 60


class Plugins:
    """The toolchain's random and tls plugins, running while the context is open.

    They end with the thread that opened it too, and so whatever becomes of the tests.
    """

    def __init__(self) -> None:
        self._running = ExitStack()
        self._providers: dict[str, ResourceProviderStub] = {}

    def __enter__(self) -> Self:
        """Start them.

        Raises:
            ToolError: the toolchain cannot be made ready.
        """
        home = ensure(frozenset({"pulumi"})).pulumi_home
        with ExitStack() as starting:
            for plugin in (plugin for part in PARTS for plugin in part.plugins):
                program = installed_plugin(home, plugin)
                if plugin.name in _PACKAGES and program is not None:
                    self._providers[plugin.name] = _started(program, starting)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._running.close()

    def make(self, token: str, name: str, inputs: Mapping[str, object]) -> tuple[str, JsonObject]:
        """The identifier and the properties of a new resource. The wire name of its type begins with `random` or `tls`.

        Raises:
            ValueError: the provider refuses the inputs; the message is its own.
        """
        provider = self._providers[token.partition(":")[0]]
        urn = f"urn:pulumi:test::tracardi::{token}::{name}"
        given = Struct()
        given.update(inputs)
        asked = provider_pb2.CheckRequest(urn=urn, name=name, type=token, news=given)
        checked = provider.Check(asked, timeout=_ANSWER_SECONDS)
        if checked.failures:
            raise ValueError(f"{token} {name}: {'; '.join(failure.reason for failure in checked.failures)}")
        wanted = provider_pb2.CreateRequest(urn=urn, name=name, type=token, properties=checked.inputs)
        made = provider.Create(wanted, timeout=_ANSWER_SECONDS)
        # The engine keeps the rest, which is the provider's own bookkeeping, from programs.
        state = {key: value for key, value in MessageToDict(made.properties).items() if not key.startswith("__")}
        state.pop("id", None)
        return made.id, state


def real_recording(settings: Settings, plugins: Plugins, kept: frozenset[str] = frozenset()) -> Recording:
    """Everything that `settings` lead to, with real keys, certificates and passwords.

    The cluster has the Secrets that `settings` name, and in the data namespace those that were `kept`; each of their
    values is another random one.
    """
    namespace = context_of(settings).namespace(Tier.DATA)
    places = {place: tuple(data) for place, data in existing_secrets(settings).items()}
    places |= {f"{namespace}/{name}": ("value",) for name in kept}
    there = {place: {key: _random_value() for key in keys} for place, keys in places.items()}
    return run(
        lambda: outputs(settings, Tracardi("tracardi", TracardiArgs(settings, kept))),
        answers=_RealAnswers(there, plugins),
    )


def issued(hosts: Iterable[str], days: float = 90, authority: trustme.CA | None = None) -> dict[str, bytes]:
    """The data of a Secret of type kubernetes.io/tls as others make it: a certificate of `hosts` with its chain.

    tls.crt is the leaf and an intermediate authority, ca.crt the root that signed that one. The leaf ends in so many
    `days`; with a negative number it has ended. Without `authority` the root is a stranger's: another one each time.
    """
    root = authority or trustme.CA()
    now = datetime.now(UTC)
    end = now + timedelta(days=days)
    leaf = root.create_child_ca().issue_cert(*hosts, not_before=min(now, end) - timedelta(days=1), not_after=end)
    return {
        "tls.crt": b"".join(pem.bytes() for pem in leaf.cert_chain_pems),
        "tls.key": leaf.private_key_pem.bytes(),
        "ca.crt": root.cert_pem.bytes(),
    }


def issue_requested(objects: Objects) -> dict[str, trustme.CA]:
    """Do what cert-manager does: put a Secret for each Certificate. Tells the authority behind each issuer, by name."""
    authorities: dict[str, trustme.CA] = {}
    for certificate in objects.of_kind("Certificate"):
        spec = certificate["spec"]
        authority = authorities.setdefault(spec["issuerRef"]["name"], trustme.CA())
        data = issued(spec["dnsNames"], authority=authority)
        objects.put_secret(certificate["metadata"]["namespace"], spec["secretName"], data)
    return authorities


def provide(objects: Objects, settings: Settings, authority: trustme.CA) -> None:
    """Put the Secrets that `settings` leave to others, with certificates of the entries' names."""
    provided = settings.certificates.secrets
    if provided is None:
        return
    context = context_of(settings)
    for tier, secret, host in (
        (Tier.TRACK, provided.track, settings.track.host),
        (Tier.CONSOLE, provided.gui_api, settings.gui_api.host),
        (Tier.CONSOLE, provided.gui, settings.gui.host),
    ):
        if secret is not None and host is not None:
            objects.put_secret(context.namespace(tier), secret, issued([host], authority=authority))


class _RealAnswers(Answers):
    """What `plugins` make is real; the other providers answer as in every recording."""

    def __init__(self, there: Mapping[str, Mapping[str, str]], plugins: Plugins) -> None:
        super().__init__(there)
        self._plugins = plugins

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, JsonObject]:
        if args.typ.partition(":")[0] in _PACKAGES:
            return self._plugins.make(args.typ, args.name, args.inputs)
        return super().new_resource(args)


def _started(program: Path, running: ExitStack) -> ResourceProviderStub:
    # A test process that is killed closes nothing; the kernel then ends the plugin in its place.
    command = ("setpriv", "--pdeathsig", "KILL", "--", str(program))
    process = running.enter_context(
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    )
    running.callback(process.kill)
    port = process.stdout.readline().strip() if process.stdout else ""
    if not port.isdigit():
        raise RuntimeError(f"{program} said {port!r} in place of its port")
    # A machine's proxy knows no way to the machine's own loopback.
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)])
    running.enter_context(channel)
    provider = ResourceProviderStub(channel)
    provider.Configure(provider_pb2.ConfigureRequest(args=Struct()), timeout=_ANSWER_SECONDS)
    return provider


def _random_value() -> str:
    """As the API server shows it in a Secret's data."""
    return b64encode(secrets.token_urlsafe(32).encode()).decode()
