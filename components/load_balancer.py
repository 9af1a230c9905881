"""LoadBalancer: the entry in front of one cluster; HAProxy pods behind what the outside reaches."""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.certificates import Authority, CertificateArgs, CertificateSecret, Issuer, certificate
from components.context import Context
from components.gateway import GatewayEntry, GatewayEntryArgs
from components.haproxy import CERTIFICATES, CONFIGURATION, UPSTREAM, Upstream, haproxy_configuration
from components.kubernetes import SKIP_AWAIT, digest, metadata
from components.pods import TMP, Check, Container, Mount, Pod, Resources, config_volume, scratch, secret_volume
from components.stateless import StatelessWorkload, StatelessWorkloadArgs
from model.images import Software
from model.lifecycle import BALANCER_START, LIVENESS, READINESS
from model.ports import Port
from model.roles import Role
from model.routes import Route
from settings.balancer import BalancerSettings, GatewaySettings, ServiceType

ADDRESS_TIMEOUT = "5m"
"""Longest wait for an address from outside: clouds take up to 4 minutes, a cluster without a load balancer
implementation would take for ever."""

_FINAL = ("spec.allocateLoadBalancerNodePorts", "spec.loadBalancerClass")
"""A Service keeps the node ports that it once got, and its class, whatever is said later; only a new one obeys."""

_SUPERVISOR = Path(__file__).with_name("programs") / "supervise.sh"


@dataclass(frozen=True)
class LoadBalancerArgs:
    """The entry `host` for `role`, in front of `upstream`.

    `routes` are the only requests that pass and `trusted` the only client networks; at least one of them is given.
    """

    context: Context
    role: Role
    host: str
    upstream: Upstream
    settings: BalancerSettings
    issuer: Issuer
    """Who signs the certificate that clients see."""
    internal: Issuer | None = None
    """In mode gateway, the authority of the stack's own that signs the balancer pods' certificate."""
    routes: tuple[Route, ...] = ()
    trusted: tuple[str, ...] = ()

    @property
    def entry(self) -> str:
        """Name of the Service that leads to the balancer pods."""
        return f"{self.role}-entry"

    @property
    def entry_host(self) -> str:
        """Name under which that Service is found inside the cluster."""
        return f"{self.entry}.{self.context.namespace(self.role.tier)}.svc.{self.context.cluster_domain}"


