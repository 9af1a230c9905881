"""MySQL in the cluster: in plain text behind closed networks, or insisting on TLS."""

import pytest

from tests.unit.components.stores import data_services, prod_with
from tests.unit.engine import Recording

FOLDER = "/etc/tracardi-tls"


@pytest.fixture(scope="module")
def plain() -> Recording:
    """MySQL without a tunnel."""
    return data_services(prod_with())[0]


@pytest.fixture(scope="module")
def encrypted() -> Recording:
    """MySQL that is reached through a tunnel."""
    return data_services(prod_with(data__mysql__tunnel=True))[0]


def arguments(recording: Recording) -> set[str]:
    """What the server is started with."""
    return set(recording.find("StatefulSet", "mysql").container("mysql")["args"])


def test_without_a_tunnel_it_has_no_certificate(plain: Recording) -> None:
    assert not [argument for argument in arguments(plain) if "ssl" in argument or "tls" in argument]
    assert [request.name for request in plain.of_kind("CertRequest") if "mysql" in request.name] == []


def test_with_a_tunnel_it_lets_nobody_in_without_tls(encrypted: Recording) -> None:
    assert arguments(encrypted) >= {
        "--require-secure-transport=ON",
        "--tls-version=TLSv1.2,TLSv1.3",
        f"--ssl-cert={FOLDER}/tls.crt",
        f"--ssl-key={FOLDER}/tls.key",
        f"--ssl-ca={FOLDER}/ca.crt",
    }
    mounts = encrypted.find("StatefulSet", "mysql").container("mysql")["volumeMounts"]
    assert FOLDER in [mount["mountPath"] for mount in mounts]
    (request,) = (request for request in encrypted.of_kind("CertRequest") if "mysql" in request.name)
    assert request.inputs["dnsNames"] == ["mysql.tracardi-data.svc.cluster.local", "localhost"]


def test_it_accepts_as_many_connections_as_the_settings_say(plain: Recording) -> None:
    assert "--max-connections=151" in arguments(plain)
    assert "--max-connections=900" in arguments(data_services(prod_with(data__mysql__maxConnections=900))[0])


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_never_ask_the_server_that_only_sets_the_database_up(
    plain: Recording, encrypted: Recording, probe: str
) -> None:
    """That one listens on the socket alone, so probes go over the network, with TLS where it is insisted on."""
    for recording, tls in ((plain, False), (encrypted, True)):
        command = recording.find("StatefulSet", "mysql").container("mysql")[probe]["exec"]["command"]
        assert "--host=127.0.0.1" in command
        assert ("--ssl-mode=REQUIRED" in command) is tls


def test_a_renewed_certificate_restarts_it(encrypted: Recording) -> None:
    """It reads its certificate at its start only."""
    template = encrypted.find("StatefulSet", "mysql").spec["template"]

    assert "checksum/certificate" in template["metadata"]["annotations"]


def test_passwords_are_files_that_no_other_pod_mounts(plain: Recording) -> None:
    environment = plain.find("StatefulSet", "mysql").environment("mysql")

    assert environment["MYSQL_PASSWORD_FILE"] == "/run/secrets/mysql/mysql-password"  # noqa: S105 - a path
    assert environment["MYSQL_ROOT_PASSWORD_FILE"] == "/run/secrets/mysql/mysql-root-password"  # noqa: S105 - a path
    assert environment["MYSQL_ROOT_HOST"] == "localhost"


def test_a_release_without_mysql_gets_none() -> None:
    found, endpoints = data_services(prod_with(installation__release="0.8.2.1", data__mysql=None))

    assert endpoints.mysql is None
    assert {store.object_name for store in found.of_kind("StatefulSet")} == {"elasticsearch", "redis"}


def test_its_data_lie_below_the_root_of_its_volume(plain: Recording) -> None:
    """A fresh file system is not empty (lost+found), and MySQL sets itself up in an empty folder only."""
    mounts = {
        mount["name"]: mount["mountPath"]
        for mount in plain.find("StatefulSet", "mysql").container("mysql")["volumeMounts"]
    }

    (folder,) = (argument for argument in arguments(plain) if argument.startswith("--datadir="))
    assert folder.startswith(f"--datadir={mounts['data']}/")


def test_tracardi_s_driver_can_log_in(plain: Recording) -> None:
    """It speaks caching_sha2_password over plain TCP only with a library that its image lacks."""
    assert "--default-authentication-plugin=mysql_native_password" in arguments(plain)


def test_it_runs_as_the_user_that_its_image_knows_and_writes_where_it_must(plain: Recording) -> None:
    store = plain.find("StatefulSet", "mysql")
    writable = {mount["mountPath"] for mount in store.container("mysql")["volumeMounts"] if not mount.get("readOnly")}

    assert store.pod["securityContext"]["runAsUser"] == store.pod["securityContext"]["fsGroup"] == 999
    assert writable == {"/var/lib/mysql", "/var/run/mysqld", "/tmp"}  # noqa: S108 - a volume of the pod's own
