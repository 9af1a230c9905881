"""How programs of Tracardi's find the stores: variables, what verifies Elasticsearch, and what a change of it rolls."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from components.endpoints import DataEndpoints
from components.kubernetes import digest
from components.pods import Mount, SecretKey, config_volume
from model.credentials import Credential
from model.ports import Port

ELASTICSEARCH_CA = "elasticsearch-ca"
"""ConfigMap with the certificate authority that Elasticsearch's certificate is verified with."""

ELASTICSEARCH_CA_FOLDER = "/etc/tracardi/elasticsearch"
"""Where pods that talk to Elasticsearch find it."""


def store_volumes(data: DataEndpoints) -> Iterator[tuple[Mount, k8s.core.v1.VolumeArgs]]:
    """What verifies Elasticsearch, where that is no public authority."""
    if data.elasticsearch.authority is not None:
        yield Mount("elasticsearch-ca", ELASTICSEARCH_CA_FOLDER), config_volume("elasticsearch-ca", ELASTICSEARCH_CA)


def store_checksums(data: DataEndpoints) -> dict[str, pulumi.Input[str]]:
    """Digest of what is read at a program's start only."""
    authority = data.elasticsearch.authority
    if authority is None:
        return {}
    if isinstance(authority, str):
        return {"elasticsearch-ca": digest(authority)}
    return {"elasticsearch-ca": pulumi.Output.concat(authority).apply(digest)}


def store_environment(data: DataEndpoints, secret: str) -> dict[str, str | SecretKey]:
    """The variables that lead a program of Tracardi's to the stores; `secret` holds their passwords."""
    elasticsearch, redis, mysql, pulsar = data.elasticsearch, data.redis, data.mysql, data.pulsar
    environment: dict[str, str | SecretKey] = {
        "ELASTIC_HOST": ",".join(map(_with_port, elasticsearch.urls)),
        "ELASTIC_SCHEME": "https",
        # Releases from 0.9 on do not verify without it. Without a file, the client's own bundle (certifi) decides.
        "ELASTIC_VERIFY_CERTS": "yes",
        "ELASTIC_HTTP_AUTH_USERNAME": elasticsearch.username,
        "ELASTIC_HTTP_AUTH_PASSWORD": SecretKey(secret, Credential.ELASTICSEARCH),
        "REDIS_HOST": redis.host,
        # The port inside REDIS_HOST is ignored.
        "REDIS_PORT": str(int(redis.port)),
        "REDIS_PASSWORD": SecretKey(secret, Credential.REDIS),
    }
    if elasticsearch.authority is not None:
        environment["ELASTIC_CA_FILE"] = f"{ELASTICSEARCH_CA_FOLDER}/ca.crt"
    if mysql is not None:
        environment |= {
            "MYSQL_HOST": mysql.host,
            "MYSQL_PORT": str(int(mysql.port)),
            "MYSQL_DATABASE": mysql.database,
            "MYSQL_USERNAME": mysql.username,
            "MYSQL_PASSWORD": SecretKey(secret, Credential.MYSQL),
        }
    if pulsar is not None:
        environment |= {
            "PULSAR_HOST": pulsar.url,
            "PULSAR_API": pulsar.api,
            "PULSAR_CLUSTER": pulsar.cluster,
            "PULSAR_TENANT": pulsar.tenant,
            "PULSAR_AUTH_TOKEN": SecretKey(secret, Credential.PULSAR),
        }
    return environment


def _with_port(url: str) -> str:
    """`url` with the port that it means: elsewhere in Tracardi, an Elasticsearch without one is asked on 9200."""
    return url if urlsplit(url).port else f"{url}:{int(Port.PUBLIC_HTTPS)}"
