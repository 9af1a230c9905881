"""The schemas of the plugins that the toolchain bridges itself, against the SDKs that programs call them with."""

import importlib.metadata
import inspect
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi_random
import pulumi_tls
import pytest

from tools.layout import repository
from tools.toolchain.model import Plugin
from tools.toolchain.parts import PARTS

BRIDGED = repository() / "tools" / "go" / "pulumi-bridged"
SDKS: dict[str, ModuleType] = {"random": pulumi_random, "tls": pulumi_tls}


def schema_of(package: str) -> dict[str, Any]:
    text = (BRIDGED / "providers" / "metadata" / f"{package}-schema.json").read_text()
    schema: dict[str, Any] = json.loads(text)
    return schema


def class_of(token: str) -> type:
    package, _, name = token.split(":")
    found: type = getattr(SDKS[package], name)
    return found


def properties_of(sdk_class: type) -> dict[str, str]:
    """Pulumi's name of each property by its Python name."""
    getters = re.findall(
        r'@pulumi\.getter(?:\(name="(\w+)"\))?\n(?: +@.*\n)* +def (\w+)\(', inspect.getsource(sdk_class)
    )
    return {python: pulumi or python for pulumi, python in getters}


def required_by(sdk_class: type) -> set[str]:
    names = properties_of(sdk_class)
    parameters = list(inspect.signature(sdk_class).parameters.values())
    return {names[parameter.name] for parameter in parameters if parameter.default is inspect.Parameter.empty}


def secrets_of(sdk_class: type) -> set[str]:
    listed = re.search(r"additional_secret_outputs=\[([^\]]*)\]", inspect.getsource(sdk_class))
    return set(re.findall(r'"(\w+)"', listed[1])) if listed else set()


def plugins() -> list[Plugin]:
    return [plugin for part in PARTS for plugin in part.plugins]


RESOURCES = [(package, token) for package in SDKS for token in schema_of(package)["resources"]]
TYPES = [(package, token) for package in SDKS for token in schema_of(package).get("types", {}) if ":index/" in token]


@pytest.mark.parametrize("package", SDKS)
def test_the_plugin_serves_every_resource_of_the_sdk(package: str) -> None:
    sdk_tokens = set(re.findall(rf'"({package}:index/\w+:\w+)": "\w+"', Path(SDKS[package].__file__ or "").read_text()))

    assert sdk_tokens == set(schema_of(package)["resources"])


@pytest.mark.parametrize("package", SDKS)
def test_the_plugin_serves_every_function_of_the_sdk(package: str) -> None:
    functions = {name for name, _ in inspect.getmembers(SDKS[package], inspect.isfunction) if name.startswith("get_")}
    served = {token.split(":")[2] for token in schema_of(package)["functions"] if token.startswith(f"{package}:index/")}

    assert {name for name in functions if not name.endswith("_output")} == {
        re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name) for name in served
    }


@pytest.mark.parametrize(("package", "token"), RESOURCES)
def test_a_resource_takes_the_inputs_that_the_sdk_sends(package: str, token: str) -> None:
    resource = schema_of(package)["resources"][token]
    arguments = class_of(f"{token}Args")

    assert set(properties_of(arguments).values()) == set(resource["inputProperties"])
    assert required_by(arguments) == set(resource.get("requiredInputs", []))


@pytest.mark.parametrize(("package", "token"), RESOURCES)
def test_a_resource_answers_with_the_outputs_that_the_sdk_reads(package: str, token: str) -> None:
    assert set(properties_of(class_of(token)).values()) == set(schema_of(package)["resources"][token]["properties"])


@pytest.mark.parametrize(("package", "token"), RESOURCES)
def test_what_the_sdk_keeps_secret_is_secret_in_the_plugin(package: str, token: str) -> None:
    properties = schema_of(package)["resources"][token]["properties"]

    assert secrets_of(class_of(token)) == {name for name, each in properties.items() if each.get("secret")}


def test_passwords_and_private_keys_are_secret() -> None:
    password = schema_of("random")["resources"]["random:index/randomPassword:RandomPassword"]["properties"]
    key = schema_of("tls")["resources"]["tls:index/privateKey:PrivateKey"]["properties"]

    assert password["result"]["secret"]
    assert key["privateKeyPem"]["secret"]


@pytest.mark.parametrize(("package", "token"), TYPES)
def test_a_nested_object_has_the_members_that_the_sdk_sends(package: str, token: str) -> None:
    name = token.split(":")[2]
    sdk_type = getattr(SDKS[package], f"{name}Args", None)
    sdk_type = sdk_type or getattr(SDKS[package].outputs, f"{name[0].upper()}{name[1:]}Result")

    assert set(properties_of(sdk_type).values()) == set(schema_of(package)["types"][token]["properties"])


@pytest.mark.parametrize("resource", ["certRequest:CertRequest", "selfSignedCert:SelfSignedCert"])
def test_a_subject_is_one_object(resource: str) -> None:
    inputs = schema_of("tls")["resources"][f"tls:index/{resource}"]["inputProperties"]

    assert inputs["subject"]["$ref"].endswith("Subject")


@pytest.mark.parametrize("plugin", plugins(), ids=lambda plugin: plugin.name)
def test_a_plugin_has_the_version_of_the_sdk_in_the_lock(plugin: Plugin) -> None:
    assert plugin.version == importlib.metadata.version(f"pulumi-{plugin.name}")


@pytest.mark.parametrize(
    "plugin", [plugin for plugin in plugins() if plugin.name in SDKS], ids=lambda plugin: plugin.name
)
def test_a_bridged_plugin_says_the_version_that_it_is_installed_as(plugin: Plugin) -> None:
    declared = re.findall(r'Version += "([\d.]+)"', (BRIDGED / "providers" / "providers.go").read_text())

    assert plugin.version in declared
