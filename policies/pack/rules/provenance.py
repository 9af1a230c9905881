"""Provenance: where the secrets that pods find come from, and that each serves one purpose."""

from collections.abc import Iterator

from model.credentials import Credential
from model.tokens import is_signed
from policies.pack.credentials.lookup import UNKNOWN_PURPOSE, Use, keys, passwords, texts
from policies.pack.credentials.provenance import (
    foreseeable_values,
    is_generator,
    is_no_generator,
    is_stash,
    kept_values,
    may_keep_secrets,
    roots,
)
from policies.pack.credentials.wording import names_a_secret
from policies.pack.resources import Resource
from policies.pack.roles import Role
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView

_CONTENTS = ("data", "stringData")
_SHORTEST_VALUE = 6
"""Shorter texts occur by chance."""

_STORES = {
    Credential.ELASTICSEARCH: Role.ELASTICSEARCH,
    Credential.REDIS: Role.REDIS,
    Credential.MYSQL: Role.MYSQL,
    Credential.MYSQL_ROOT: Role.MYSQL,
    Credential.PULSAR: Role.PULSAR,
    Credential.PULSAR_KEY: Role.PULSAR,
}
"""Whose passwords somebody else may have made, where the store is not in the stack."""


@rule(
    "secrets-can-be-found",
    severity=Severity.HIGH,
    remedy="Declare the Secret with that key in the same stack and namespace, without optional, so that it can be "
    "judged; or list it under keptElsewhere, as namespace/name.",
    options=(Option("keptElsewhere", (), "Secrets that somebody else keeps, as namespace/name."),),
)
def secrets_can_be_found(stack: StackView, options: Options) -> Iterator[Finding]:
    """Every secret that a pod takes is in a Secret of the stack, and has to be there."""
    for use in stack.credentials.uses:
        where = f"{use.place} in container {use.container.name}"
        found = stack.credentials.secrets(use)
        if not found and "/".join(use.identity) not in options.words("keptElsewhere"):
            yield Finding(use.workload.resource, f"takes {where} from Secret {use.origin}, which the stack lacks")
        if use.optional:
            yield Finding(use.workload.resource, f"starts without {where}")
        for secret in found:
            if not use.key and not any(keys(secret)) and not _hidden(secret):
                yield Finding(use.workload.resource, f"takes {where} from Secret {use.origin}, which is empty")
            if use.key and not _may_have(secret, use.key):
                yield Finding(
                    use.workload.resource,
                    f"takes {where} from key {use.key} of Secret {use.origin}, which lacks it or cannot be decoded",
                )


def _may_have(secret: Resource, key: str) -> bool:
    if key in texts(secret):
        return True
    contents = [secret.properties[name] for name in _CONTENTS]
    return any(content.hidden or content[key].hidden for content in contents)


@rule(
    "secrets-come-from-generators",
    severity=Severity.CRITICAL,
    remedy="Fill Secrets from RandomPassword or RandomBytes: the engine keeps what they make secret, and draws it so "
    "that nobody can foresee it. List under given, by their purposes, secrets that somebody else made: those in the "
    "stack's encrypted configuration, and in Secrets that it reads.",
    options=(Option("given", (), "Purposes whose secrets the stack is given, such as mysql-password.", local=True),),
)
def secrets_come_from_generators(stack: StackView, options: Options) -> Iterator[Finding]:
    """Secrets hold what was generated, and nothing that was written down, only looks random, or is public."""
    foreseeable = [(maker, text) for maker, text in foreseeable_values(stack) if len(text) >= _SHORTEST_VALUE]
    for secret in stack.of_kind("Secret"):
        if not secret.is_kubernetes_object:
            continue
        makers = {
            source.urn: source
            for source in roots(stack, secret.sources(*_CONTENTS))
            if is_no_generator(source) or (source.is_kubernetes_object and source.kind == "ConfigMap")
        }
        values = texts(secret).values()
        makers |= {maker.urn: maker for maker, text in foreseeable if any(text in value for value in values)}
        for maker in makers.values():
            yield Finding(secret, f"holds what {maker.label} made, which is no secret")
    yield from _written_down(stack, options.words("given"))