class LoadBalancer(pulumi.ComponentResource):
    """Balancer pods with their configuration and certificate, and the Service or Gateway that the outside reaches."""

    host: str
    """Name that clients use."""
    addresses: pulumi.Output[list[str]]
    """IP addresses or host names that the entry's DNS record must point to."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:LoadBalancer", name, opts=opts)
        context, role, gateway = args.context, args.role, args.settings.gateway
        child = pulumi.ResourceOptions(parent=self)
        files = {
            "haproxy.cfg": haproxy_configuration(
                args.host, args.upstream, args.settings, routes=args.routes, trusted=args.trusted
            ),
            "supervise.sh": _SUPERVISOR.read_text(encoding="utf-8"),
        }
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration", metadata=metadata(context, role), data=files, opts=child
        )
        shown = certificate(f"{name}-certificate", CertificateArgs(context, role, (args.host,), args.issuer), child)
        served = _behind_the_gateway(name, args, child) if gateway else shown
        pods = StatelessWorkload(
            f"{name}-pods",
            StatelessWorkloadArgs(
                context=context,
                pod=_pod(args, served.secret, digest(*files.values())),
                port=Port.BALANCER_METRICS,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config_map, *served.resources]),
        )
        entry = k8s.core.v1.Service(
            f"{name}-entry",
            metadata=metadata(
                context, role, "entry", annotations={**args.settings.service.annotations, **_awaited(args.settings)}
            ),
            spec=_inside(args) if gateway else _outside(args),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[pods],
                custom_timeouts=pulumi.CustomTimeouts(create=ADDRESS_TIMEOUT, update=ADDRESS_TIMEOUT),
                replace_on_changes=list(_FINAL),
                # Two objects cannot have one name.
                delete_before_replace=True,
            ),
        )
        self.host = args.host
        if gateway:
            ready = pulumi.ResourceOptions(parent=self, depends_on=[entry, *shown.resources])
            self.addresses = GatewayEntry(f"{name}-gateway", _gateway(args, gateway, shown.secret), ready).addresses
        else:
            self.addresses = entry.status.apply(_addresses)
        self.register_outputs({"host": self.host, "addresses": self.addresses})


def _authority(args: LoadBalancerArgs) -> Authority:
    if not isinstance(args.internal, Authority):
        # A Gateway verifies by what a ConfigMap holds, and only an authority of the stack's own is known here.
        raise TypeError(f"the gateway of {args.host} needs an authority of the stack's own")
    return args.internal


def _behind_the_gateway(name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions) -> CertificateSecret:
    wanted = CertificateArgs(args.context, args.role, (args.entry_host,), _authority(args), suffix="backend-tls")
    return certificate(f"{name}-backend", wanted, opts)


def _gateway(args: LoadBalancerArgs, settings: GatewaySettings, shown: str) -> GatewayEntryArgs:
    return GatewayEntryArgs(
        context=args.context,
        role=args.role,
        host=args.host,
        settings=settings,
        certificate=shown,
        service=args.entry,
        service_host=args.entry_host,
        authority=_authority(args),
    )


def _pod(args: LoadBalancerArgs, served: str, files_digest: str) -> Pod:
    verified = args.upstream.ca_secret
    tls = verified is not None
    alive = Check(path="/healthz", port=Port.BALANCER_METRICS, tls=tls)
    certificates = (CERTIFICATES, UPSTREAM) if verified else (CERTIFICATES,)
    haproxy = Container(
        name="haproxy",
        image=args.context.image(Software.HAPROXY),
        resources=Resources(cpu="100m", memory="128Mi", memory_limit="1280Mi"),
        command=(
            "sh",
            f"{CONFIGURATION}/supervise.sh",
            # Starts new workers; the old ones finish what they have.
            "USR2",
            # Ends once the sessions have.
            "USR1",
            ":".join(map(str, certificates)),
            "--",
            *("haproxy", "-W", "-db", "-f", f"{CONFIGURATION}/haproxy.cfg"),
        ),
        ports={
            "https": Port.BALANCER_HTTPS,
            **({} if args.settings.gateway else {"http": Port.BALANCER_HTTP}),
            "metrics": Port.BALANCER_METRICS,
        },
        mounts=(
            Mount("configuration", str(CONFIGURATION)),
            Mount("certificate", str(CERTIFICATES)),
            *((Mount("upstream", str(UPSTREAM)),) if verified else ()),
            Mount("tmp", TMP, read_only=False),
        ),
        startup=Check(path="/startupz", port=Port.BALANCER_METRICS, tls=tls).probe(BALANCER_START),
        # Whether it lives, and no more: instances that are all gone are what clients should be told with a 503.
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
            secret_volume("certificate", served, {"tls.crt": "tls.crt", "tls.key": "tls.crt.key"}),
            *((secret_volume("upstream", verified, {"ca.crt": "ca.crt"}),) if verified else ()),
            scratch("tmp", "16Mi"),
        ),
        checksums={"configuration": files_digest},
    )


def _awaited(settings: BalancerSettings) -> dict[str, str]:
    """What the provider waits for: an address, and not, 10 s longer, for pods that are known to be ready."""
    if settings.gateway is None and settings.service.type is ServiceType.LOAD_BALANCER:
        return {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress}"}
    return SKIP_AWAIT


def _outside(args: LoadBalancerArgs) -> k8s.core.v1.ServiceSpecArgs:
    service = args.settings.service
    outside = service.type is not ServiceType.CLUSTER_IP
    balanced = service.type is ServiceType.LOAD_BALANCER
    return k8s.core.v1.ServiceSpecArgs(
        type=service.type.value,
        selector=args.context.selector(args.role),
        # Always said: a Service that was dual-stack stays so for as long as nobody says otherwise.
        ip_family_policy=service.ip_family_policy.value,
        load_balancer_class=service.load_balancer_class,
        external_traffic_policy=service.external_traffic_policy.value if outside else None,
        # Node ports lead past the source ranges, which kube-proxy applies to the balancer's address alone.
        allocate_load_balancer_node_ports=service.allocate_load_balancer_node_ports if balanced else None,
        load_balancer_source_ranges=list(args.trusted) if balanced and args.trusted else None,
        ports=[_https(), _http()],
    )


def _inside(args: LoadBalancerArgs) -> k8s.core.v1.ServiceSpecArgs:
    return k8s.core.v1.ServiceSpecArgs(
        type=ServiceType.CLUSTER_IP.value,
        selector=args.context.selector(args.role),
        ip_family_policy=args.settings.service.ip_family_policy.value,
        ports=[_https()],
    )


def _https() -> k8s.core.v1.ServicePortArgs:
    return k8s.core.v1.ServicePortArgs(name="https", port=Port.PUBLIC_HTTPS, target_port=Port.BALANCER_HTTPS)


def _http() -> k8s.core.v1.ServicePortArgs:
    return k8s.core.v1.ServicePortArgs(name="http", port=Port.PUBLIC_HTTP, target_port=Port.BALANCER_HTTP)


def _addresses(status: k8s.core.v1.outputs.ServiceStatus | None) -> list[str]:
    ingress = status.load_balancer.ingress if status and status.load_balancer else None
    return [address for entry in ingress or () if (address := entry.ip or entry.hostname)]
