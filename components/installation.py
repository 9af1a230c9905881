"""Installation: the Job that installs Tracardi, proves the administrator's login and creates the event sources."""

import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.haproxy import Upstream
from components.kubernetes import digest, metadata
from components.pods import TMP, Container, Mount, Pod, Resources, config_volume, pod_template, scratch, secret_volume
from components.stateless import service_account
from model.credentials import used_by
from model.event_sources import event_source
from model.images import Software
from model.roles import Role
from settings.installation import InstallationSettings

_API_CA_FOLDER = "/run/secrets/api"
PROGRAM = Path(__file__).with_name("programs") / "install.py"
DEADLINE_SECONDS = 1500
"""Longest installation: the API may start for minutes, and registering plugins takes minutes more."""
_REFUSED = 1
"""Exit status of the program for what trying again cannot mend."""
_REPLACED_UNLESS_DONE = {"pulumi.com/replaceUnready": "true"}
"""A Job that failed, such as for a store that was down for too long, runs again at the next `pulumi up`."""


@dataclass(frozen=True)
class InstallationArgs:
    """What is installed, through the GUI API at `api`."""

    context: Context
    settings: InstallationSettings
    api: Upstream


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
            *files.values(), args.settings.admin_email, str(context.image(Software.API)), _address(args.api)
        )
        pod = _pod(args)
        child = pulumi.ResourceOptions(parent=self)
        account = service_account(name, context, pod, child)
        program = k8s.core.v1.ConfigMap(f"{name}-program", metadata=metadata(context, role), data=files, opts=child)
        self.job = f"{role}-{inputs}"
        k8s.batch.v1.Job(
            # A resource of its own for each set of inputs: what is ignored below must not be taken over by the next.
            f"{name}-job-{inputs}",
            metadata=metadata(context, role, inputs, annotations=_REPLACED_UNLESS_DONE),
            spec=k8s.batch.v1.JobSpecArgs(
                backoff_limit=4,
                active_deadline_seconds=DEADLINE_SECONDS,
                pod_failure_policy=k8s.batch.v1.PodFailurePolicyArgs(
                    rules=[
                        k8s.batch.v1.PodFailurePolicyRuleArgs(
                            action="FailJob",
                            on_exit_codes=k8s.batch.v1.PodFailurePolicyOnExitCodesRequirementArgs(
                                container_name="install", operator="In", values=[_REFUSED]
                            ),
                        )
                    ]
                ),
                template=pod_template(context, pod),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[account, program],
                ignore_changes=["spec"],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{DEADLINE_SECONDS + 60}s"),
            ),
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
