"""GatewayEntry: a Gateway of the Gateway API between clients and the balancer pods."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.certificates import Authority
from components.context import Context
from components.kubernetes import metadata
from model.ports import Port
from model.roles import Role
from settings.balancer import GatewaySettings

_API = "gateway.networking.k8s.io/v1"
_HTTPS, _HTTP = "https", "http"
_MOVED_PERMANENTLY = 301
"""Gateway API's standard channel knows 301 and 302 alone, not 308, which would keep the method."""


@dataclass(frozen=True)
class GatewayEntryArgs:
    """The Gateway that `settings` describe for `host`, in front of `service` in the namespace of `role`.

    It shows clients the certificate in the Secret `certificate`, and speaks TLS to the pods behind the Service: it
    verifies that `authority` has signed them as `service_host`.
    """

    context: Context
    role: Role
    host: str
    settings: GatewaySettings
    certificate: str
    service: str
    service_host: str
    authority: Authority


class GatewayEntry(pulumi.ComponentResource):
    """A Gateway with its routes, and the policy by which it encrypts again.

    What a Gateway cannot do in a way that every implementation understands (source lists, TLS versions, rates, sizes)
    is left to the balancer pods behind it: they see every request.
    """

    addresses: pulumi.Output[list[str]]
    """IP addresses or host names that the implementation has given the Gateway; empty as long as it has not."""

    def __init__(self, name: str, args: GatewayEntryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:GatewayEntry", name, opts=opts)
        context, role = args.context, args.role
        child = pulumi.ResourceOptions(parent=self)
        authority = k8s.core.v1.ConfigMap(
            f"{name}-authority",
            metadata=metadata(context, role, "backend-ca"),
            data={"ca.crt": args.authority.certificate},
            opts=child,
        )
        encrypted = k8s.apiextensions.CustomResource(
            f"{name}-encryption",
            api_version=_API,
            kind="BackendTLSPolicy",
            metadata=metadata(context, role),
            spec=_verification(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[authority]),
        )
        gateway = _Gateway(
            f"{name}-gateway",
            metadata(context, role, annotations=args.settings.annotations),
            _listeners(args),
            # Listens once all is ready that it leads to.
            pulumi.ResourceOptions(parent=self, depends_on=[encrypted]),
        )
        routes = {
            "route": (None, _HTTPS, {"backendRefs": [{"name": args.service, "port": int(Port.PUBLIC_HTTPS)}]}),
            "redirect": ("redirect", _HTTP, {"filters": [_redirect(args.host)]}),
        }
        for key, (suffix, listener, rule) in routes.items():
            k8s.apiextensions.CustomResource(
                f"{name}-{key}",
                api_version=_API,
                kind="HTTPRoute",
                metadata=metadata(context, role, suffix),
                spec={
                    "parentRefs": [{"name": role.value, "sectionName": listener}],
                    "hostnames": [args.host],
                    "rules": [rule],
                },
                opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
            )
        self.addresses = gateway.status.apply(_addresses)
        self.register_outputs({"addresses": self.addresses})


class _Gateway(pulumi.CustomResource):
    """A Gateway, as pulumi_kubernetes' CustomResource has it, which however hides the status."""

    status: pulumi.Output[Mapping[str, Any] | None]

    def __init__(
        self,
        name: str,
        about: k8s.meta.v1.ObjectMetaArgs,
        spec: Mapping[str, object],
        opts: pulumi.ResourceOptions,
    ) -> None:
        properties = {"apiVersion": _API, "kind": "Gateway", "metadata": about, "spec": spec, "status": None}
        super().__init__(f"kubernetes:{_API}:Gateway", name, properties, opts)


def _listeners(args: GatewayEntryArgs) -> dict[str, object]:
    shared = {"hostname": args.host, "allowedRoutes": {"namespaces": {"from": "Same"}}}
    return {
        "gatewayClassName": args.settings.class_name,
        "listeners": [
            {
                "name": _HTTPS,
                "protocol": "HTTPS",
                "port": int(Port.PUBLIC_HTTPS),
                "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": args.certificate}]},
                **shared,
            },
            {"name": _HTTP, "protocol": "HTTP", "port": int(Port.PUBLIC_HTTP), **shared},
        ],
    }


def _verification(args: GatewayEntryArgs) -> dict[str, object]:
    return {
        "targetRefs": [{"group": "", "kind": "Service", "name": args.service}],
        "validation": {
            "hostname": args.service_host,
            "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": f"{args.role}-backend-ca"}],
        },
    }


def _redirect(host: str) -> dict[str, object]:
    target = {"scheme": "https", "hostname": host, "port": int(Port.PUBLIC_HTTPS), "statusCode": _MOVED_PERMANENTLY}
    return {"type": "RequestRedirect", "requestRedirect": target}


def _addresses(status: Mapping[str, Any] | None) -> list[str]:
    return [str(address["value"]) for address in (status or {}).get("addresses") or ()]
