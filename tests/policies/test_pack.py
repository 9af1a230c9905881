"""The pack as the engine sees it: what it accepts, what it survives, and that nothing in it goes untested."""

import importlib
import pkgutil
import subprocess
import sys
import zlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # comes without types
import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]  # comes without types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # comes without types
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import EnforcementLevel, Severity, StackValidationArgs, policy
from pulumi_policy.version import VERSION

import tests.policies
from policies.pack.crossguard import RuleFailedError, policies
from policies.pack.decoding import KNOWN_SDK, decode_once
from policies.pack.kubernetes.images import USUAL_REGISTRIES
from policies.pack.registry import RULES
from policies.pack.rule import Finding, Options, Rule
from policies.pack.rule import Severity as AnySeverity
from policies.pack.stack import StackView
from tests.policies.analysis import CONFIGURATIONS, Server, analyse, configuration
from tests.policies.refusals import Fixture
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.components.conftest import build
from tests.unit.engine import JsonObject, Recording
from tests.unit.stacks import changed, settings_of, stack_file
from tools.stack.policies import failed


def fixtures() -> list[Fixture]:
    """The changes of stacks that the tests of this folder try."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.iter_modules(tests.policies.__path__, "tests.policies.")
    ]
    found = [getattr(member, "fixture", None) for module in modules for member in vars(module).values()]
    return [fixture for fixture in found if isinstance(fixture, Fixture)]


def test_every_rule_refuses_at_least_two_changes_and_accepts_one_that_comes_near() -> None:
    refusing = Counter(fixture.rule for fixture in fixtures() if fixture.refused)
    accepting = Counter(fixture.rule for fixture in fixtures() if not fixture.refused)

    assert [rule.name for rule in RULES if refusing[rule.name] < 2] == []
    assert [rule.name for rule in RULES if not accepting[rule.name]] == []
    assert {*refusing, *accepting} == {rule.name for rule in RULES}


def test_rules_say_what_they_are_for_and_what_to_do() -> None:
    for rule in RULES:
        assert rule.description.endswith("."), rule.name
        assert rule.remedy.endswith("."), rule.name
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_rules_are_mandatory_and_have_a_severity() -> None:
    for registered in policies(RULES):
        assert registered.enforcement_level is EnforcementLevel.MANDATORY
        assert registered.severity in {Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM}


def _keep_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the SDK back what a test replaces in it."""
    for name in ("json_format", "deserialize_properties", "unknown_checking_proxy", "_PolicyAnalyzerServicer"):
        monkeypatch.setattr(policy, name, vars(policy)[name])


@pytest.fixture(params=["as it is", "decoding once"])
def sdk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's server in both of the ways in which it may decode what the engine sends."""
    _keep_the_sdk(monkeypatch)
    if request.param == "decoding once":
        decode_once()


@pytest.fixture
def decoding_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's server as the pack starts it."""
    _keep_the_sdk(monkeypatch)
    decode_once()


@pytest.mark.usefixtures("decoding_once")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stacks_of_this_repository_are_accepted(recordings: dict[str, Recording], stack: str) -> None:
    diagnostics = Server(configuration(stack)).analyse(State.of(recordings[stack]))

    assert [diagnostic.message for diagnostic in diagnostics] == []


@pytest.mark.usefixtures("decoding_once")
def test_a_finding_arrives_with_its_resource_its_level_and_its_remedy(prod: State) -> None:
    prod.spec("Deployment", "gui")["replicas"] = 1

    (diagnostic,) = Server(configuration("prod")).analyse(prod)

    assert diagnostic.policyName == "gui-instances"
    assert diagnostic.enforcementLevel == analyzer_pb2.MANDATORY
    assert diagnostic.urn.endswith("::tracardi-gui-pods-deployment")
    assert "Raise replicas" in diagnostic.message


def test_the_development_stack_is_refused_by_productions_configuration(recordings: dict[str, Recording]) -> None:
    assert set(analyse(State.of(recordings["dev"]), configuration("prod"))) == {
        "api-instances",
        "track-instances",
        "gui-instances",
        "elasticsearch-nodes",
        "balancer-instances",
        "instances-on-hosts-of-their-own",
        "public-certificates-are-trusted",
    }


def test_productions_numbers_are_the_defaults(prod: State) -> None:
    given = {rule.name: {option.name: option.default for option in rule.options} for rule in RULES}

    assert all(given[name].items() >= values.items() for name, values in configuration("prod").items())
    assert analyse(prod) == {}


@pytest.mark.parametrize(
    "settings",
    [
        {"installation__release": "0.8.2.1", "data__mysql": None},
        {"platform__imageRegistry": "registry.example.com/mirror"},
        {"track__balancer__service": {"type": "ClusterIP"}},
        {"gui__balancer__service": {"type": "NodePort"}},
        {"guiApi__balancer__service": {"allocateLoadBalancerNodePorts": True}},
        {"track__routes": ["tracker", "collect", "redirect", "consent"]},
        {"network__clusterDomain": "k8s.example.com"},
    ],
)
def test_whatever_else_a_stack_may_choose_is_accepted(settings: JsonObject) -> None:
    recording = build(settings_of(changed(stack_file("prod"), **settings)))
    registries = {"registries": [*USUAL_REGISTRIES, "registry.example.com/mirror"]}

    configured = {**configuration("prod"), "images-come-from-known-registries": registries}
    assert analyse(State.of(recording), configured) == {}


