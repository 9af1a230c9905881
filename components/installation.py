"""Installation: the Job that installs Tracardi, proves the administrator's login and creates the event sources."""

import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.haproxy import Upstream
from components.job import AwaitedJobArgs, awaited_job
from components.kubernetes import digest, metadata
from components.pods import TMP, Container, Mount, Pod, Resources, config_volume, scratch, secret_volume
from components.stateless import service_account
from model.credentials import used_by
from model.event_sources import event_source
from model.images import Software
from model.ports import Port
from model.roles import Role
from settings.data import DataSettings
from settings.index import IndexSettings
from settings.installation import InstallationSettings

_API_CA_FOLDER = "/run/secrets/api"
PROGRAM = Path(__file__).with_name("programs") / "install.py"
DEADLINE_SECONDS = 1500
"""Longest installation: the API may start for minutes, and registering plugins takes minutes more."""


@dataclass(frozen=True)
class InstallationArgs:
    """What is installed, through the GUI API at `api`."""

    context: Context
    settings: InstallationSettings
    api: Upstream
    stored_in: tuple[str, ...] = ()
    """What tells the place where it is stored from others (`stored_in`)."""


def stored_in(data: DataSettings, index: IndexSettings) -> tuple[str, ...]:
    """What tells the place where an installation is stored from others; nothing for the stack's own stores.

    In another one Tracardi is not installed yet, and whoever reaches an API may do that.
    """
    elasticsearch, mysql = data.elasticsearch.external, data.mysql.external if data.mysql is not None else None
    return (
        *(elasticsearch.urls if elasticsearch is not None else ()),
        *((f"{mysql.host}:{mysql.port or int(Port.MYSQL)}/{mysql.database}",) if mysql is not None else ()),
        *((index.tenant_name,) if index.tenant_name is not None else ()),
    )


class Installation(pulumi.ComponentResource):
    """The installation Job. It is named after its inputs, so it runs again when they change, and only then.

    Everything else about it may change afterwards without effect: Kubernetes cannot change the pod of a Job, and
    replacing it would run it again. An administrator may have another password by then, which only they know.
    """

    job: str
    """Name of the Job."""

    def __init__(self, name: str, args: InstallationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:Installation", name, opts=opts)
        context, role = args.context, Role.INSTALLATION
        files = {
            "install.py": PROGRAM.read_text(encoding="utf-8"),
            "event-sources.json": json.dumps(
                [event_source(source.id, source.name, source.bridge) for source in args.settings.event_sources],
                indent=2,
            ),
        }
        inputs = digest(
            *files.values(),
            args.settings.admin_email,
            str(context.image(Software.API)),
            _address(args.api),
            *args.stored_in,
        )
        pod = _pod(args)
        child = pulumi.ResourceOptions(parent=self)
        account = service_account(name, context, pod, child)
        program = k8s.core.v1.ConfigMap(f"{name}-program", metadata=metadata(context, role), data=files, opts=child)
        self.job = awaited_job(
            name,
            AwaitedJobArgs(context, pod, inputs, DEADLINE_SECONDS),
            pulumi.ResourceOptions(parent=self, depends_on=[account, program], ignore_changes=["spec"]),
        )
        self.register_outputs({"job": self.job})


def _address(api: Upstream) -> str:
    return f"{'https' if api.ca_secret else 'http'}://{api.host}:{int(api.port)}"


def _pod(args: InstallationArgs) -> Pod:
    context, role = args.context, Role.INSTALLATION
    verified, secrets = args.api.ca_secret is not None, used_by(role, mysql=context.release.uses_mysql)
    install = Container(
        name="install",
        image=context.image(Software.API),
        resources=Resources(cpu="50m", memory="64Mi", memory_limit="128Mi"),
        command=(context.release.python, "/etc/tracardi/install.py"),
        environment={
            "TRACARDI_API_URL": _address(args.api),
            **({"TRACARDI_API_CA_FILE": f"{_API_CA_FOLDER}/ca.crt"} if verified else {}),
            "TRACARDI_ADMIN_EMAIL": args.settings.admin_email,
            "TRACARDI_SECRETS_DIR": "/run/secrets/tracardi",
            "TRACARDI_EVENT_SOURCES_FILE": "/etc/tracardi/event-sources.json",
            # A little less than Kubernetes allows, so that the program can say what it was waiting for.
            "TRACARDI_DEADLINE_SECONDS": str(DEADLINE_SECONDS - 60),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "HOME": TMP,
        },
        mounts=(
            Mount("program", "/etc/tracardi"),
            Mount("credentials", "/run/secrets/tracardi"),
            Mount("tmp", TMP, read_only=False),
            *((Mount("api-ca", _API_CA_FOLDER),) if verified else ()),
        ),
    )
    return Pod(
        role=role,
        containers=(install,),
        volumes=(
            config_volume("program", role.value),
            # By name, so that a preview tells what the pod sees before any of it exists.
            secret_volume("credentials", context.credentials_secret(role), {key: key for key in secrets}),
            scratch("tmp", "16Mi"),
            # The Secret holds the API's key as well; this pod sees the authority alone.
            *((secret_volume("api-ca", args.api.ca_secret, {"ca.crt": "ca.crt"}),) if args.api.ca_secret else ()),
        ),
        # Python as process 1 ignores SIGTERM, and nothing here needs time to end: the next run continues the work.
        grace_seconds=5,
        restart_policy="Never",
    )
