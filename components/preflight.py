"""Preflight: the Job that checks the stores which others run, before anything relies on them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.endpoints import DataEndpoints, Tunnel
from components.job import AwaitedJobArgs, awaited_job
from components.kubernetes import digest, metadata
from components.pods import TMP, Container, Mount, Pod, Resources, SecretKey, config_volume, scratch
from components.stateless import service_account
from components.store_access import ELASTICSEARCH_CA, ELASTICSEARCH_CA_FOLDER, store_environment
from components.tunnel import TUNNEL_FOLDER, TUNNELS, authority_file, tunnel_files, tunnel_sidecars, tunnel_volumes
from model.images import Software
from model.roles import Role
from settings.others import OthersStore
from settings.types import Cidr

PROGRAM = Path(__file__).with_name("programs") / "preflight"
DEADLINE_SECONDS = 900
"""Longest check: most of it is for the image to arrive, of which the program knows nothing."""
_PROGRAM_SECONDS = 240
_FOLDER = "/etc/tracardi"
_PLAN = "plan.json"
_PREFIXES = {Role.ELASTICSEARCH: "ELASTIC_", Role.REDIS: "REDIS_", Role.MYSQL: "MYSQL_", Role.PULSAR: "PULSAR_"}
"""How the variables begin by which Tracardi finds each store."""


@dataclass(frozen=True)
class PreflightArgs:
    """The stores that others run, and all stores as API pods find them."""

    context: Context
    stores: tuple[OthersStore, ...]
    data: DataEndpoints
    credentials: pulumi.Resource
    """The Secret with their passwords: another one of them is another thing to check."""


class Preflight(pulumi.ComponentResource):
    """The check of stores that others run. Whatever uses them depends on this.

    It is named after what it checks, so an update that changes nothing of it does not run it again. It runs in the
    console's namespace alone: the graph opens the same addresses and ports of these stores to both API clusters, which
    have the same passwords, so what it finds there holds for the collectors; and their namespace, which faces the
    internet, sees no more Secrets than before.
    """

    job: str
    """Name of the Job."""

    def __init__(self, name: str, args: PreflightArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:Preflight", name, opts=opts)
        context, role = args.context, Role.PREFLIGHT
        checked = {Role(store.need.value): store.networks for store in args.stores}
        data = _tunnels_to(args.data, checked)
        files = {
            **{file.name: file.read_text(encoding="utf-8") for file in sorted(PROGRAM.glob("*.py"))},
            _PLAN: _plan(context, checked, data),
        }
        environment = _environment(context, args.data, checked)
        own = dict(_own_files(args.data, data, checked))
        pod = _pod(context, environment, data, authority=args.data.elasticsearch.authority is not None)
        inputs = digest(
            *files.values(),
            *(f"{name}={value}" for name, value in sorted(environment.items())),
            str(context.image(Software.API)),
            # Of others' stores all of it is known beforehand.
            *(text for content in own.values() for text in content.values() if isinstance(text, str)),
        )
        child = pulumi.ResourceOptions(parent=self)
        account = service_account(name, context, pod, child)
        program = k8s.core.v1.ConfigMap(f"{name}-program", metadata=metadata(context, role), data=files, opts=child)
        read = [
            k8s.core.v1.ConfigMap(f"{name}-{kind}", metadata=metadata(context, role, kind), data=content, opts=child)
            for kind, content in own.items()
        ]
        self.job = awaited_job(
            name,
            AwaitedJobArgs(context, pod, inputs, DEADLINE_SECONDS),
            pulumi.ResourceOptions(
                parent=self,
                depends_on=[account, program, *read, args.credentials],
                # A password that somebody changed is in no name and no digest.
                replace_with=[args.credentials],
                delete_before_replace=True,
            ),
        )
        self.register_outputs({"job": self.job})


def _tunnels_to(data: DataEndpoints, checked: Mapping[Role, object]) -> DataEndpoints:
    """`data` with tunnels to stores that are `checked` alone; Pulsar in the cluster has none."""
    redis, mysql = data.redis, data.mysql
    if Role.REDIS not in checked:
        redis = replace(redis, tunnel=None)
    if mysql is not None and Role.MYSQL not in checked:
        mysql = replace(mysql, tunnel=None)
    return replace(data, redis=redis, mysql=mysql)


def _plan(context: Context, checked: Mapping[Role, tuple[Cidr, ...]], data: DataEndpoints) -> str:
    """What the program has to know besides what API pods know."""
    pulsar = data.pulsar.tunnels if data.pulsar else None
    tunnels = {
        Role.REDIS: {"tunnel": data.redis.tunnel},
        Role.MYSQL: {"tunnel": data.mysql.tunnel if data.mysql else None},
        Role.PULSAR: {"tunnel": pulsar.queue if pulsar else None, "apiTunnel": pulsar.api if pulsar else None},
    }
    versions = context.release.store_versions
    stores = {
        store.value: {
            "networks": [str(network) for network in networks],
            "versions": {
                "least": versions[store].least,
                "below": versions[store].below,
                "known": versions[store].known,
            },
            **{key: _tunnel(store, tunnel) for key, tunnel in tunnels.get(store, {"tunnel": None}).items()},
        }
        for store, networks in checked.items()
    }
    return json.dumps({"release": context.release.version, "stores": stores}, indent=2)


def _tunnel(store: Role, tunnel: Tunnel | None) -> dict[str, object] | None:
    if tunnel is None:
        return None
    authority = authority_file(store.value) if tunnel.authority is not None else None
    return {"host": tunnel.host, "port": int(tunnel.port), "authority": authority}


def _own_files(
    data: DataEndpoints, tunnelled: DataEndpoints, checked: Mapping[Role, object]
) -> Iterator[tuple[str, Mapping[str, pulumi.Input[str]]]]:
    """What API pods find in ConfigMaps of theirs, which change once this check is over."""
    authority = data.elasticsearch.authority
    if Role.ELASTICSEARCH in checked and authority is not None:
        yield ELASTICSEARCH_CA, {"ca.crt": authority}
    if tunnels := tunnel_files(tunnelled):
        yield TUNNELS, tunnels


def _environment(context: Context, data: DataEndpoints, checked: Mapping[Role, object]) -> dict[str, str | SecretKey]:
    """The variables of API pods, as far as they are about stores that are `checked`."""
    everything = store_environment(data, context.credentials_secret(Role.PREFLIGHT))
    wanted = tuple(_PREFIXES[store] for store in checked)
    return {name: value for name, value in everything.items() if name.startswith(wanted)}


def _pod(context: Context, environment: Mapping[str, str | SecretKey], data: DataEndpoints, *, authority: bool) -> Pod:
    verifies = authority and "ELASTIC_HOST" in environment
    sidecars = tunnel_sidecars(context, data)
    preflight = Container(
        name="preflight",
        image=context.image(Software.API),
        resources=Resources(cpu="50m", memory="64Mi", memory_limit="128Mi"),
        command=(context.release.python, "-m", PROGRAM.name),
        working_dir=_FOLDER,
        environment={
            **environment,
            "PREFLIGHT_PLAN": f"{_FOLDER}/{PROGRAM.name}/{_PLAN}",
            "PREFLIGHT_DEADLINE_SECONDS": str(_PROGRAM_SECONDS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "HOME": TMP,
        },
        mounts=(
            Mount("program", f"{_FOLDER}/{PROGRAM.name}"),
            Mount("tmp", TMP, read_only=False),
            *((Mount(ELASTICSEARCH_CA, ELASTICSEARCH_CA_FOLDER),) if verifies else ()),
            *((Mount(TUNNELS, TUNNEL_FOLDER),) if sidecars else ()),
        ),
    )
    return Pod(
        role=Role.PREFLIGHT,
        containers=(preflight,),
        sidecars=sidecars,
        volumes=(
            config_volume("program", Role.PREFLIGHT.value),
            scratch("tmp", "16Mi"),
            *((config_volume(ELASTICSEARCH_CA, f"{Role.PREFLIGHT}-{ELASTICSEARCH_CA}"),) if verifies else ()),
            *tunnel_volumes(data, f"{Role.PREFLIGHT}-{TUNNELS}"),
        ),
        # Python as process 1 ignores SIGTERM, and nothing here needs time to end.
        grace_seconds=5,
        restart_policy="Never",
    )
