"""A Tracardi stack that somebody else wrote: plain resources, names and texts of their own; as legal as ours.

Nothing here is of this repository but the words that Tracardi itself understands. Elasticsearch and MySQL are a
provider's; certificates of the entries are in Secrets that somebody else keeps.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from tests.policies.other_policies import policies
from tests.policies.other_texts import COLLECT, INTERNAL, NGINX, OFFICE, PUBLIC, STORES, inside
from tests.unit.engine import Recording, run

Spec = dict[str, Any]

TMP = "/tmp"  # noqa: S108 - in a container
IMAGE = "tracardi/tracardi-api:1.0.0"


def program() -> None:
    """Everything, in the order in which somebody thought of it."""
    for name in (PUBLIC, INTERNAL, STORES):
        _namespace(name)
    secrets = _secrets()
    for name in (PUBLIC, INTERNAL):
        k8s.core.v1.ConfigMap(
            f"{name}-indices",
            metadata={"name": "indices", "namespace": name},
            data={"ELASTIC_INDEX_SHARDS": "3", "ELASTIC_INDEX_REPLICAS": "1", "TENANT_NAME": "acme"},
        )
    _redis(secrets["redis"])
    _api("collect", PUBLIC, replicas=4, collects=True)
    _api("studio-api", INTERNAL, replicas=2, collects=False)
    _studio()
    _installer()
    _balancer("edge", PUBLIC, {"haproxy.cfg": COLLECT}, {443: 8443, 80: 8080}, None)
    _balancer("desk", INTERNAL, {"haproxy.cfg": inside(8443, "studio.acme.example", "studio")}, {443: 8443}, OFFICE)
    _balancer(
        "desk-api", INTERNAL, {"haproxy.cfg": inside(8443, "api.acme.example", "studio-api")}, {443: 8443}, OFFICE
    )
    policies()


def record() -> Recording:
    """What the program registers."""
    return run(program)


def _namespace(name: str) -> None:
    k8s.core.v1.Namespace(
        name, metadata={"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted", "owner": "data"}}
    )
    k8s.networking.v1.NetworkPolicy(
        f"{name}-nothing",
        metadata={"name": "nothing", "namespace": name},
        spec={"podSelector": {}, "policyTypes": ["Egress", "Ingress"]},
    )


def _secrets() -> dict[str, random.RandomPassword]:
    made = {
        purpose: random.RandomPassword(f"{purpose}-of-the-whole-customer-platform", length=40, special=False)
        for purpose in ("token", "merge", "search", "redis", "sql", "admin")
    }
    for name in (PUBLIC, INTERNAL):
        k8s.core.v1.Secret(
            f"{name}-app",
            metadata={"name": "app", "namespace": name},
            string_data={
                "token": made["token"].result,
                "merge": made["merge"].result,
                "search": made["search"].result,
                "redis": made["redis"].result,
                "sql": made["sql"].result,
            },
        )
    k8s.core.v1.Secret(
        "first-login",
        metadata={"name": "first-login", "namespace": INTERNAL},
        string_data={"installation-token": made["token"].result, "admin-password": made["admin"].result},
    )
    return made


def _redis(password: random.RandomPassword) -> None:
    k8s.core.v1.Secret(
        "redis-conf",
        metadata={"name": "redis-conf", "namespace": STORES},
        string_data={"auth.conf": pulumi.Output.concat("requirepass ", password.result, "\n")},
    )
    k8s.core.v1.ConfigMap(
        "redis-settings",
        metadata={"name": "redis-settings", "namespace": STORES},
        data={"redis.conf": "include /auth/auth.conf\nappendonly yes\ndir /data\nmaxmemory-policy noeviction\n"},
    )
    k8s.core.v1.Service(
        "redis",
        metadata={"name": "kv", "namespace": STORES},
        spec={"selector": {"app": "kv"}, "ports": [{"port": 6379}]},
    )
    pod = _pod(
        [
            {
                "name": "redis",
                "image": "redis:8.2.1",
                "command": ["redis-server", "/conf/redis.conf"],
                "ports": [{"containerPort": 6379}],
                "volumeMounts": [
                    {"name": "conf", "mountPath": "/conf"},
                    {"name": "auth", "mountPath": "/auth"},
                    {"name": "data", "mountPath": "/data"},
                ],
                **_probes({"tcpSocket": {"port": 6379}}),
            }
        ],
        [
            {"name": "conf", "configMap": {"name": "redis-settings"}},
            {"name": "auth", "secret": {"secretName": "redis-conf"}},
        ],
    )
    k8s.apps.v1.StatefulSet(
        "redis",
        metadata={"name": "kv", "namespace": STORES},
        spec={
            "serviceName": "kv",
            "selector": {"matchLabels": {"app": "kv"}},
            "template": {"metadata": {"labels": {"app": "kv"}}, "spec": pod},
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
                }
            ],
        },
    )


def _api(name: str, namespace: str, *, replicas: int, collects: bool) -> None:
    plain = {
        "EXPOSE_GUI_API": "no" if collects else "yes",
        "PRODUCTION": "yes" if collects else "no",
        "ELASTIC_HOST": "https://search.vendor.example:9200",
        "ELASTIC_VERIFY_CERTS": "yes",
        "ELASTIC_HTTP_AUTH_USERNAME": "elastic",
        "REDIS_HOST": f"kv.{STORES}.svc.cluster.local",
        "REDIS_PORT": "6379",
        "MYSQL_HOST": "sql.vendor.example",
        "MYSQL_PORT": "3306",
        "MYSQL_USERNAME": "acme",
        "MYSQL_DATABASE": "acme",
        "HOME": TMP,
    }
    secret = {
        "INSTALLATION_TOKEN": "token",
        "AUTO_PROFILE_MERGING": "merge",
        "ELASTIC_HTTP_AUTH_PASSWORD": "search",
        "REDIS_PASSWORD": "redis",
        "MYSQL_PASSWORD": "sql",
    }
    container = {
        "name": "tracardi",
        "image": IMAGE,
        "command": ["uvicorn", "app.main:application", "--host", "::", "--port", "8000", "--workers", "1"],
        "envFrom": [{"configMapRef": {"name": "indices"}}],
        "env": [
            *({"name": key, "value": value} for key, value in plain.items()),
            *({"name": key, "valueFrom": {"secretKeyRef": {"name": "app", "key": of}}} for key, of in secret.items()),
        ],
        "ports": [{"name": "web", "containerPort": 8000}],
        **_probes({"httpGet": {"path": "/healthcheck", "port": "web"}}),
        **_stop({"exec": {"command": ["sh", "-c", "sleep 10"]}}),
    }
    _deployment(name, namespace, replicas, _pod([container]))
    k8s.core.v1.Service(
        name,
        metadata={"name": name, "namespace": namespace},
        spec={"selector": {"app": name}, "ports": [{"port": 80, "targetPort": "web"}]},
    )


def _studio() -> None:
    k8s.core.v1.ConfigMap(
        "studio",
        metadata={"name": "studio", "namespace": INTERNAL},
        data={"nginx.conf": NGINX, "env-config.js": 'window._env_ = {"PUBLIC_URL": "/", "MULTI_TENANT": "no"};\n'},
    )
    container = {
        "name": "nginx",
        "image": "tracardi/tracardi-gui:1.0.0",
        "args": ["nginx", "-c", "/conf/nginx.conf", "-g", "daemon off;"],
        "ports": [{"containerPort": 8000}],
        "volumeMounts": [{"name": "conf", "mountPath": "/conf"}],
        **_probes({"httpGet": {"path": "/env-config.js", "port": 8000}}),
        **_stop({"sleep": {"seconds": 8}}),
    }
    _deployment("studio", INTERNAL, 2, _pod([container], [{"name": "conf", "configMap": {"name": "studio"}}]))
    k8s.core.v1.Service(
        "studio",
        metadata={"name": "studio", "namespace": INTERNAL},
        spec={"selector": {"app": "studio"}, "ports": [{"port": 80, "targetPort": 8000}]},
    )


def _installer() -> None:
    k8s.core.v1.ConfigMap(
        "installer",
        metadata={"name": "installer", "namespace": INTERNAL},
        data={"install.sh": 'exec curl --fail --data @/login/body "$TRACARDI/install"\n'},
    )
    container = {
        "name": "install",
        "image": IMAGE,
        "command": ["sh", "/conf/install.sh"],
        "env": [{"name": "TRACARDI", "value": "http://studio-api"}],
        "volumeMounts": [{"name": "conf", "mountPath": "/conf"}, {"name": "login", "mountPath": "/login"}],
    }
    volumes = [
        {"name": "conf", "configMap": {"name": "installer"}},
        {"name": "login", "secret": {"secretName": "first-login"}},
    ]
    pod = {**_pod([container], volumes), "restartPolicy": "OnFailure"}
    k8s.batch.v1.Job(
        "install",
        metadata={"name": "install", "namespace": INTERNAL},
        spec={"template": {"metadata": {"labels": {"app": "install"}}, "spec": pod}},
    )


def _balancer(
    name: str, namespace: str, files: dict[str, str], ports: dict[int, int], networks: list[str] | None
) -> None:
    k8s.core.v1.ConfigMap(name, metadata={"name": name, "namespace": namespace}, data=files)
    container = {
        "name": "lb",
        "image": "haproxy:3.2.4",
        "args": ["haproxy", "-W", "-db", "-f", "/conf/haproxy.cfg"],
        "ports": [{"containerPort": port} for port in (*ports.values(), 9000)],
        "volumeMounts": [{"name": "conf", "mountPath": "/conf"}, {"name": "certs", "mountPath": "/certs"}],
        **_probes({"httpGet": {"path": "/alive", "port": 9000}}),
        **_stop({"exec": {"command": ["sleep", "15"]}}),
    }
    volumes = [
        {"name": "conf", "configMap": {"name": name}},
        {"name": "certs", "secret": {"secretName": f"{name}-cert"}},
    ]
    _deployment(name, namespace, 2, _pod([container], volumes))
    limited = {"loadBalancerSourceRanges": networks} if networks else {}
    k8s.core.v1.Service(
        name,
        metadata={"name": name, "namespace": namespace},
        spec={
            "type": "LoadBalancer",
            "allocateLoadBalancerNodePorts": False,
            "externalTrafficPolicy": "Local",
            "selector": {"app": name},
            "ports": [{"name": f"p{port}", "port": port, "targetPort": target} for port, target in ports.items()],
            **limited,
        },
    )


def _deployment(name: str, namespace: str, replicas: int, pod: Spec) -> None:
    apart = [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": name}}}]
    k8s.apps.v1.Deployment(
        name,
        metadata={"name": name, "namespace": namespace},
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": {"app": name, "team": "data"}},
                "spec": {
                    **pod,
                    "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": apart}},
                },
            },
        },
    )
    k8s.policy.v1.PodDisruptionBudget(
        name,
        metadata={"name": name, "namespace": namespace},
        spec={
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": [name]}]},
        },
    )


def _probes(handler: Spec) -> Spec:
    return {"readinessProbe": handler, "livenessProbe": {**handler, "failureThreshold": 6}}


def _stop(hook: Spec) -> Spec:
    return {"lifecycle": {"preStop": hook}}


def _pod(containers: list[Spec], volumes: list[Spec] | None = None) -> Spec:
    common = {
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [
            {
                **common,
                **container,
                "volumeMounts": [*container.get("volumeMounts", []), {"name": "tmp", "mountPath": TMP}],
            }
            for container in containers
        ],
        "volumes": [*(volumes or []), {"name": "tmp", "emptyDir": {}}],
    }
