"""Each setting changes something, and only what it should."""

from collections.abc import Iterator
from dataclasses import asdict
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from settings.load import SettingsError
from tests.unit.components.conftest import build
from tests.unit.engine import Recording, Registered
from tests.unit.footprints import FOOTPRINTS
from tests.unit.leaves import Leaf, leaves
from tests.unit.stacks import changed, settings_of
from tests.unit.variants import GIVEN, LICENCE, TOKEN, Configuration, authority, variants

pytestmark = pytest.mark.thorough

LEAVES = {leaf.name: leaf for leaf in leaves()}
VARIANTS = variants()
# In production, every setting of scale has its effect.
BASES = ("production", *(name for name in VARIANTS if name not in {"production", "small"}), "small")

WITHOUT_EFFECT = {
    "target.kubeconfig": "where, not what: components/target.py",
    "target.context": "where, not what: components/target.py",
    "capacity.retentionDays": "refuses volumes that are too small, and sizes nothing",
    **{f"credentials.{key}.rotation": "refused until rotation is real" for key in GIVEN},
    "services.apm.replicas": "refused: no service of the open-source edition may have several",
}
"""Settings that change no resource, each with the reason."""

REPRESENTED = {
    "track.balancer": {"guiApi.balancer": "replicas", "gui.balancer": "replicas"},
    "credentials.elasticsearch": {
        f"credentials.{key}": "value"
        for key in (*(key for key in GIVEN if key != "elasticsearch"), "pulsar", "pulsarKey")
    },
    "platform.images.api": {
        **{
            f"platform.images.{key}": "digest"
            for key in ("gui", "elasticsearch", "mysql", "redis", "pulsar", "haproxy", "mysqlRouter")
        },
        "services.apm.image": "digest",
    },
}
"""Sections of one model, which components get as a whole: each setting of the first, and one of each other."""

TOGETHER: dict[str, tuple[str, dict[str, Any]]] = {
    "track.balancer.mode": ("gateway", {"track__balancer": {"mode": "haproxy", "replicas": 2}}),
    "gui.enabled": ("small", {"gui": {"enabled": False}}),
    "data.elasticsearch.external.certificateAuthority": (
        "external data",
        {"data__elasticsearch__external__certificateAuthority": None},
    ),
    "data.redis.external.certificateAuthority": (
        "external data through tunnels",
        {"data__redis__external__certificateAuthority": authority()},
    ),
    "data.mysql.external.certificateAuthority": (
        "external data through tunnels",
        {"data__mysql__external__certificateAuthority": None},
    ),
    **{f"credentials.{key}.value": ("small", {f"credentials__{key}": given}) for key, given in GIVEN.items()},
    "credentials.pulsar.value": (
        "commercial 0.8.2.1 with a queue in plain text",
        {"credentials__pulsar": {"value": f"{TOKEN}-other"}},
    ),
    "credentials.pulsarKey.value": (
        "commercial with a queue in the cluster",
        {"credentials__pulsarKey": {"value": f"{TOKEN}-and-much-more"}},
    ),
    "installation.edition": (
        "production",
        {"installation__edition": "commercial", "installation__licence": LICENCE},
    ),
    "installation.licence": ("commercial", {"installation__licence": f"{LICENCE}-other"}),
    "data.pulsar.external.certificateAuthority": (
        "commercial",
        {"data__pulsar__external__certificateAuthority": None},
    ),
    "certificates.source": ("small", {"certificates": {"source": "cert-manager", "issuer": {"name": "vault"}}}),
    "services.apm.enabled": ("small", {"services": {"apm": {"enabled": True}}}),
    "platform.images.api.tag": (
        "production",
        {
            "platform__images__api__tag": "1.0.0-3",
            "platform__images__gui__tag": "1.0.0-3",
            "services__apm__image__tag": "1.0.0-3",
        },
    ),
    "platform.images.pulsar.digest": (
        "commercial with a queue in the cluster",
        {"platform__images__pulsar__digest": f"sha256:{'cd' * 32}"},
    ),
    "platform.images.mysqlRouter.digest": (
        "tunnel",
        {"platform__images__mysqlRouter__digest": f"sha256:{'cd' * 32}"},
    ),
    "platform.tolerations.0.operator": (
        "mirror",
        {"platform__tolerations": [{"key": "dedicated", "effect": "NoSchedule"}]},
    ),
    "platform.tolerations.0.effect": (
        "mirror",
        {"platform__tolerations": [{"key": "dedicated", "operator": "Equal", "value": "cdp", "effect": "NoExecute"}]},
    ),
}
"""Settings that are accepted together with others only: a variant, and the changes to it."""


