"""MysqlStore: metadata and users of releases from 0.9 on. A single instance."""

from dataclasses import dataclass

import pulumi

from components.context import Context
from components.keeping import Keeping
from components.pods import TMP, Check, Container, Mount, Pod, Resources, scratch, secret_volume
from components.stateful import DATA, StatefulStore, StatefulStoreArgs
from components.store_certificate import FOLDER, StoreCertificate, StoreCertificateArgs
from model.credentials import Credential
from model.images import Software
from model.lifecycle import LIVENESS, READINESS, Probe
from model.ports import Port
from model.roles import Role
from settings.data import MysqlSettings

DATABASE = "tracardi"
"""Database that the image's entry point makes."""
USERNAME = "tracardi"
"""User with all rights on it."""
_USER = 999
"""The image's user `mysql`: its entry point looks the name up."""
_SHUTDOWN_SECONDS = 120
"""InnoDB writes its changed pages back before it stops."""
_START = Probe(period=5, timeout=5, failures=60)
_TLS = (
    f"--ssl-ca={FOLDER}/ca.crt",
    f"--ssl-cert={FOLDER}/tls.crt",
    f"--ssl-key={FOLDER}/tls.key",
    "--tls-version=TLSv1.2,TLSv1.3",
    # Leaves the Unix socket, over which the image's entry point sets the database up.
    "--require-secure-transport=ON",
)


@dataclass(frozen=True)
class MysqlStoreArgs:
    """MySQL as `settings` describe it."""

    context: Context
    settings: MysqlSettings
    keeping: Keeping


class MysqlStore(pulumi.ComponentResource):
    """One MySQL instance with a database and a user of Tracardi's own; with a tunnel, one that insists on TLS."""

    authority: pulumi.Output[str] | None
    """PEM that tunnels verify it with; None where there is no tunnel."""

    def __init__(self, name: str, args: MysqlStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:MysqlStore", name, opts=opts)
        certificate = (
            StoreCertificate(
                f"{name}-certificate",
                StoreCertificateArgs(args.context, Role.MYSQL),
                opts=pulumi.ResourceOptions(parent=self),
            )
            if args.settings.tunnel
            else None
        )
        StatefulStore(
            f"{name}-store",
            StatefulStoreArgs(
                context=args.context,
                pod=_pod(args, certificate),
                ports={"mysql": Port.MYSQL},
                storage=args.settings.storage,
                keeping=args.keeping,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[certificate] if certificate else None),
        )
        self.authority = certificate.authority if certificate else None
        self.register_outputs({})


def _pod(args: MysqlStoreArgs, certificate: StoreCertificate | None) -> Pod:
    memory = args.settings.memory
    # Succeeds as soon as the server answers, whether or not it lets this user in. Not over the socket, on which the
    # server already answers while the image's entry point still sets the database up.
    tls = ("--ssl-mode=REQUIRED",) if certificate else ()
    answers = Check(command=("mysqladmin", "ping", "--host=127.0.0.1", *tls, "--silent"))
    mysql = Container(
        name="mysql",
        image=args.context.image(Software.MYSQL),
        resources=Resources(cpu="250m", memory=memory, memory_limit=memory),
        arguments=(
            # Below the volume's root, because a fresh file system is not empty: it has a lost+found.
            "--datadir=/var/lib/mysql/data",
            # Tracardi's driver speaks caching_sha2_password over plain TCP only with a library that its image lacks.
            "--default-authentication-plugin=mysql_native_password",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
            f"--max-connections={args.settings.max_connections}",
            *(_TLS if certificate else ()),
        ),
        environment={
            "MYSQL_DATABASE": DATABASE,
            "MYSQL_USER": USERNAME,
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
            *((certificate.mount,) if certificate else ()),
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
            *((certificate.volume,) if certificate else ()),
        ),
        user=_USER,
        grace_seconds=_SHUTDOWN_SECONDS,
        stateless=False,
        revision_label="controller-revision-hash",
        checksums={"certificate": certificate.checksum} if certificate else {},
    )
