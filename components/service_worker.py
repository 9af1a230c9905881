"""ServiceWorker: one of Tracardi's further services, as its row in the catalogue (`model/services.py`) says."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.api import INDEX_SHAPE
from components.context import Context
from components.endpoints import DataEndpoints
from components.job import AwaitedJobArgs, awaited_job
from components.kubernetes import digest, metadata
from components.pods import (
    TMP,
    Check,
    Container,
    Mount,
    Pod,
    Resources,
    SecretKey,
    config_volume,
    pod_template,
    scratch,
)
from components.stateless import StatelessWorkload, StatelessWorkloadArgs, service_account
from components.store_access import store_checksums, store_environment, store_volumes
from components.tunnel import tunnel_checksum, tunnel_sidecars, tunnel_volumes
from model.credentials import Credential
from model.lifecycle import STARTUP_PERIOD_SECONDS, Probe, worker_liveness
from model.roles import Role
from model.service import Need, Service
from settings.services import ServiceSettings

PROGRAM = Path(__file__).with_name("programs") / "worker.sh"
_FOLDER = "/etc/tracardi/worker"
_PREFIXES = {
    "ELASTIC_": Need.ELASTICSEARCH,
    "REDIS_": Need.REDIS,
    "MYSQL_": Need.MYSQL,
    "PULSAR_": Need.PULSAR,
}
JOB_SECONDS = 3600
"""Longest run by the clock; what is left then, the next one does."""
PREPARATION_SECONDS = 900
"""Longest run of what others wait for: it asks each store several times, and then makes some topics."""


@dataclass(frozen=True)
class ServiceWorkerArgs:
    """The service of `row`, with what `settings` say of it, on top of `data`."""

    context: Context
    row: Service
    settings: ServiceSettings
    index_digest: str
    data: DataEndpoints

    @property
    def reached(self) -> DataEndpoints:
        """The stores, without those that the service does not need and that not everybody has."""
        needs = self.row.needs
        return replace(
            self.data,
            mysql=self.data.mysql if Need.MYSQL in needs else None,
            pulsar=self.data.pulsar if Need.PULSAR in needs else None,
        )

    @property
    def role(self) -> Role:
        """The role of the service's pods."""
        return Role(self.row.name)

    @property
    def always(self) -> bool:
        """Whether its pods are there all the time."""
        return self.schedule is None and not self.row.prepares

    @property
    def schedule(self) -> str | None:
        """When it runs; None where it always does."""
        return self.settings.schedule or self.row.schedule


class ServiceWorker(pulumi.ComponentResource):
    """A service that nobody connects to: pods that always run, a CronJob, or a Job that others wait for."""

    def __init__(self, name: str, args: ServiceWorkerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:ServiceWorker", name, opts=opts)
        child, pod = pulumi.ResourceOptions(parent=self), _pod(args)
        # The same one for both: of two in turn, the second would go with the first.
        account = service_account(name, args.context, pod, child)
        if args.row.prepares:
            _prepare(
                name, args, pod, pulumi.ResourceOptions(parent=self, depends_on=[account], ignore_changes=["spec"])
            )
        elif args.schedule is not None:
            k8s.batch.v1.CronJob(
                f"{name}-cron-job",
                metadata=metadata(args.context, args.role),
                spec=_cron_job(args, pod, args.schedule),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
            )
        else:
            program = k8s.core.v1.ConfigMap(
                f"{name}-program",
                metadata=metadata(args.context, args.role),
                data={PROGRAM.name: _program()},
                opts=child,
            )
            StatelessWorkload(
                f"{name}-pods",
                StatelessWorkloadArgs(args.context, pod, account=account),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[program]),
            )
        self.register_outputs({})


def _prepare(name: str, args: ServiceWorkerArgs, pod: Pod, opts: pulumi.ResourceOptions) -> None:
    """The Job, named after what it is told, so that it runs again when that changes, and only then."""
    (worker,) = pod.containers
    told = [f"{key}={value}" for key, value in sorted(worker.environment.items()) if isinstance(value, str)]
    inputs = digest(str(worker.image), *worker.command, *told)
    awaited_job(name, AwaitedJobArgs(args.context, pod, inputs, PREPARATION_SECONDS, tries=5), opts)


