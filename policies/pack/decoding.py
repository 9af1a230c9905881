"""Lets the SDK decode each resource of a stack once, instead of once for each policy.

Decoding is what policies cost: about 20 ms for each one on the production stack, against less than 1 ms for the rule.
The alternative to this module is fewer policies, each with several rules that could not be set one by one.
"""

from collections.abc import Callable
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


def decode_once() -> None:
    """Make the SDK's server keep what it decoded; does nothing with an SDK that is not the known one."""
    if VERSION != KNOWN_SDK:
        return
    vars(sdk).update(
        json_format=SimpleNamespace(MessageToDict=_Once(json_format.MessageToDict)),
        deserialize_properties=_Once(deserialize_properties),
        unknown_checking_proxy=_Once(unknown_checking_proxy),
    )
