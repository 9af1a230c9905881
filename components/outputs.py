"""What a stack tells its users: addresses, names, and how to log in."""

from ipaddress import ip_address

import pulumi

from components.context import context_of
from components.load_balancer import LoadBalancer
from components.tracardi import Tracardi
from model.encryption import PlainConnection, Store, exceptions
from settings.root import Settings

_EXPOSURE = {"track": "internet", "guiApi": "trusted networks", "gui": "trusted networks"}


def outputs(settings: Settings, tracardi: Tracardi) -> dict[str, object]:
    """The stack's outputs by name."""
    gui_api = settings.gui_api.host
    entries = tracardi.entries
    told: dict[str, object] = {
        "trackUrl": f"https://{settings.track.host}",
        "guiApiUrl": f"https://{gui_api}",
        "adminEmail": settings.installation.admin_email,
        "adminPassword": tracardi.admin_password,
        "namespaces": tracardi.namespaces,
        "loadBalancers": {
            name: {"host": entry.host, "addresses": entry.addresses, "exposure": _EXPOSURE[name]}
            for name, entry in entries.items()
        },
        "dnsRecords": pulumi.Output.all(*(_records(entry) for entry in entries.values())).apply(
            lambda found: [record for records in found for record in records]
        ),
        "release": settings.installation.release,
        "dataKept": settings.keeps_data,
        # What no certificate protects, so that nobody believes otherwise.
        "plainConnections": [f"{plain.connection}: {plain.reason}" for plain in plain_connections(settings)],
    }
    if settings.gui.enabled:
        # The console keeps its API's address in the browser; this query fills it in.
        told["guiUrl"] = f"https://{settings.gui.host}/?api=https://{gui_api}"
    if tracardi.certificate_authority is not None:
        told["certificateAuthority"] = tracardi.certificate_authority
    return told


def plain_connections(settings: Settings) -> tuple[PlainConnection, ...]:
    """The connections of the installation that stay in plain text."""
    context, data = context_of(settings), settings.data
    reached = {Store.REDIS: data.redis.tunnel}
    if settings.uses_mysql:
        reached[Store.MYSQL] = data.mysql is not None and data.mysql.tunnel
    if settings.pulsar is not None:
        reached[Store.PULSAR] = settings.pulsar.external is not None and settings.pulsar.external.tls
    stores = frozenset(store for store, tunnel in reached.items() if not tunnel)
    # MySQL's tunnel tells nobody that it lives.
    telling = frozenset(store for store, tunnel in reached.items() if tunnel and store is not Store.MYSQL)
    return exceptions(settings.certificates.encryption, context.roles, stores, tunnels=telling)


def _records(entry: LoadBalancer) -> pulumi.Output[list[dict[str, object]]]:
    return entry.addresses.apply(lambda addresses: dns_records(entry.host, addresses))


def dns_records(host: str, addresses: list[str]) -> list[dict[str, object]]:
    """The records that lead `host` to `addresses`: one for each type, because a name may have several addresses."""
    values: dict[str, list[str]] = {}
    for address in addresses:
        values.setdefault(_record_type(address), []).append(address)
    return [{"name": host, "type": kind, "values": values[kind]} for kind in sorted(values)]


def _record_type(address: str) -> str:
    try:
        return "A" if ip_address(address).version == 4 else "AAAA"  # noqa: PLR2004 - IP version
    except ValueError:
        return "CNAME"
