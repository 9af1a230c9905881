"""The pack in the engine's own hands: what it refuses in our tests, it refuses in the stored state of such a stack."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from policies.pack.registry import RULES
from tests.policies.analysis import configuration
from tests.policies.deployments import Analyser, deployment
from tests.policies.packs import pack_with
from tests.policies.refusals import Fixture
from tests.policies.state import UNKNOWN, State
from tests.policies.test_pack import fixtures
from tools.toolchain import ensure

REMEDIES = {rule.name: rule.remedy for rule in RULES}
ENOUGH = 2
"""How many changes of each rule are tried by default; with the others it takes twice as long."""


def refusals() -> Iterator[object]:
    """Every change that the pack refuses, as parameters of a test."""
    before = Counter[str]()
    for fixture in fixtures():
        if fixture.refused:
            before[fixture.rule] += 1
            marks = [pytest.mark.thorough] if before[fixture.rule] > ENOUGH else []
            yield pytest.param(fixture, id=f"{fixture.rule}-{fixture.change.__name__}", marks=marks)


@pytest.fixture
def analyser(tmp_path: Path) -> Analyser:
    """The command line, in a folder of the test's own."""
    return Analyser(ensure(frozenset({"pulumi"})), tmp_path)


@pytest.mark.parametrize("fixture", [*refusals()])
def test_a_changed_stack_is_refused_with_the_resource_and_the_remedy(
    fixture: Fixture, variant: Callable[[str], State], analyser: Analyser
) -> None:
    state = variant(fixture.stack)
    fixture.change(state)

    verdict = analyser.judge(deployment(state, decrypted=True), fixture.configured)

    assert verdict.rules == sorted({fixture.rule, *fixture.also}), verdict.told
    assert verdict.status != 0
    told = verdict.messages(fixture.rule)
    for expected in (*fixture.says, REMEDIES[fixture.rule], f"docs/policies.md#{fixture.rule}"):
        assert expected in told
    named = {
        resource.urn: name
        for resource in state.resources
        if (name := resource.inputs.get("metadata", {}).get("name", UNKNOWN)) != UNKNOWN
    }
    for finding in verdict.findings:
        urn = finding.get("resourceUrn", "")
        # What a whole stack lacks is reported on the stack.
        assert "pulumi:pulumi:Stack::" in urn or named.get(urn, urn.rpartition("::")[2]) in finding["message"]


@pytest.mark.parametrize("decrypted", [True, False], ids=["decrypted", "encrypted"])
@pytest.mark.parametrize("stack", ["prod", "dev"])
def test_the_stored_state_of_a_stack_of_this_repository_is_accepted(
    stack: str,
    decrypted: bool,  # noqa: FBT001 - a test's parameter
    variant: Callable[[str], State],
    analyser: Analyser,
) -> None:
    state = variant({"prod": "production", "dev": "small"}[stack])

    verdict = analyser.judge(deployment(state, decrypted=decrypted), configuration(stack))

    assert verdict.findings == ()
    assert verdict.status == 0, verdict.told


def test_a_change_is_refused_where_secrets_cannot_be_decrypted(
    variant: Callable[[str], State], analyser: Analyser
) -> None:
    state = variant("production")
    state.spec("Service", "gui-api-balancer").pop("loadBalancerSourceRanges", None)
    state.spec("Deployment", "gui")["replicas"] = 1
    state.set_variable("track-api", "EXPOSE_GUI_API", value="yes")

    rules = analyser.judge(deployment(state, decrypted=False), configuration("prod")).rules

    assert {"gui-instances", "internet-reaches-no-gui-api"} <= {*rules}


def test_what_a_whole_stack_lacks_is_told_to_people(variant: Callable[[str], State], analyser: Analyser) -> None:
    state = variant("production")
    state.remove("Deployment", "gui")

    told = analyser.told(deployment(state, decrypted=True), configuration("prod"))

    assert "panic" not in told
    assert "gui-instances  (pulumi:pulumi:Stack: " in told
    assert REMEDIES["gui-instances"] in told


def test_a_rule_that_fails_is_no_verdict(variant: Callable[[str], State], analyser: Analyser, tmp_path: Path) -> None:
    pack = pack_with(tmp_path / "pack", "raise ValueError('this rule is broken')")

    verdict = analyser.judge(deployment(variant("production"), decrypted=True), {}, pack)

    assert verdict.status != 0
    assert "this rule is broken" in verdict.told
