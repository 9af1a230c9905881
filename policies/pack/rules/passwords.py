"""Passwords: generated, strong, and never written down where a reader of objects finds them."""

import re
from collections.abc import Iterator

from model.limits import MIN_PASSWORD_LENGTH
from policies.pack.images import Program
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.workloads import Container

_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|(^|_)(KEY|PASS|PWD|AUTH)$|^AUTO_PROFILE_MERGING$", re.IGNORECASE
)
_ABOUT_A_SECRET = re.compile(r"_(FILE|PATH|DIR|FOLDER)$", re.IGNORECASE)
"""Names of variables that say where a secret is, not what it is; their values are paths."""

_CREDENTIALS_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)

_CLASSES = ("lower", "upper", "numeric", "special")


@rule(
    "generated-passwords-are-strong",
    severity=Severity.HIGH,
    remedy="Raise its length, and leave lower, upper and numeric characters on; releases up to 1.0 store passwords in "
    "a way that only length protects.",
    options=(
        Option("minimumLength", MIN_PASSWORD_LENGTH, "How many characters are enough."),
        Option("minimumClasses", 3, "How many of lower, upper, numeric and special characters must be possible."),
    ),
)
def generated_passwords_are_strong(stack: StackView, options: Options) -> Iterator[Finding]:
    """Generated passwords cannot be guessed."""
    for password in stack.of_kind("RandomPassword"):
        length, least = int(password.properties["length"].number or 0), options.number("minimumLength")
        if length < least:
            yield Finding(password, f"has {length} characters, not {least}")
        classes = _classes(password)
        if len(classes) < options.number("minimumClasses"):
            yield Finding(password, f"has only {' and '.join(classes) or 'unknown'} characters")


def _classes(password: Resource) -> tuple[str, ...]:
    switches = {name: password.properties[name] for name in _CLASSES}
    # Each is on by default.
    return tuple(name for name, switch in switches.items() if not switch.given or switch.flag is True)


@rule(
    "secrets-are-never-literal",
    severity=Severity.CRITICAL,
    remedy="Take the value from a Secret (valueFrom.secretKeyRef, or a mounted file), and put nothing secret into "
    "ConfigMaps, arguments or addresses.",
)
def secrets_are_never_literal(stack: StackView, _: Options) -> Iterator[Finding]:
    """No secret can be read from the description of a pod."""
    for workload in stack.workloads:
        for container in workload.containers:
            for problem in _literals(container):
                yield Finding(workload.resource, f"{problem} in container {container.name}")


def _literals(container: Container) -> Iterator[str]:
    for entry in container.properties["env"]:
        name = entry["name"].text or ""
        if entry["value"].given and _names_a_secret(name, entry["value"].text):
            yield f"has {name} in clear text"
    for name, variable in container.environment.items():
        if variable.value and _CREDENTIALS_IN_URL.search(variable.value):
            yield f"has a password in the address {name}"
    direct = {entry["name"].text for entry in container.properties["env"] if entry["value"].given}
    for name, variable in container.environment.items():
        if name not in direct and variable.value is not None and _names_a_secret(name, variable.value):
            yield f"takes {name} from a ConfigMap"
    if any(_CREDENTIALS_IN_URL.search(word) for word in container.command_line):
        yield "has a password in an address among its arguments"


def _names_a_secret(name: str, value: str | None) -> bool:
    if not _SECRET_NAME.search(_ABOUT_A_SECRET.sub("", name)):
        return False
    return not (_ABOUT_A_SECRET.search(name) and (value or "").startswith("/"))


@rule(
    "installation-token-is-secret",
    severity=Severity.CRITICAL,
    remedy="Set INSTALLATION_TOKEN from a Secret that must be there (valueFrom.secretKeyRef without optional): the "
    "default is public, and with an empty one anybody may install.",
)
def installation_token_is_secret(stack: StackView, _: Options) -> Iterator[Finding]:
    """Nobody but the installation knows the token with which Tracardi is installed."""
    for workload in stack.running(Program.API):
        for container in workload.serving:
            token = container.environment.get("INSTALLATION_TOKEN")
            if container.program is Program.API and (token is None or not token.secret or token.optional):
                yield Finding(
                    workload.resource, f"has no INSTALLATION_TOKEN from a Secret in container {container.name}"
                )