def _written_down(stack: StackView, given: tuple[str, ...]) -> Iterator[Finding]:
    """Secrets that hold for one of Tracardi's purposes what no generator made, as far as that can be told."""
    judged = set()
    for use in stack.credentials.uses:
        if use.purpose in given or not _made_here(stack, use.purpose):
            continue
        for secret in stack.credentials.secrets(use):
            if (secret.urn, use.key) not in judged and not _may_be_made(stack, secret, use.key):
                yield Finding(secret, f"holds as {use.purpose} what nothing in the stack made")
            judged.add((secret.urn, use.key))


def _may_be_made(stack: StackView, secret: Resource, key: str) -> bool:
    makers = [stack.by_urn[urn] for urn in secret.sources(*_CONTENTS) if urn in stack.by_urn]
    # What only remembers a secret is asked before what made it: it is what the Secret holds.
    made = [kept_values(maker) for maker in makers if may_keep_secrets(maker)]
    text = texts(secret).get(key)
    if text is None:
        # How many there must be, another rule counts.
        return bool(made)
    # What follows from something that is not known yet is not known either.
    return all(
        any(value in found or is_signed(found, value) for values in made for value in values)
        for found in passwords(text)
    )


@rule(
    "one-secret-one-purpose",
    severity=Severity.CRITICAL,
    remedy="Give each purpose a generated secret of its own; before the first update, name variables whose secrets "
    "the stack is given under given.",
    options=(
        Option("given", (), "Variables whose secrets the stack's configuration gives, such as AUTO_PROFILE_MERGING."),
    ),
)
def one_secret_one_purpose(stack: StackView, options: Options) -> Iterator[Finding]:
    """No secret is used for two purposes: who learns it for one of them has the other as well."""
    yield from _keys_of_two(stack)
    yield from _values_of_two(stack)
    yield from _generators_of_two(stack)
    yield from _too_few_generators(stack, options.words("given"))


def _telling(use: Use) -> bool:
    return use.credential is not None or names_a_secret(use.purpose)


def _keys_of_two(stack: StackView) -> Iterator[Finding]:
    slots: dict[tuple[tuple[str, str], str], Use] = {}
    for use in filter(_telling, stack.credentials.uses):
        first = slots.setdefault((use.identity, use.key), use)
        if use.key and first.purpose != use.purpose:
            yield Finding(
                use.workload.resource,
                f"takes {use.place} in container {use.container.name} from the key {use.key} of Secret {use.origin}, "
                f"which is {first.place} of {first.workload.label} as well",
            )


def _values_of_two(stack: StackView) -> Iterator[Finding]:
    known: dict[str, Use] = {}
    reported = set()
    for use in filter(_telling, stack.credentials.uses):
        for secret, text in stack.credentials.found(use):
            for value in passwords(text):
                first = known.setdefault(value.strip(), use)
                if first.purpose != use.purpose and (secret.urn, use.key) not in reported:
                    reported.add((secret.urn, use.key))
                    yield Finding(secret, f"has under {use.key} what is {first.place} of {first.workload.label} too")


def _purposes(stack: StackView) -> dict[str, tuple[Resource, set[str], set[str]]]:
    """For each Secret that pods use: what for, and which generators fill it, by its URN."""
    found: dict[str, tuple[Resource, set[str], set[str]]] = {}
    for use in stack.credentials.uses:
        for secret in stack.credentials.secrets(use):
            if secret.urn not in found:
                sources = {source.urn for source in roots(stack, secret.sources(*_CONTENTS))}
                found[secret.urn] = (secret, set(), sources)
            found[secret.urn][1].add(use.purpose)
    return found


def _generators_of_two(stack: StackView) -> Iterator[Finding]:
    """Generators that fill Secrets which have no purpose in common."""
    first: dict[str, tuple[Resource, set[str]]] = {}
    for secret, purposes, sources in _purposes(stack).values():
        # One that holds more than its pods use says nothing.
        if UNKNOWN_PURPOSE in purposes or len(sources) > len(purposes):
            continue
        for urn in sorted(sources):
            if not is_generator(stack.by_urn[urn]) and not is_stash(stack.by_urn[urn]):
                continue
            if urn not in first:
                first[urn] = (secret, purposes)
                continue
            other, shared = first[urn]
            if not shared & purposes:
                yield Finding(secret, f"holds what {stack.by_urn[urn].label} made, and {other.label} for another use")
            else:
                first[urn] = (other, shared & purposes)


