"""MysqlStore: metadata and users of releases from 0.9 on. A single instance."""

from dataclasses import dataclass

import pulumi

from components.context import Context
from components.pods import TMP, Check, Container, Mount, Pod, Resources, scratch, secret_volume
from components.stateful import DATA, StatefulStore, StatefulStoreArgs
from model.credentials import Credential
from model.images import Image
from model.lifecycle import LIVENESS, READINESS, Probe
from model.ports import Port
from model.roles import Role
from settings.data import StoreSettings

_USER = 999
"""The image's user `mysql`: its entry point looks the name up."""
_SHUTDOWN_SECONDS = 120
"""InnoDB writes its changed pages back before it stops."""
_START = Probe(period=5, timeout=5, failures=60)


@dataclass(frozen=True)
class MysqlStoreArgs:
    """MySQL as `settings` describe it."""

    context: Context
    settings: StoreSettings
    image: Image


class MysqlStore(pulumi.ComponentResource):
    """One MySQL instance with a database and a user of Tracardi's own, and a volume."""

    def __init__(self, name: str, args: MysqlStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:MysqlStore", name, opts=opts)
        StatefulStore(
            f"{name}-store",
            StatefulStoreArgs(
                context=args.context,
                pod=_pod(args),
                ports={"mysql": Port.MYSQL},
                storage=args.settings.storage,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _pod(args: MysqlStoreArgs) -> Pod:
    memory = args.settings.memory
    # Succeeds as soon as the server answers, whether or not it lets this user in.
    answers = Check(command=("mysqladmin", "ping", "--host=127.0.0.1", "--silent"))
    mysql = Container(
        name="mysql",
        image=args.image,
        resources=Resources(cpu="250m", memory=memory, memory_limit=memory),
        arguments=(
            # Below the volume's root, because a fresh file system is not empty: it has a lost+found.
            "--datadir=/var/lib/mysql/data",
            # Tracardi's driver speaks caching_sha2_password over plain TCP only with a library that its image lacks.
            "--default-authentication-plugin=mysql_native_password",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
        ),
        environment={
            "MYSQL_DATABASE": "tracardi",
            "MYSQL_USER": "tracardi",
            "MYSQL_PASSWORD_FILE": f"/run/secrets/mysql/{Credential.MYSQL}",
            "MYSQL_ROOT_PASSWORD_FILE": f"/run/secrets/mysql/{Credential.MYSQL_ROOT}",
            "MYSQL_ROOT_HOST": "localhost",
        },
        ports={"mysql": Port.MYSQL},
        mounts=(
            Mount(DATA, "/var/lib/mysql", read_only=False),
            Mount("run", "/var/run/mysqld", read_only=False),
            Mount("tmp", TMP, read_only=False),
            Mount("credentials", "/run/secrets/mysql"),
        ),
        startup=answers.probe(_START),
        readiness=answers.probe(READINESS),
        liveness=answers.probe(LIVENESS),
    )
    return Pod(
        role=Role.MYSQL,
        containers=(mysql,),
        volumes=(
            scratch("run", "16Mi"),
            scratch("tmp", "256Mi"),
            secret_volume("credentials", args.context.credentials_secret(Role.MYSQL)),
        ),
        user=_USER,
        grace_seconds=_SHUTDOWN_SECONDS,
        stateless=False,
        revision_label="controller-revision-hash",
    )
