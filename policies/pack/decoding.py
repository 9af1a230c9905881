"""Lets the SDK decode each resource of a stack once, instead of once for each policy.

Decoding is what policies cost: about 20 ms for each one on the production stack, against less than 1 ms for the rule.
The alternative to this module is fewer policies, each with several rules that could not be set one by one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]  # comes without types
from pulumi_policy import policy as sdk
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.proxy import unknown_checking_proxy
from pulumi_policy.version import VERSION

KNOWN_SDK = "1.21.0"
"""The release whose server was read: it treats what it decoded as read-only, as our policies do."""


class _Once:
    """A function that answers again what it answered before, for the same object."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        # With the object: while it is kept, its identity is given to no other, and a message goes by the same one
        # whenever it is asked for.
        self._answers: dict[int, tuple[Any, Any]] = {}

    def __call__(self, argument: Any, *others: Any) -> Any:  # noqa: ANN401 - stands in for several functions
        if others:
            return self._function(argument, *others)
        if id(argument) not in self._answers:
            self._answers[id(argument)] = argument, self._function(argument)
        return self._answers[id(argument)][1]


@dataclass(frozen=True)
class _Shown:
    """A resource of a stack as the engine sent it, read out of its message once: each reading of one costs its time."""

    message: Any
    type: str
    urn: str
    name: str
    parent: str
    properties: Any
    dependencies: tuple[str, ...]
    propertyDependencies: Mapping[str, SimpleNamespace]  # noqa: N815 - the message's own name
    options: Any
    provider: Any


class _Servicer(sdk._PolicyAnalyzerServicer):  # noqa: SLF001 - the SDK has no other place for this
    """The SDK's server, which asks every policy about a stack that it has read once."""

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401 - the engine's own, untyped
        shown = SimpleNamespace(resources=[self._shown(message) for message in request.resources])
        return super().AnalyzeStack(shown, context)  # type: ignore[no-untyped-call]  # the SDK's own

    def _shown(self, message: Any) -> _Shown:  # noqa: ANN401 - the engine's own, untyped
        return _Shown(
            message,
            message.type,
            message.urn,
            message.name,
            message.parent,
            message.properties,
            tuple(message.dependencies),
            {key: SimpleNamespace(urns=tuple(found.urns)) for key, found in message.propertyDependencies.items()},
            super()._get_resource_options(message),
            super()._get_provider_resource(message),
        )

    def _get_resource_options(self, request: Any) -> Any:  # noqa: ANN401 - the SDK's own, untyped
        return request.options if isinstance(request, _Shown) else super()._get_resource_options(request)

    def _get_provider_resource(self, request: Any) -> Any:  # noqa: ANN401 - the SDK's own, untyped
        return request.provider if isinstance(request, _Shown) else super()._get_provider_resource(request)


def decode_once() -> None:
    """Make the SDK's server keep what it decoded; does nothing with an SDK that is not the known one."""
    if VERSION != KNOWN_SDK:
        return
    vars(sdk).update(
        json_format=SimpleNamespace(MessageToDict=_Once(json_format.MessageToDict)),
        deserialize_properties=_Once(deserialize_properties),
        unknown_checking_proxy=_Once(unknown_checking_proxy),
        _PolicyAnalyzerServicer=_Servicer,
    )
