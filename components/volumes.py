"""Volumes that are there already: a StatefulSet neither enlarges nor moves them, so settings say what they are."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from components.context import Context, context_of
from components.stateful import DATA, node_names
from components.target import Target, TargetError, ask
from model.roles import Role, Tier
from settings.base import Refusal
from settings.data import MysqlSettings
from settings.load import SettingsError
from settings.pulsar import PulsarSettings
from settings.root import Settings
from settings.types import amount


@dataclass(frozen=True)
class _Claim:
    """A claim of a store's pod, as the cluster has it."""

    name: str
    storage: str
    storage_class: str | None


def look_at_volumes(target: Target, settings: Settings) -> None:
    """Make sure that the volumes of stores in the cluster are what `settings` say of them, where there are any.

    Raises:
        SettingsError: one is smaller or larger, or of another class.
        TargetError: the cluster does not answer.
    """
    context = context_of(settings)
    namespace = context.namespace(Tier.DATA)
    claims = {claim.name: claim for claim in _claims(target, context, namespace)}
    refusals = []
    for store, (nodes, storage) in _stores(settings).items():
        names = [f"{DATA}-{node}" for node in node_names(store, nodes)]
        found = [claims[name] for name in names if name in claims]
        refusals += [*_of_size(store, storage, namespace, found), *_of_class(context, found)]
    if refusals:
        raise SettingsError(tuple(dict.fromkeys(refusals)))


def _stores(settings: Settings) -> dict[Role, tuple[int, str]]:
    """Pods and size of each one's volume, of the stores in the cluster."""
    data, mysql, pulsar = settings.data, settings.data.mysql or MysqlSettings(), settings.pulsar or PulsarSettings()
    stores = {
        Role.ELASTICSEARCH: (data.elasticsearch.nodes, data.elasticsearch.storage),
        Role.REDIS: (1, data.redis.storage),
        Role.MYSQL: (1, mysql.storage),
        Role.PULSAR: (1, pulsar.storage),
    }
    present = context_of(settings).roles
    return {role: store for role, store in stores.items() if role in present}


def _claims(target: Target, context: Context, namespace: str) -> Iterator[_Claim]:
    wanted = quote(f"app.kubernetes.io/name=tracardi,app.kubernetes.io/instance={context.installation}")
    # As it is: otherwise kubectl would first ask for all that the cluster knows, and every preview waits for it.
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims?labelSelector={wanted}"
    answer = ask(target, "get", "--raw", path)
    if answer.returncode:
        raise TargetError(
            f"tracardi:data\n  value:  volumes in namespace {namespace}\n"
            f"  limit:  they cannot be looked for: {answer.stderr.strip()}\n"
            "  remedy: Give this user the right to list PersistentVolumeClaims there."
        )
    for item in json.loads(answer.stdout)["items"]:
        spec = item["spec"]
        yield _Claim(item["metadata"]["name"], spec["resources"]["requests"]["storage"], spec.get("storageClassName"))


def _of_size(store: Role, storage: str, namespace: str, claims: list[_Claim]) -> Iterator[Refusal]:
    path = ("data", store.value, "storage")
    if larger := [claim for claim in claims if amount(claim.storage) > amount(storage)]:
        most = max(larger, key=lambda claim: amount(claim.storage))
        yield Refusal(
            path,
            storage,
            f"at least {most.storage}, which {most.name} in namespace {namespace} has: volumes do not shrink",
            f"Set it to {most.storage}.",
        )
    elif smaller := [claim for claim in claims if amount(claim.storage) < amount(storage)]:
        names = " ".join(claim.name for claim in smaller)
        sizes = " and ".join(sorted({claim.storage for claim in smaller}, key=amount))
        patch = json.dumps({"spec": {"resources": {"requests": {"storage": storage}}}})
        yield Refusal(
            path,
            storage,
            f"{sizes}, which {names} in namespace {namespace} have: a StatefulSet does not enlarge volumes",
            f"Enlarge them first: kubectl --namespace {namespace} patch persistentvolumeclaims {names} "
            f"--patch '{patch}' (their storage class must allow that), or set it back.",
        )


def _of_class(context: Context, claims: list[_Claim]) -> Iterator[Refusal]:
    wanted = context.platform.storage_class
    others = sorted({claim.storage_class for claim in claims if claim.storage_class not in (wanted, None)} - {None})
    if wanted is not None and others:
        yield Refusal(
            ("platform", "storageClass"),
            wanted,
            f"{' or '.join(map(str, others))}, which volumes of this stack have: a volume keeps its class",
            "Set it back. Another class takes another installation, or stores that others run.",
        )
