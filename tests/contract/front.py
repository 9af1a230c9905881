"""What stands in front of Elasticsearch: TLS, a name and a password, which its own build here lacks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.contract.cluster import HOST, Cluster
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


@contextmanager
def fronted(cluster: Cluster, folder: Path) -> Iterator[Front]:
    """With the authority of its certificate in ca.pem, and another one in other.pem, both in `folder`."""
    port, authority = cluster.port(), trustme.CA()
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    text = _CONFIGURATION.format(user=USER, password=SECRET, host=HOST, port=port)
    (folder / "haproxy.cfg").write_text(text, encoding="ascii")
    bind = Bind(folder, "/configuration")
    process = cluster.start("haproxy", "/usr/sbin/haproxy", "-f", "/configuration/haproxy.cfg", binds=(bind,))
    try:
        yield Front(port, folder)
    finally:
        process.kill()
