"""The pack's configuration files: mistakes are named, and only what is no safeguard may be relaxed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from policies.pack.configuration import main, problems
from policies.pack.registry import RULES
from policies.pack.rule import Option, Rule, Severity
from tests.policies.analysis import CONFIGURATIONS, configuration

Written = Callable[..., list[str]]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes configuration files beside an empty prod.json, and answers what is wrong with them."""

    def of(**contents: object) -> list[str]:
        for name, content in {"prod": {}, **contents}.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
        return [*problems(tmp_path, RULES)]

    return of


def test_the_files_of_this_repository_have_no_mistakes() -> None:
    assert [*problems(CONFIGURATIONS, RULES)] == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"api-instance": {"minimum": 5}}, "api-instance is no rule of the pack"),
        ({"api-instances": {"minumum": 5}}, "api-instances: api-instances has no option minumum"),
        ({"api-instances": {"minimum": "5"}}, "minimum of api-instances cannot be '5'"),
        ({"api-instances": {"minimum": 2.5}}, "minimum of api-instances cannot be 2.5"),
        ({"api-instances": {"minimum": True}}, "minimum of api-instances cannot be True"),
        ({"api-instances": {"minimum": 0}}, "minimum of api-instances cannot be 0"),
        ('{"api-instances": {"minimum": Infinity}}', "minimum of api-instances cannot be inf"),
        (
            {"instances-on-hosts-of-their-own": {"required": 1}},
            "required of instances-on-hosts-of-their-own cannot be 1",
        ),
        ({"only-kinds-that-are-judged": {"alsoAllowed": "apps/DaemonSet"}}, "alsoAllowed"),
        ({"api-instances": "mandatry"}, "api-instances: 'mandatry' is no enforcement level"),
        ({"api-instances": None}, "api-instances: None is no enforcement level"),
        ({"api-instances": ["mandatory"]}, "api-instances: ['mandatory'] is no enforcement level"),
        ({"all": {"enforcementLevel": "off"}}, "all: 'off' is no enforcement level"),
        ({"all": {"minimum": 1}}, "all has no options"),
        ('{"all": "mandatory", "all": "mandatory"}', "is no JSON: all stands there twice"),
        ('{"api-instances": {"minimum": 5, "minimum": 1}}', "is no JSON: minimum stands there twice"),
        ("{", "is no JSON"),
        ("[]", "is no mapping"),
    ],
)
def test_a_mistake_in_a_configuration_file_is_named(written: Written, content: object, problem: str) -> None:
    (found,) = written(stack=content)

    assert problem in found
    assert found.startswith("stack.json: ")


def test_a_level_alone_and_a_level_with_options_are_both_configurations(written: Written) -> None:
    assert written(stack={"all": "mandatory", "api-instances": {"enforcementLevel": "advisory", "minimum": 2}}) == []


@pytest.mark.parametrize("level", ["advisory", "disabled", "remediate"])
@pytest.mark.parametrize("name", ["internet-reaches-no-gui-api", "secrets-are-never-literal", "all"])
def test_nothing_but_counts_and_spread_is_less_than_mandatory(written: Written, name: str, level: str) -> None:
    (found,) = written(dev={name: {"enforcementLevel": level}})

    assert f"dev.json: {name} is {level}" in found


def test_production_is_strict_in_everything(written: Written) -> None:
    (found,) = written(prod={"api-instances": "advisory"})

    assert "prod.json: api-instances is advisory" in found


def test_no_stack_asks_for_less_than_production_but_in_counts_and_surroundings(tmp_path: Path) -> None:
    options = (Option("least", 32, "How much."), Option("places", (), "Where.", local=True))
    rules = [
        Rule(name, Severity.HIGH, "", "", options, check=lambda *_: (), relaxable=relaxable)
        for name, relaxable in (("secrets", False), ("counts", True))
    ]
    chosen = {name: {"least": 8, "places": ["here"]} for name in ("secrets", "counts")}
    for stack, content in (("prod", {"secrets": {"least": 32}}), ("dev", chosen)):
        (tmp_path / f"{stack}.json").write_text(json.dumps(content), encoding="utf-8")

    assert [*problems(tmp_path, rules)] == [
        "dev.json: secrets: least is not what it is in prod.json; only counts and spread may differ"
    ]


def test_a_default_that_is_said_in_one_file_alone_is_no_difference(written: Written) -> None:
    assert written(prod={"generated-passwords-are-strong": {"minimumLength": 32}}) == []
    assert written(prod={}, dev={"generated-passwords-are-strong": {"minimumLength": 32}}) == []


def test_every_stack_may_have_registries_of_its_own(written: Written) -> None:
    assert written(dev={"images-come-from-known-registries": {"registries": ["localhost:5000"]}}) == []


def test_production_has_a_file(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text("{}", encoding="utf-8")

    (found,) = problems(tmp_path, RULES)

    assert "prod.json is missing" in found


def test_development_relaxes_counts_and_spread_and_nothing_else() -> None:
    assert not [name for name, values in configuration("dev").items() if "enforcementLevel" in values]
    differing = {name for name, values in configuration("dev").items() if configuration("prod")[name] != values}
    assert differing == {
        "api-instances",
        "track-instances",
        "gui-instances",
        "elasticsearch-nodes",
        "balancer-instances",
        "instances-on-hosts-of-their-own",
        # Nobody signs certificates for names that only a test knows.
        "public-certificates-are-trusted",
    }
    assert {rule.name for rule in RULES if rule.relaxable} == differing - {"public-certificates-are-trusted"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0, "1", None, [1.0]])
def test_a_number_that_is_none_is_not_read(value: object) -> None:
    assert Option("minimum", 3, "How many.", least=1).read(value) is None


def test_the_command_prints_what_is_wrong_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "prod.json").write_text('{"api-instance": {}}', encoding="utf-8")

    assert main(tmp_path) == 1
    assert capsys.readouterr().err == f"{tmp_path.name}/prod.json: api-instance is no rule of the pack\n"


def test_the_command_is_silent_where_all_is_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "policies.pack.configuration"],
        cwd=CONFIGURATIONS.parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
