"""A recording stand-in for Pulumi's engine, and questions about what a program registered with it."""

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.rpc import _special_sig_key, deserialize_properties
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Registered:
    """A resource as the engine sees it: wire names, and inputs with every output resolved."""

    urn: str
    token: str
    name: str
    inputs: JsonObject
    secret_inputs: frozenset[str]
    """Names of the inputs that the engine encrypts."""
    parent: str
    dependencies: frozenset[str]
    property_dependencies: Mapping[str, frozenset[str]]
    """For each input, the resources whose outputs went into it."""
    custom: bool
    """Whether a provider makes it; components are only names for what others make."""
    ignored_changes: tuple[str, ...]
    replaced_on: tuple[str, ...]
    """Properties that only a new object in place of the old one can change."""
    replaced_with: frozenset[str]
    """Resources whose replacement has the engine replace this one as well."""
    rotation: float | None
    """A counter whose change has the engine put a new one in its place."""
    patience: str
    """Longest wait for the object to be ready, such as 5m; empty for the provider's own."""
    retained: bool
    """Whether the cluster keeps it when the stack lets go of it."""
    protected: bool
    """Whether the stack refuses to let go of it."""
    provider: str

    @property
    def object_name(self) -> str:
        """Name of the Kubernetes object."""
        return str(self.inputs["metadata"]["name"])

    @property
    def namespace(self) -> str | None:
        """Namespace of the Kubernetes object."""
        namespace: str | None = self.inputs["metadata"].get("namespace")
        return namespace

    @property
    def spec(self) -> JsonObject:
        """The Kubernetes object's specification."""
        return dict(self.inputs["spec"])

    @property
    def pod(self) -> JsonObject:
        """Specification of the pods that a workload makes."""
        return dict(self.template["spec"])

    @property
    def template(self) -> JsonObject:
        """What a workload makes pods from."""
        spec = self.spec
        return dict(spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"])

    def container(self, name: str) -> JsonObject:
        """A container, or init container, of a workload's pods."""
        containers = [*self.pod["containers"], *self.pod.get("initContainers", [])]
        return next(container for container in containers if container["name"] == name)

    def environment(self, container: str) -> JsonObject:
        """Variables of a container: the value, or the reference in its place."""
        return {
            variable["name"]: variable.get("value", variable.get("valueFrom"))
            for variable in self.container(container).get("env", [])
        }


class Recording(MockMonitor):
    """Everything that one run of a program registered."""

    def __init__(self, answers: Mocks) -> None:
        super().__init__(answers)
        self.registered: list[Registered] = []
        self.read: dict[str, frozenset[str]] = {}
        """Identifiers of what was read and not made, with the names of the outputs that the engine encrypts."""
        self.outputs: JsonObject = {}
        self.secret_outputs: frozenset[str] = frozenset()
        """Names of the outputs that the engine encrypts."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802, ANN401 - the engine's own, untyped
        with _loop_of_this_thread():
            response = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK's own
            inputs = deserialize_properties(request.object)
        if request.type != "pulumi:pulumi:Stack":
            self.registered.append(
                Registered(
                    urn=response.urn,
                    token=request.type,
                    name=request.name,
                    inputs={key: _unwrapped(value) for key, value in inputs.items()},
                    secret_inputs=frozenset(key for key, value in inputs.items() if _is_secret(value)),
                    parent=request.parent,
                    dependencies=frozenset(request.dependencies),
                    property_dependencies={
                        key: frozenset(found.urns) for key, found in request.propertyDependencies.items()
                    },
                    custom=request.custom,
                    ignored_changes=tuple(request.ignoreChanges),
                    replaced_on=tuple(request.replaceOnChanges),
                    replaced_with=frozenset(request.replace_with),
                    rotation=_counter(request),
                    patience=request.customTimeouts.create,
                    retained=request.retainOnDelete,
                    protected=request.protect,
                    provider=request.provider,
                )
            )
        return response

    def ReadResource(self, request: Any) -> Any:  # noqa: N802, ANN401 - the engine's own, untyped
        with _loop_of_this_thread():
            response = super().ReadResource(request)  # type: ignore[no-untyped-call]  # the SDK's own
        self.read[request.id] = frozenset(request.additionalSecretOutputs)
        return response

    @property
    def installation(self) -> str:
        """Name of the installation, as its namespaces carry it."""
        return str(self.outputs["namespaces"]["track"]).removesuffix("-track")

    def of_kind(self, kind: str) -> tuple[Registered, ...]:
        """Resources whose token ends in `kind`, such as Deployment."""
        return tuple(resource for resource in self.registered if resource.token.rsplit(":", 1)[-1] == kind)

    def find(self, kind: str, name: str, namespace: str | None = None) -> Registered:
        """The one Kubernetes object of `kind` that is called `name`."""
        found = [
            resource
            for resource in self.of_kind(kind)
            if resource.object_name == name and namespace in (None, resource.namespace)
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} objects of kind {kind} are called {name}")
        return found[0]

    def workloads(self) -> Iterator[Registered]:
        """Everything that makes pods."""
        for kind in ("Deployment", "StatefulSet", "Job", "CronJob"):
            yield from self.of_kind(kind)

    def comes_after(self, later: Registered, earlier: Registered) -> bool:
        """Whether `later` waits for `earlier`, directly or through others."""
        by_urn = {resource.urn: resource for resource in self.registered}
        seen: set[str] = set()
        waiting = [later.urn]
        while waiting:
            urn = waiting.pop()
            if urn == earlier.urn:
                return True
            if urn not in seen and urn in by_urn:
                seen.add(urn)
                # A child is registered only once its parent is, and so waits for what that one waits for.
                waiting.extend({*by_urn[urn].dependencies, by_urn[urn].parent})
        return False


def _counter(request: Any) -> float | None:  # noqa: ANN401 - the engine's own, untyped
    return request.replacement_trigger.number_value if request.HasField("replacement_trigger") else None


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and _special_sig_key in value


def _unwrapped(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return _unwrapped(value["value"]) if _is_secret(value) else {k: _unwrapped(v) for k, v in value.items()}
    return [_unwrapped(entry) for entry in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value with whole numbers as such: on its way to the engine every number becomes a float."""
    match value:
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case float() if value.is_integer():
            return int(value)
    return value


@contextmanager
def _loop_of_this_thread() -> Iterator[None]:
    """The SDK makes an event loop for each thread that answers, and leaves it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class Answers(Mocks):
    """What providers answer: inputs come back, and computed values are recognisable."""

    def __init__(self, secrets: Mapping[str, Mapping[str, str]]) -> None:
        self._secrets = secrets

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, JsonObject]:
        state = dict(args.inputs)
        match args.typ:
            case "random:index/randomPassword:RandomPassword":
                state["result"] = f"canary-{args.name}"
            case "tls:index/privateKey:PrivateKey":
                state["privateKeyPem"] = f"canary-key-{args.name}"
            case "tls:index/certRequest:CertRequest":
                state["certRequestPem"] = f"request-{args.name}"
            case "tls:index/selfSignedCert:SelfSignedCert" | "tls:index/locallySignedCert:LocallySignedCert":
                state["certPem"] = f"certificate-{args.name}"
            case "pulumi:index:Stash":
                state["output"] = state["input"]
            case "kubernetes:core/v1:Secret" if args.resource_id:
                state["data"] = dict(self._secrets[args.resource_id])
            case "kubernetes:core/v1:Service":
                state["status"] = {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}]}}
        return f"{args.name}-id", state

    def call(self, args: MockCallArgs) -> tuple[JsonObject, None]:
        raise LookupError(f"no answer is prepared for {args.token}")


def run(
    program: Callable[[], dict[str, object] | None],
    secrets: Mapping[str, Mapping[str, str]] | None = None,
    answers: Answers | None = None,
) -> Recording:
    """Run `program` against a fresh engine, and return what it registered. What it returns becomes the outputs.

    `secrets` is the data of Secrets that are in the cluster already, by `<namespace>/<name>`. `answers` answers in
    the providers' place, and then knows of such Secrets itself.
    """
    recording = Recording(answers or Answers(secrets or {}))
    loop = asyncio.new_event_loop()
    # What a run makes is alive until its end, so looking for garbage meanwhile is a third of its time.
    gc.disable()
    asyncio.set_event_loop(loop)
    try:
        set_mocks(recording.mocks, project="tracardi", stack="test", preview=False, monitor=recording)

        async def resolve(values: dict[str, object]) -> None:
            outputs = {name: pulumi.Output.from_input(value) for name, value in values.items()}
            recording.outputs = {name: await output.future() for name, output in outputs.items()}
            recording.secret_outputs = frozenset([name for name, output in outputs.items() if await output.is_secret()])

        def body() -> None:
            values = program()
            if values:
                _sync_await(resolve(values))

        loop.run_until_complete(run_pulumi_func(body))
    finally:
        gc.enable()
        _forget_unfinished(loop)
        loop.close()
        asyncio.set_event_loop(None)
    return recording


def _forget_unfinished(loop: asyncio.AbstractEventLoop) -> None:
    """End what a program that failed left behind, so that it is not told during another test.

    The SDK reports a failure once and leaves it unread in other futures, which complain when they are collected.
    """
    loop.set_exception_handler(lambda _loop, _context: None)
    unfinished = asyncio.all_tasks(loop)
    for task in unfinished:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*unfinished, return_exceptions=True))
    # Kept beyond the loop that they belong to, they would fail the next run.
    SETTINGS.outputs.clear()
