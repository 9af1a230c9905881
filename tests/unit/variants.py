"""Installations that differ in what matters: each must build, be admitted, keep the rules, and go again."""

from functools import cache
from typing import Any

import trustme

from tests.unit.stacks import changed, stack_file

Configuration = dict[str, Any]

STORE_NETWORKS = ["198.51.100.0/24"]

GIVEN = {
    key: {"value": f"canary-given-{key}-0123456789"}
    for key in ("adminPassword", "installationToken", "profileMerging", "elasticsearch", "redis", "mysql", "mysqlRoot")
}
"""Every credential as a value of the stack's own configuration, each easily recognised."""


LICENCE = "canary-given-licence-0123456789"
TOKEN = "canary-given-pulsar-0123456789"  # noqa: S105 - easily recognised, and nobody's


def existing(name: str, key: str = "password") -> Configuration:
    """A credential that a Secret in the namespace `vault` holds."""
    return {"existingSecret": {"namespace": "vault", "name": name, "key": key}}


@cache
def authority() -> str:
    """PEM of somebody's certificate authority."""
    return trustme.CA(organization_name="A provider of stores").cert_pem.bytes().decode()


def variants() -> dict[str, Configuration]:
    """The configuration of each variant, by its name."""
    dev, prod = stack_file("dev"), stack_file("prod")
    elasticsearch = {
        "urls": ["https://search.example.com:9243", "https://search-2.example.com:9243"],
        "certificateAuthority": authority(),
        "networks": STORE_NETWORKS,
    }
    redis = {"host": "cache.example.com", "port": 6380, "networks": STORE_NETWORKS}
    mysql = {"host": "db.example.com", "networks": STORE_NETWORKS, "username": "cdp", "database": "cdp"}
    gateway = {
        "mode": "gateway",
        "replicas": 2,
        "gateway": {"className": "cilium", "proxies": {"namespace": "gateways", "labels": {"app": "gateway"}}},
    }
    outside = {
        "credentials__elasticsearch": existing("search"),
        "credentials__redis": existing("cache"),
        "credentials__mysql": existing("database"),
    }
    unkept = changed(prod, data__keep=False)
    licensed = {"installation__edition": "commercial", "installation__licence": LICENCE}
    pulsar = {
        "url": "pulsar+ssl://queue.example.com",
        "api": "https://admin.queue.example.com:8443",
        "cluster": "eu",
        "tenant": "cdp",
        "certificateAuthority": authority(),
        "networks": STORE_NETWORKS,
    }
    return {
        "small": dev,
        "production": unkept,
        "release 0.8.2.1": changed(unkept, installation__release="0.8.2.1", data__mysql=None),
        "full TLS": changed(unkept, certificates__encryption="full"),
        "full TLS from an issuer": changed(
            unkept,
            certificates__encryption="full",
            certificates__internalIssuer={"name": "vault", "kind": "ClusterIssuer"},
        ),
        "external data": changed(
            unkept,
            **outside,
            data={
                "keep": False,
                "elasticsearch": {"external": elasticsearch},
                "redis": {"external": redis},
                "mysql": {"external": mysql},
            },
        ),
        "external data through tunnels": changed(
            unkept,
            **outside,
            data={
                "keep": False,
                "elasticsearch": {"external": {**elasticsearch, "certificateAuthority": None}},
                "redis": {"external": redis, "tunnel": True},
                "mysql": {"external": {**mysql, "certificateAuthority": authority()}, "tunnel": True},
            },
        ),
        "tunnel": changed(unkept, data__redis__tunnel=True, data__mysql__tunnel=True),
        "gateway": changed(unkept, track__balancer=gateway, guiApi__balancer=gateway, gui__balancer=gateway),
        "provided certificates": changed(
            unkept,
            certificates={"source": "provided", "secrets": {"track": "track", "guiApi": "gui-api", "gui": "gui"}},
        ),
        "kept data": changed(dev, data__keep=True),
        "given credentials": changed(dev, credentials=GIVEN),
        "no GUI": changed(dev, gui={"enabled": False}),
        "NodePort": changed(
            dev,
            track__balancer__service={"type": "NodePort"},
            guiApi__balancer__service={"type": "NodePort"},
            gui__balancer__service={"type": "ClusterIP"},
        ),
        "mirror": changed(
            unkept,
            platform={
                "imageRegistry": "registry.example.com/mirror",
                "images": {
                    "api": {"repository": "cdp/tracardi-api", "tag": "1.0.0-2"},
                    "gui": {"tag": "1.0.0-2", "digest": f"sha256:{'ab' * 32}"},
                    "redis": {"registry": "other.example.com", "digest": f"sha256:{'0' * 64}"},
                },
                "imagePullSecrets": ["registry"],
                "storageClass": "standard",
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "cdp", "effect": "NoSchedule"}],
                "priorityClass": "system-cluster-critical",
                "labels": {"example.com/team": "cdp"},
                "annotations": {"example.com/cost-center": "42"},
            },
            services={"apm": {"image": {"repository": "cdp/tracardi/apm", "tag": "1.0.0-2"}}},
        ),
        "ten collectors": changed(unkept, track__replicas={"min": 10, "max": 20}),
        "every service": changed(
            unkept,
            services={
                "apm": {"egress": {"allow": [{"cidr": "203.0.113.128/26", "port": 443}]}},
                "update-worker": {
                    "enabled": True,
                    "environment": {"LOGGING_LEVEL": "debug"},
                    "egress": {"allow": [{"cidr": "203.0.113.64/26", "port": 3306}]},
                },
            },
        ),
        "services of 0.8.2.1": changed(
            unkept,
            installation__release="0.8.2.1",
            data__mysql=None,
            data__redis__tunnel=True,
            services={"apm": {"schedule": "*/10 * * * *"}, "update-worker": {"enabled": True}},
        ),
        "commercial": changed(
            unkept,
            **licensed,
            data__pulsar={"external": pulsar},
            credentials__pulsar=existing("queue", "token"),
            services={
                "background-worker": {"replicas": 3},
                "bridge-queue": {"enabled": True},
                "update-worker": {"enabled": True},
            },
        ),
        "commercial with a queue in the cluster": changed(unkept, **licensed, data__pulsar={"memory": "1Gi"}),
        "commercial 0.8.2.1 with a queue in plain text": changed(
            unkept,
            **licensed,
            installation__release="0.8.2.1",
            data__mysql=None,
            data__redis__tunnel=True,
            data__pulsar={
                "external": {
                    "url": "pulsar://queue.example.com",
                    "api": "http://queue.example.com:8080",
                    "cluster": "standalone",
                    "networks": STORE_NETWORKS,
                }
            },
            credentials__pulsar={"value": TOKEN},
        ),
        "no service": changed(unkept, services={"apm": {"enabled": False}}),
        "declared load": changed(
            unkept,
            # On the edge of one collector, and of one balancer, more.
            capacity={"sustained": 250, "peak": 366, "newVisitors": 0},
            track__replicas=None,
            track__balancer=None,
        ),
        "a cloud's network": changed(
            unkept,
            track__balancer__service={
                "loadBalancerClass": "example.com/nlb",
                "annotations": {"example.com/internal": "false"},
                "externalTrafficPolicy": "Cluster",
                "proxyProtocol": ["198.51.100.0/28"],
                "ipFamilyPolicy": "PreferDualStack",
                "allocateLoadBalancerNodePorts": True,
            },
            track__routes=["tracker", "collect", "redirect", "consent"],
            track__egress={"allow": [{"cidr": "203.0.113.0/24", "port": 443}]},
            guiApi__egress={"allow": [{"cidr": "203.0.113.9/32", "port": 25}]},
            network__nodeLocalDns="169.254.20.10",
            network__scrapers=[{"namespace": "monitoring", "labels": {"app.kubernetes.io/name": "prometheus"}}],
            index__tenantName="acme",
        ),
    }