def represented(name: str) -> bool:
    """Whether a setting of the same model stands for this one."""
    return any(
        name.startswith(f"{section}.") and name != f"{section}.{tried}"
        for others in REPRESENTED.values()
        for section, tried in others.items()
    )


def change(leaf: Leaf) -> tuple[str, Configuration]:
    """A variant, and its configuration with another value of one setting."""
    if leaf.name in TOGETHER:
        base, changes = TOGETHER[leaf.name]
        return base, changed(VARIANTS[base], **changes)
    for base in BASES:
        configuration = leaf.changed_in(VARIANTS[base])
        if configuration is not None and accepted(configuration):
            return base, configuration
    raise LookupError(f"no variant accepts another value of {leaf.name}; add it to TOGETHER")


def accepted(configuration: Configuration) -> bool:
    try:
        settings_of(configuration)
    except SettingsError:
        return False
    return True


@cache
def before(base: str) -> dict[str, object]:
    return dict(everything(build(settings_of(VARIANTS[base]))))


def everything(recording: Recording) -> Iterator[tuple[str, object]]:
    """What a stack consists of and tells, each under a name that stays the same when its content changes."""
    for each in recording.registered:
        if not each.token.startswith("tracardi:"):
            # Who waits for whom, and under which parent, makes no difference to the cluster.
            yield title(each), {**asdict(each), "dependencies": None, "parent": None, "urn": None}
    yield from ((f"read/{place}", encrypted) for place, encrypted in recording.read.items())
    yield from ((f"output/{name}", value) for name, value in recording.outputs.items())


def title(resource: Registered) -> str:
    """`Kind/tier/name` of an object, `Kind//name` of what is in no namespace, whatever the installation is called."""
    if not resource.token.startswith("kubernetes:"):
        return f"{resource.token.rsplit(':', 1)[-1]}//{resource.name}"
    kind, namespace, name = resource.inputs["kind"], resource.namespace, resource.object_name
    if kind == "Namespace":
        return f"{kind}//{name.rsplit('-', 1)[-1]}"
    # Named after its inputs.
    shown = f"{name.rpartition('-')[0]}-*" if kind == "Job" else name
    return f"{kind}/{str(namespace).rsplit('-', 1)[-1]}/{shown}"


def footprint(name: str) -> tuple[str, ...]:
    """What a setting may change, by the longest beginning of its name that is listed."""
    parts = name.split(".")
    beginnings = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next(FOOTPRINTS[beginning] for beginning in beginnings if beginning in FOOTPRINTS)


@pytest.mark.parametrize("name", [name for name in LEAVES if name not in WITHOUT_EFFECT and not represented(name)])
def test_a_setting_changes_what_it_should_and_nothing_else(name: str) -> None:
    base, configuration = change(LEAVES[name])

    old, new = before(base), dict(everything(build(settings_of(configuration))))

    touched = {title for title in old.keys() | new.keys() if old.get(title) != new.get(title)}
    assert touched, f"{name} changes nothing in the variant {base}"
    allowed = footprint(name)
    assert sorted(title for title in touched if not any(fnmatchcase(title, each) for each in allowed)) == []


def test_no_footprint_is_of_a_setting_that_is_gone() -> None:
    assert [each for each in FOOTPRINTS if not any(f"{name}.".startswith(f"{each}.") for name in LEAVES)] == []


def test_every_setting_is_tried_or_excused() -> None:
    assert WITHOUT_EFFECT.keys() | TOGETHER.keys() <= LEAVES.keys()
    for first, others in REPRESENTED.items():
        keys = {name.removeprefix(f"{first}.") for name in LEAVES if name.startswith(f"{first}.")}
        for section in others:
            assert {name.removeprefix(f"{section}.") for name in LEAVES if name.startswith(f"{section}.")} == keys