@pytest.mark.parametrize("placeholder", [UNKNOWN, UNDECRYPTED])
def test_secrets_that_cannot_be_seen_change_nothing(prod: State, placeholder: str) -> None:
    prod.hide_secrets(placeholder)

    assert analyse(prod, configuration("prod")) == {}


def test_authorities_that_are_not_made_yet_change_nothing(prod: State) -> None:
    for namespace in ("tracardi-track", "tracardi-console"):
        prod.inputs("ConfigMap", "elasticsearch-ca", namespace)["data"]["ca.crt"] = UNKNOWN

    assert analyse(prod, configuration("prod")) == {}


def test_a_stack_without_anything_is_accepted() -> None:
    assert analyse(State([])) == {}


@pytest.mark.parametrize("placeholder", [UNKNOWN, UNDECRYPTED, 7.5, [[]], {"": None}, None])
def test_no_rule_fails_on_a_property_of_another_type(recordings: dict[str, Recording], placeholder: object) -> None:
    # In several runs, because nothing below a replaced property is looked at.
    for share in range(_SHARES):
        state = State.of(recordings["prod"])
        for resource in state.resources:
            _replace(resource.inputs, placeholder, share)
        assert analyse(state)


_SHARES = 5


def _replace(value: object, placeholder: object, share: int) -> None:
    """Put `placeholder` in place of every property whose name belongs to `share`."""
    if isinstance(value, dict):
        for key, member in value.items():
            if zlib.crc32(key.encode()) % _SHARES == share:
                value[key] = placeholder
            else:
                _replace(member, placeholder, share)
    if isinstance(value, list):
        for member in value:
            _replace(member, placeholder, share)


@pytest.mark.usefixtures("decoding_once")
def test_a_misspelt_option_is_refused_at_a_preview_too(prod: State) -> None:
    (diagnostic,) = Server({"api-instances": {"minumum": 1}}).analyse(prod)

    assert diagnostic.policyName == "api-instances"
    assert "api-instances has no option minumum" in diagnostic.message


def _failing(_stack: StackView, _options: Options) -> list[Finding]:
    """It fails."""
    raise ValueError("not for everyone: s3cr3t")


def test_a_rule_that_fails_says_which_it_is_and_where_but_no_value() -> None:
    broken = Rule("things-are-read", AnySeverity.HIGH, "Things are read.", "Read.", (), _failing)
    (registered,) = policies([broken])

    with pytest.raises(RuleFailedError, match=r"failed: ValueError at .*test_pack\.py:\d+\.") as failure:
        registered.validate(StackValidationArgs([], {}, {}), print)

    assert "s3cr3t" not in str(failure.value)
    assert failed(str(failure.value)) == ["things-are-read"]


def test_what_a_whole_stack_lacks_is_reported_on_the_stack(prod: State) -> None:
    first = prod.resources[0]
    kind = "pulumi:pulumi:Stack"
    root = replace(first, urn=first.parent or "", token=kind, parent="", inputs={}, property_dependencies={})
    prod.resources.insert(0, root)
    prod.remove("Deployment", "gui")

    found = {diagnostic.policyName: diagnostic.urn for diagnostic in Server(configuration("prod")).analyse(prod)}

    assert found["gui-instances"] == root.urn


def test_a_kind_that_is_listed_is_allowed(prod: State) -> None:
    prod.add("kubernetes:monitoring.coreos.com/v1:PodMonitor", {"metadata": {"name": "api"}})

    assert set(analyse(prod)) == {"only-kinds-that-are-judged"}
    assert analyse(prod, {"only-kinds-that-are-judged": {"alsoAllowed": ["monitoring.coreos.com/PodMonitor"]}}) == {}


@pytest.mark.usefixtures("sdk")
def test_a_changed_stack_is_not_judged_by_what_was_seen_before(prod: State) -> None:
    server = Server(configuration("prod"))
    counts = []
    for replicas in (2, 1, 2):
        prod.spec("Deployment", "gui")["replicas"] = replicas
        counts.append(len(server.analyse(prod)))

    assert counts == [0, 1, 0]


def test_each_resource_is_decoded_once_for_all_rules(prod: State, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[object] = []
    decode = json_format.MessageToDict

    def counting(message: object) -> object:
        decoded.append(message)
        return decode(message)

    monkeypatch.setattr(json_format, "MessageToDict", counting)
    _keep_the_sdk(monkeypatch)
    decode_once()
    prod.spec("Deployment", "gui")["replicas"] = 1
    server = Server({})
    (diagnostic,) = server.analyse(prod)

    assert diagnostic.policyName == "gui-instances"
    # Its own properties, and those of its provider.
    assert len(decoded) <= 2 * len(prod.resources)


def test_the_pack_starts_from_its_folder_and_says_nothing_but_its_port(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, CONFIGURATIONS.parent], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            assert started.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{int(started.stdout.readline())}") as channel:
                information = analyzer_pb2_grpc.AnalyzerStub(channel).GetAnalyzerInfo(Empty())
        finally:
            started.kill()

    assert [found.name for found in information.policies] == [rule.name for rule in RULES]
    assert {found.enforcementLevel for found in information.policies} == {analyzer_pb2.MANDATORY}


def test_another_sdk_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _keep_the_sdk(monkeypatch)
    before = dict(vars(policy))
    monkeypatch.setattr("policies.pack.decoding.VERSION", "1.22.0")

    decode_once()

    assert dict(vars(policy)) == before


def test_the_installed_sdk_is_the_known_one() -> None:
    assert VERSION == KNOWN_SDK