def _too_few_generators(stack: StackView, given: tuple[str, ...]) -> Iterator[Finding]:
    """Secrets that hold more secrets than were made for them. Once their values can be seen, those tell."""
    elsewhere = {use.purpose for use in stack.credentials.uses if use.place in given}
    for secret, purposes, sources in _purposes(stack).values():
        makers = [stack.by_urn[urn] for urn in sources]
        if not makers or not _hidden(secret) or not all(is_generator(maker) or is_stash(maker) for maker in makers):
            continue
        # A token follows from the key that it is signed with.
        following = {Credential.PULSAR.value} if Credential.PULSAR_KEY in purposes else set()
        wanted = [purpose for purpose in sorted(purposes - elsewhere - following) if _made_here(stack, purpose)]
        if len(makers) < len(wanted):
            yield Finding(secret, f"holds {len(wanted)} secrets ({', '.join(wanted)}) of {len(makers)} generators")


def _hidden(secret: Resource) -> bool:
    contents = [secret.properties[name] for name in _CONTENTS]
    return any(content.hidden or any(member.hidden for member in content.fields.values()) for content in contents)


def _made_here(stack: StackView, purpose: str) -> bool:
    """Whether it is the stack that makes what serves `purpose`; passwords of stores elsewhere are their owners'."""
    # A licence is never made by whoever has it.
    if purpose not in {credential.value for credential in Credential} - {Credential.LICENCE}:
        return False
    store = _STORES.get(Credential(purpose))
    return store is None or any(not workload.ends for workload in stack.in_role(store))


@rule(
    "pods-agree-on-secrets",
    severity=Severity.HIGH,
    remedy="Fill all of these Secrets from one source: pods with another secret are refused by the store, cannot be "
    "installed, or merge profiles that others keep apart.",
)
def pods_agree_on_secrets(stack: StackView, _: Options) -> Iterator[Finding]:
    """What serves one purpose is the same secret for everybody."""
    first: dict[str, tuple[Resource, set[str]]] = {}
    for use in stack.credentials.uses:
        for secret in stack.credentials.secrets(use) if use.credential else ():
            values = {value.strip() for value in passwords(texts(secret).get(use.key, ""))}
            if use.key not in set(keys(secret)) or not use.key or not values - {""}:
                continue
            other, expected = first.setdefault(use.purpose, (secret, values))
            if values != expected:
                yield Finding(secret, f"has another secret under {use.key} than {other.label} has for the same use")
    yield from _other_generators(stack)
    yield from _other_names(stack)


def _other_names(stack: StackView) -> Iterator[Finding]:
    """The same where values cannot be seen, for keys that have the name of another store's password."""
    for use in stack.credentials.uses:
        named = {store for word, store in _WORDS.items() if word in use.key.lower()}
        if use.purpose not in _WORDS.values() or not named or use.purpose in named or stack.credentials.found(use):
            continue
        yield Finding(use.workload.resource, f"takes {use.place} from key {use.key} of Secret {use.origin}")


_WORDS = {
    "elastic": Credential.ELASTICSEARCH,
    "redis": Credential.REDIS,
    "mysql": Credential.MYSQL,
    "pulsar": Credential.PULSAR,
}


def _other_generators(stack: StackView) -> Iterator[Finding]:
    """The same before the first update, for Secrets that hold the same secrets."""
    first: dict[frozenset[str], tuple[Resource, set[str]]] = {}
    for secret, purposes, sources in _purposes(stack).values():
        if UNKNOWN_PURPOSE not in purposes and _hidden(secret) and len(sources) == len(purposes):
            other, expected = first.setdefault(frozenset(purposes), (secret, sources))
            if sources != expected:
                yield Finding(secret, f"is filled from other generators than {other.label} is for the same uses")
