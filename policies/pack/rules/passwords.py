"""Passwords: generated strong, not to be guessed where they were given, and asked for."""

from collections.abc import Iterator

from model.credentials import Credential, fits_urls, too_weak
from model.limits import MIN_PASSWORD_LENGTH
from policies.pack.credentials.lookup import Use, passwords, texts
from policies.pack.credentials.wording import names_a_secret
from policies.pack.kubernetes.images import Program, merges_profiles
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView

_CLASSES = ("lower", "upper", "numeric", "special")
_STORE_PASSWORDS = {
    "ELASTIC_HOST": "ELASTIC_HTTP_AUTH_PASSWORD",
    "REDIS_HOST": "REDIS_PASSWORD",
    "MYSQL_HOST": "MYSQL_PASSWORD",
    "PULSAR_HOST": "PULSAR_AUTH_TOKEN",
}
"""By the variable that leads to a store, the one with its password."""
_LEAST_CHOICE = 10
"""Characters to choose from, below which a class adds nothing that could not be foreseen."""


@rule(
    "generated-passwords-are-strong",
    severity=Severity.HIGH,
    remedy="Raise its length, and leave lower, upper and numeric characters on; releases up to 1.0 store passwords in "
    "a way that only length protects.",
    options=(
        Option("minimumLength", MIN_PASSWORD_LENGTH, "How many characters are enough."),
        Option("minimumClasses", 3, "How many of lower, upper, numeric and special characters must be possible."),
        Option("minimumBytes", 24, "How many bytes are enough, where bytes are generated."),
    ),
)
def generated_passwords_are_strong(stack: StackView, options: Options) -> Iterator[Finding]:
    """Generated passwords cannot be guessed."""
    for password in stack.of_kind("RandomPassword"):
        length, least = _free_characters(password), options.number("minimumLength")
        if length < least:
            yield Finding(password, f"has {length} characters, not {least}")
        classes = _classes(password)
        if len(classes) < options.number("minimumClasses"):
            yield Finding(password, f"has only {' and '.join(classes) or 'unknown'} characters")
        result = password.properties["result"].text
        # One that was imported is as it was before.
        if result is not None and len(result) < least:
            yield Finding(password, f"made {len(result)} characters, not {least}")
    for made in stack.of_kind("RandomBytes"):
        length, least = int(made.properties["length"].number or 0), options.number("minimumBytes")
        if length < least:
            yield Finding(made, f"has {length} bytes, not {least}")


def _free_characters(password: Resource) -> int:
    """How many characters are drawn from a choice that is worth the name."""
    length = int(password.properties["length"].number or 0)
    chosen = password.properties["overrideSpecial"]
    if chosen.given and chosen.text != "" and len(set(chosen.text or "")) < _LEAST_CHOICE:
        fixed = password.properties["minSpecial"]
        length -= int(fixed.number or 0) if not fixed.hidden else length
    return length


def _classes(password: Resource) -> tuple[str, ...]:
    switches = {name: password.properties[name] for name in _CLASSES}
    # The older name of the switch still works.
    older = password.properties["number"]
    if older.given and older.flag is not True:
        switches["numeric"] = older
    # Each is on by default.
    return tuple(name for name, switch in switches.items() if not switch.given or switch.flag is True)


@rule(
    "secrets-cannot-be-guessed",
    severity=Severity.CRITICAL,
    remedy="Generate it, or give another one: long, without words or patterns. Tracardi's own defaults are public.",
)
def secrets_cannot_be_guessed(stack: StackView, _: Options) -> Iterator[Finding]:
    """No secret that can be seen is one of those that are tried first, nor empty."""
    reported = set()
    for use in stack.credentials.uses:
        if use.credential is None and not names_a_secret(use.purpose):
            continue
        for secret, text in stack.credentials.found(use):
            values = passwords(text.removesuffix("\n") if use.in_file else text)
            for weakness in (_weakness(use, value) for value in values):
                if weakness and (secret.urn, use.key) not in reported:
                    reported.add((secret.urn, use.key))
                    yield Finding(secret, f"has under {use.key} a secret that misses this: {weakness}")
    used = {secret.urn for use in stack.credentials.uses for secret in stack.credentials.secrets(use)}
    for secret in stack.of_kind("Secret"):
        if secret.urn not in used:
            yield from _unused(secret)


def _unused(secret: Resource) -> Iterator[Finding]:
    """Secrets that are kept for another day."""
    if not secret.is_kubernetes_object or secret.properties["type"].text not in {None, "Opaque"}:
        return
    found = texts(secret)
    for key, text in found.items():
        if names_a_secret(key) or (len(found) == 1 and names_a_secret(secret.object_name)):
            weakness = too_weak(None, text)
            if weakness and not text.startswith("-----BEGIN"):
                yield Finding(secret, f"has under {key} a secret that misses this: {weakness}")


def _weakness(use: Use, value: str) -> str | None:
    # What is wrong with MySQL's in an address, another rule says.
    elsewhere = use.credential is Credential.MYSQL and not fits_urls(value)
    return too_weak(None if elsewhere else use.credential, value)


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
            if container.program is Program.API and not _from_secret(container, "INSTALLATION_TOKEN"):
                yield Finding(
                    workload.resource, f"has no INSTALLATION_TOKEN from a Secret in container {container.name}"
                )


@rule(
    "api-passwords-come-from-secrets",
    severity=Severity.CRITICAL,
    remedy="Set each from a Secret that must be there (valueFrom.secretKeyRef without optional): without it, Tracardi "
    "uses none, or one that is public.",
)
def api_passwords_come_from_secrets(stack: StackView, _: Options) -> Iterator[Finding]:
    """API pods and workers have a password for each store, and a merging secret of their own where they merge."""
    for workload in stack.workloads:
        for container in workload.serving:
            for name in _wanting(workload, container):
                yield Finding(workload.resource, f"has no {name} from a Secret in container {container.name}")


def _wanting(workload: Workload, container: Container) -> Iterator[str]:
    if container.program is Program.API and not workload.ends:
        yield from _missing(container)
    elif container.program is Program.WORKER:
        merging = {"AUTO_PROFILE_MERGING"} if merges_profiles(container.image) else set()
        used = {name for host, name in _STORE_PASSWORDS.items() if host in container.environment}
        yield from (name for name in _missing(container) if name in used | merging)


def _missing(container: Container) -> Iterator[str]:
    if not any(_from_secret(container, name) for name in ("ELASTIC_HTTP_AUTH_PASSWORD", "ELASTIC_API_KEY")):
        yield "ELASTIC_HTTP_AUTH_PASSWORD"
    wanted = ["AUTO_PROFILE_MERGING", "REDIS_PASSWORD"]
    if any(name.startswith("MYSQL_") for name in container.environment):
        wanted.append("MYSQL_PASSWORD")
    if "PULSAR_HOST" in container.environment:
        wanted.append("PULSAR_AUTH_TOKEN")
    yield from (name for name in wanted if not _from_secret(container, name))


def _from_secret(container: Container, name: str) -> bool:
    variable = container.environment.get(name)
    return variable is not None and variable.secret and not variable.optional
