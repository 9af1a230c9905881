"""The NetworkPolicies of the stack that somebody else wrote."""

from typing import Any

import pulumi_kubernetes as k8s

from tests.policies.other_texts import INTERNAL, OFFICE, PUBLIC, STORES

Spec = dict[str, Any]

SEARCH, SQL = "198.51.100.16/28", "198.51.100.32/28"


def policies() -> None:
    """Who may connect to whom."""
    dns = {"to": [{"ipBlock": {"cidr": "10.96.0.10/32"}}], "ports": [{"port": 53, "protocol": "UDP"}]}
    search = {"to": [{"ipBlock": {"cidr": SEARCH}}], "ports": [{"port": 9200}]}
    sql = {"to": [{"ipBlock": {"cidr": SQL}}], "ports": [{"port": 3306}]}
    redis = {"to": [_pods("kv", STORES)], "ports": [{"port": 6379}]}
    everybody = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]
    office = [{"ipBlock": {"cidr": network}} for network in OFFICE]
    _policy("edge", PUBLIC, [_from(everybody, 8443, 8080)], [dns, _to("collect", "web")])
    _policy("collect", PUBLIC, [_from([_pods("edge")], "web")], [dns, search, sql, redis])
    _policy("desk", INTERNAL, [_from(office, 8443)], [dns, _to("studio", 8000)])
    _policy("desk-api", INTERNAL, [_from(office, 8443)], [dns, _to("studio-api", 8000)])
    _policy("studio", INTERNAL, [_from([_pods("desk")], 8000)], [])
    _policy("studio-api", INTERNAL, [_from([_pods("desk-api"), _pods("install")], 8000)], [dns, search, sql, redis])
    _policy("install", INTERNAL, [], [dns, _to("studio-api", 8000)])
    _policy("kv", STORES, [_from([_pods("collect", PUBLIC), _pods("studio-api", INTERNAL)], 6379)], [])


def _pods(name: str, namespace: str | None = None) -> Spec:
    peer: Spec = {"podSelector": {"matchLabels": {"app": name}}}
    if namespace:
        peer["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return peer


def _from(peers: list[Spec], *ports: int | str) -> Spec:
    return {"from": peers, "ports": [{"port": port} for port in ports]}


def _to(name: str, port: int | str) -> Spec:
    return {"to": [_pods(name)], "ports": [{"port": port, "protocol": "TCP"}]}


def _policy(name: str, namespace: str, ingress: list[Spec], egress: list[Spec]) -> None:
    k8s.networking.v1.NetworkPolicy(
        name,
        metadata={"name": name, "namespace": namespace},
        spec={
            "podSelector": {"matchLabels": {"app": name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    )
