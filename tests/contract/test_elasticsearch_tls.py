"""Section 2.1 of the fact sheet: certificates, name and password of Elasticsearch have to be right."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.contract.cluster import HOST, Cluster
from tests.contract.conftest import Starts, System
from tests.dataplane.sandbox import Bind

USER, SECRET = "elastic", "elastic-password-of-tests"
_CONFIGURATION = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
userlist users
  user {user} insecure-password {password}
frontend elasticsearch
  bind :{port} ssl crt /configuration/server.pem
  http-request return status 401 content-type application/json string '{{"error":{{"type":"security_exception"}}}}' \
unless {{ http_auth(users) }}
  default_backend node
backend node
  server node {host}:9200
"""


@dataclass(frozen=True)
class Front:
    """A way to Elasticsearch that takes TLS, a name and a password."""

    port: int
    folder: Path


@pytest.fixture(scope="module")
def front(cluster: Cluster, system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """With the authority of its certificate in ca.pem, and another one in other.pem."""
    assert system
    folder, port = tmp_path_factory.mktemp("front"), cluster.port()
    authority = trustme.CA()
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    text = _CONFIGURATION.format(user=USER, password=SECRET, host=HOST, port=port)
    (folder / "haproxy.cfg").write_text(text, encoding="ascii")
    bind = Bind(folder, "/configuration")
    process = cluster.start("haproxy", "/usr/sbin/haproxy", "-f", "/configuration/haproxy.cfg", binds=(bind,))
    yield Front(port, folder)
    process.kill()


RIGHT = {"ELASTIC_CA_FILE": "/trusted/ca.pem", "ELASTIC_HTTP_AUTH_PASSWORD": SECRET, "ELASTIC_VERIFY_CERTS": "yes"}
ACCEPTED: dict[str, dict[str, str | None]] = {
    "2.1-all-right": {},
    "2.1-name-by-default": {"ELASTIC_HTTP_AUTH_USERNAME": None},
    "2.1-not-verified": {"ELASTIC_VERIFY_CERTS": "no", "ELASTIC_CA_FILE": None},
    "2.1-verified-by-default": {"ELASTIC_VERIFY_CERTS": None},
}
REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "2.1-another-authority": ({"ELASTIC_CA_FILE": "/trusted/other.pem"}, "CERTIFICATE_VERIFY_FAILED"),
    "2.1-no-authority": ({"ELASTIC_CA_FILE": None}, "CERTIFICATE_VERIFY_FAILED"),
    "2.1-no-such-file": ({"ELASTIC_CA_FILE": "/trusted/none.pem"}, "No such file"),
    "2.1-verified-unless-told-otherwise": (
        {"ELASTIC_CA_FILE": None, "ELASTIC_VERIFY_CERTS": None}, "CERTIFICATE_VERIFY_FAILED",
    ),
    "2.1-another-host": ({"ELASTIC_HOST": "https://127.0.0.2:{port}"}, "CERTIFICATE_VERIFY_FAILED"),
    "2.1-wrong-password": ({"ELASTIC_HTTP_AUTH_PASSWORD": "wrong"}, "AuthenticationException(401"),
    "2.1-wrong-name": ({"ELASTIC_HTTP_AUTH_USERNAME": "tracardi"}, "AuthenticationException(401"),
    "2.1-no-password": ({"ELASTIC_HTTP_AUTH_PASSWORD": None}, "AuthenticationException(401"),
    "2.1-plain": ({"ELASTIC_HOST": "http://127.0.0.1:{port}"}, "ConnectionError("),
}  # fmt: skip


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_elasticsearch_is_reached(starts: Starts, front: Front, changes: dict[str, str | None]) -> None:
    api = starts("main", variables(front, changes), binds=(Bind(front.folder, "/trusted"),))

    assert api.ask("GET", "/install").json["schema_ok"]


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_elasticsearch_is_not_reached(starts: Starts, front: Front, changes: dict[str, str | None], said: str) -> None:
    api = starts("main", variables(front, changes), binds=(Bind(front.folder, "/trusted"),))

    answer = api.ask("GET", "/install")

    assert answer.status == 500
    assert said in answer.detail
    assert api.ask("GET", "/healthcheck").status == 200
    assert SECRET not in api.process.log.read_text()


def variables(front: Front, changes: dict[str, str | None]) -> dict[str, str | None]:
    """What is right, but for the changes."""
    every = {"ELASTIC_HOST": "https://127.0.0.1:{port}", "ELASTIC_HTTP_AUTH_USERNAME": USER, **RIGHT, **changes}
    return {name: value.format(port=front.port) if value is not None else None for name, value in every.items()}