def _cron_job(args: ServiceWorkerArgs, pod: Pod, schedule: str) -> k8s.batch.v1.CronJobSpecArgs:
    return k8s.batch.v1.CronJobSpecArgs(
        schedule=schedule,
        time_zone="Etc/UTC",
        # Two at a time would do the same work.
        concurrency_policy="Forbid",
        # One that the controller was too late for is not made up for in a crowd.
        starting_deadline_seconds=300,
        successful_jobs_history_limit=1,
        failed_jobs_history_limit=3,
        job_template=k8s.batch.v1.JobTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=args.context.labels(args.role)),
            spec=k8s.batch.v1.JobSpecArgs(
                backoff_limit=1, active_deadline_seconds=JOB_SECONDS, template=pod_template(args.context, pod)
            ),
        ),
    )


def _pod(args: ServiceWorkerArgs) -> Pod:
    context, row = args.context, args.row
    always = args.always
    volumes = dict(_volumes(args))
    script = ("sh", f"{_FOLDER}/{PROGRAM.name}")
    worker = Container(
        name=row.name,
        image=args.settings.image.applied_to(context.mirrored(row.image(context.release.version))),
        resources=Resources(cpu=row.cpu, memory=row.memory, memory_limit=row.memory_limit),
        command=row.command,
        working_dir=row.folder,
        environment={"LOGGING_LEVEL": "info", **args.settings.environment, **_environment(args)},
        environment_from=(INDEX_SHAPE,),
        mounts=tuple(volumes),
        startup=Check(command=(*script, "started")).probe(
            Probe(STARTUP_PERIOD_SECONDS, timeout=5, failures=context.release.start_seconds // STARTUP_PERIOD_SECONDS)
        )
        if always
        else None,
        liveness=Check(command=(*script, "alive")).probe(worker_liveness(row.quiet_seconds)) if always else None,
        # TERM would reach it anyway.
        stop=(*script, "stop", row.stop_signal) if always and row.stop_signal != "TERM" else (),
    )
    return Pod(
        role=args.role,
        containers=(worker,),
        instances=args.settings.replicas or row.replicas,
        sidecars=tunnel_sidecars(context, args.reached),
        volumes=(*volumes.values(), *tunnel_volumes(args.reached)),
        grace_seconds=row.grace_seconds,
        restart_policy=None if always else "Never",
        checksums=_checksums(args, always=always),
    )


def _volumes(args: ServiceWorkerArgs) -> Iterator[tuple[Mount, k8s.core.v1.VolumeArgs]]:
    yield Mount("tmp", TMP, read_only=False), scratch("tmp", "64Mi")
    if args.always:
        yield Mount("worker", _FOLDER), config_volume("worker", args.role.value)
    if Need.ELASTICSEARCH in args.row.needs:
        yield from store_volumes(args.reached)


def _checksums(args: ServiceWorkerArgs, *, always: bool) -> dict[str, pulumi.Input[str]]:
    """What pods read at their start only; those of a CronJob begin anew each time."""
    if not always:
        return {}
    return {"index-shape": args.index_digest, **store_checksums(args.reached), **tunnel_checksum(args.reached)}


def _environment(args: ServiceWorkerArgs) -> dict[str, str | SecretKey]:
    row, redis = args.row, args.data.redis
    secret = args.context.credentials_secret(args.role)
    own = row.environment if args.schedule is None or row.scheduled is None else row.scheduled
    licensed = row.takes_licence and args.context.release.licensed
    stores = {
        name: value
        for name, value in store_environment(args.reached, secret).items()
        if any(name.startswith(prefix) and need in row.needs for prefix, need in _PREFIXES.items())
    }
    if row.redis_port_in_host:
        stores["REDIS_HOST"] = f"{redis.host}:{int(redis.port)}"
    return {
        **dict(own),
        "HOME": TMP,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **({"AUTO_PROFILE_MERGING": SecretKey(secret, Credential.PROFILE_MERGING)} if row.merges else {}),
        **({"LICENSE": SecretKey(secret, Credential.LICENCE)} if licensed else {}),
        **stores,
    }


def _program() -> str:
    return PROGRAM.read_text(encoding="utf-8")
