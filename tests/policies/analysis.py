"""Runs the pack over a stack, and answers what it found."""

import json
from collections.abc import Mapping
from pathlib import Path

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]  # comes without types
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy import policy as sdk

from policies.pack.crossguard import policies
from policies.pack.registry import RULES
from policies.pack.resources import raw_resources
from policies.pack.stack import StackView
from tests.policies.state import State
from tests.unit.engine import JsonObject

CONFIGURATIONS = Path(__file__).resolve().parents[2] / "policies" / "config"


def configuration(stack: str) -> dict[str, JsonObject]:
    """The pack's configuration for `stack`."""
    found: dict[str, JsonObject] = json.loads((CONFIGURATIONS / f"{stack}.json").read_text(encoding="utf-8"))
    return found


def analyse(state: State, configured: Mapping[str, JsonObject] | None = None) -> dict[str, list[str]]:
    """What each rule reports about `state`, by the rule's name; rules that report nothing are left out.

    The resources pass through the SDK's own decoding, but once for all rules; `Server` does it once for each.
    """
    view = StackView(raw_resources(state.analysed()))
    found = {}
    for rule in RULES:
        options = rule.values(_through_the_engine((configured or {}).get(rule.name, {})))
        if messages := [rule.message(finding) for finding in rule.check(view, options)]:
            found[rule.name] = messages
    return found


class Server:
    """The pack as the engine starts and configures it: the SDK's own server with our policies."""

    def __init__(self, configured: Mapping[str, JsonObject]) -> None:
        self._servicer = sdk._PolicyAnalyzerServicer("pack", "0.0.1", [*policies(RULES)], EnforcementLevel.ADVISORY)
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for rule, properties in configured.items():
            entry = analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.MANDATORY)
            json_format.ParseDict(properties, entry.properties)
            request.policyConfig[rule].CopyFrom(entry)
        self._servicer.Configure(request, None)  # type: ignore[no-untyped-call]  # the SDK's own

    def analyse(self, state: State) -> list[analyzer_pb2.AnalyzeDiagnostic]:
        """What the engine gets back for `state`."""
        request = analyzer_pb2.AnalyzeStackRequest(resources=state.messages())
        response = self._servicer.AnalyzeStack(request, None)  # type: ignore[no-untyped-call]  # the SDK's own
        return list(response.diagnostics)


def _through_the_engine(values: JsonObject) -> JsonObject:
    """Configuration as policies see it: numbers are floats."""
    message = struct_pb2.Struct()
    json_format.ParseDict(values, message)
    seen: JsonObject = json_format.MessageToDict(message)
    return seen
