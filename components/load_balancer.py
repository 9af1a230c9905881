"""LoadBalancer: the entry in front of one cluster; HAProxy pods behind a Service that the outside reaches."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.certificates import (
    Authority,
    IssuedCertificate,
    IssuedCertificateArgs,
    ServingCertificate,
    ServingCertificateArgs,
    tls_secret,
)
from components.context import Context
from components.haproxy import Upstream, haproxy_configuration
from components.kubernetes import SKIP_AWAIT, digest, metadata
from components.pods import TMP, Check, Container, Mount, Pod, Resources, config_volume, scratch, secret_volume
from components.stateless import StatelessWorkload, StatelessWorkloadArgs
from model.images import HAPROXY
from model.lifecycle import LIVENESS, READINESS
from model.ports import Port
from model.roles import Role
from model.routes import Route
from settings.balancer import BalancerSettings, ServiceType
from settings.surroundings import IssuerSettings

ADDRESS_TIMEOUT = "5m"
"""Longest wait for an address from outside; a cluster without a load balancer implementation never gives one."""


@dataclass(frozen=True)
class LoadBalancerArgs:
    """The entry `host` for `role`, in front of `upstream`.

    `routes` are the only requests that pass and `trusted` the only client networks; at least one of them is given.
    `issuer` is an authority of the stack's own, or a cert-manager issuer.
    """

    context: Context
    role: Role
    host: str
    upstream: Upstream
    settings: BalancerSettings
    issuer: Authority | IssuerSettings
    routes: tuple[Route, ...] = ()
    trusted: tuple[str, ...] = ()


class LoadBalancer(pulumi.ComponentResource):
    """Balancer pods with their configuration and certificate, and the Service that the outside reaches."""

    host: str
    """Name that clients use."""
    addresses: pulumi.Output[list[str]]
    """IP addresses or host names that the entry's DNS record must point to."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:LoadBalancer", name, opts=opts)
        context, role = args.context, args.role
        configuration = haproxy_configuration(
            args.host, args.upstream, args.settings, routes=args.routes, trusted=args.trusted
        )
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration",
            metadata=metadata(context, role),
            data={"haproxy.cfg": configuration},
            opts=pulumi.ResourceOptions(parent=self),
        )
        certificate = _certificate(name, args, pulumi.ResourceOptions(parent=self))
        pods = StatelessWorkload(
            f"{name}-pods",
            StatelessWorkloadArgs(
                context=context,
                pod=_pod(args, digest(configuration)),
                port=Port.BALANCER_METRICS,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config_map, certificate]),
        )
        entry = k8s.core.v1.Service(
            f"{name}-entry",
            metadata=metadata(
                context, role, "entry", annotations={**args.settings.service.annotations, **_awaited(args.settings)}
            ),
            spec=_entry(args),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[pods],
                custom_timeouts=pulumi.CustomTimeouts(create=ADDRESS_TIMEOUT, update=ADDRESS_TIMEOUT),
            ),
        )
        self.host = args.host
        self.addresses = entry.status.apply(_addresses)
        self.register_outputs({"host": self.host, "addresses": self.addresses})


def _certificate(name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions) -> pulumi.ComponentResource:
    if isinstance(args.issuer, Authority):
        return ServingCertificate(
            f"{name}-certificate",
            ServingCertificateArgs(context=args.context, role=args.role, hosts=(args.host,), authority=args.issuer),
            opts=opts,
        )
    return IssuedCertificate(
        f"{name}-certificate",
        IssuedCertificateArgs(context=args.context, role=args.role, host=args.host, issuer=args.issuer),
        opts=opts,
    )


def _pod(args: LoadBalancerArgs, configuration_digest: str) -> Pod:
    alive = Check(path="/healthz", port=Port.BALANCER_METRICS)
    haproxy = Container(
        name="haproxy",
        image=HAPROXY,
        resources=Resources(cpu="100m", memory="128Mi", memory_limit="512Mi"),
        command=("haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"),
        ports={
            "https": Port.BALANCER_HTTPS,
            "http": Port.BALANCER_HTTP,
            "metrics": Port.BALANCER_METRICS,
        },
        mounts=(
            Mount("configuration", "/etc/haproxy"),
            Mount("certificate", "/etc/haproxy/certs"),
            Mount("tmp", TMP, read_only=False),
        ),
        readiness=alive.probe(READINESS),
        liveness=alive.probe(LIVENESS),
        drains=True,
    )
    return Pod(
        role=args.role,
        containers=(haproxy,),
        instances=args.settings.replicas,
        volumes=(
            config_volume("configuration", args.role.value),
            # HAProxy pairs a certificate with the key that is called like it.
            secret_volume("certificate", tls_secret(args.role), {"tls.crt": "tls.crt", "tls.key": "tls.crt.key"}),
            scratch("tmp", "16Mi"),
        ),
        checksums={"configuration": configuration_digest},
    )


def _awaited(settings: BalancerSettings) -> dict[str, str]:
    """What the provider waits for: an address, and not, 10 s longer, for pods that are known to be ready."""
    if settings.service.type is ServiceType.LOAD_BALANCER:
        return {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}"}
    return SKIP_AWAIT


def _entry(args: LoadBalancerArgs) -> k8s.core.v1.ServiceSpecArgs:
    service = args.settings.service
    outside = service.type is not ServiceType.CLUSTER_IP
    balanced = service.type is ServiceType.LOAD_BALANCER
    return k8s.core.v1.ServiceSpecArgs(
        type=service.type.value,
        selector=args.context.selector(args.role),
        load_balancer_class=service.load_balancer_class,
        external_traffic_policy=service.external_traffic_policy.value if outside else None,
        # Node ports lead past the source ranges, which kube-proxy applies to the balancer's address alone.
        allocate_load_balancer_node_ports=service.allocate_load_balancer_node_ports if balanced else None,
        load_balancer_source_ranges=list(args.trusted) if balanced and args.trusted else None,
        ports=[
            k8s.core.v1.ServicePortArgs(name="https", port=Port.PUBLIC_HTTPS, target_port=Port.BALANCER_HTTPS),
            k8s.core.v1.ServicePortArgs(name="http", port=Port.PUBLIC_HTTP, target_port=Port.BALANCER_HTTP),
        ],
    )


def _addresses(status: k8s.core.v1.outputs.ServiceStatus | None) -> list[str]:
    ingress = status.load_balancer.ingress if status and status.load_balancer else None
    return [address for entry in ingress or () if (address := entry.ip or entry.hostname)]
