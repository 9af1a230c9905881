"""GuiCluster: Tracardi's web console, static pages from nginx, for trusted networks only."""

import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.certificates import Issuer
from components.context import Context
from components.haproxy import Upstream
from components.instance_tls import CERTIFICATE, FOLDER, KEY, TLS_MOUNT, instance_certificate, tls_volume
from components.kubernetes import digest, metadata
from components.pods import TMP, Check, Container, Mount, Pod, Resources, config_volume, scratch
from components.rendering import render
from components.stateless import StatelessWorkload, StatelessWorkloadArgs
from model.images import Software
from model.lifecycle import INSTANCE_KEEP_ALIVE_SECONDS, LIVENESS, READINESS, SURGE
from model.ports import Port
from model.releases import Release
from model.roles import Role
from settings.clusters import GuiSettings
from settings.console import ContentSecurityPolicyMode, ContentSecurityPolicySettings

HEALTH_PATH = "/env-config.js"
"""Every other path answers with the same page, whether its files are there or not."""

_SUPERVISOR = Path(__file__).with_name("programs") / "supervise.sh"
_CONFIGURATION = "/etc/tracardi"
_NGINX = ("nginx", "-c", f"{_CONFIGURATION}/nginx.conf", "-g", "daemon off;")

_POLICY_HEADERS = {
    ContentSecurityPolicyMode.ENFORCE: "Content-Security-Policy",
    ContentSecurityPolicyMode.REPORT_ONLY: "Content-Security-Policy-Report-Only",
}


@dataclass(frozen=True)
class GuiClusterArgs:
    """The console as `settings` describe it; its pages call the GUI API at `api_host`."""

    context: Context
    settings: GuiSettings
    api_host: str
    internal: Issuer | None = None
    """Who signs the certificate that instances serve; None where TLS ends at the balancers."""


class GuiCluster(pulumi.ComponentResource):
    """The console's pods."""

    upstream: Upstream
    """Where a balancer finds the instances."""

    def __init__(self, name: str, args: GuiClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:GuiCluster", name, opts=opts)
        context, child = args.context, pulumi.ResourceOptions(parent=self)
        certificate = instance_certificate(name, context, Role.GUI, args.internal, child)
        secret = certificate.secret if certificate else None
        files = _files(args, encrypted=secret is not None)
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration", metadata=metadata(context, Role.GUI), data=files, opts=child
        )
        StatelessWorkload(
            f"{name}-pods",
            StatelessWorkloadArgs(
                context=context,
                pod=_pod(args, digest(*files.values()), secret),
                port=Port.HTTP,
            ),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[config_map, *(certificate.resources if certificate else ())]
            ),
        )
        self.upstream = Upstream(
            host=context.host(Role.GUI),
            port=Port.HTTP,
            slots=args.settings.replicas + SURGE,
            health_path=HEALTH_PATH,
            ca_secret=secret,
        )
        self.register_outputs({"host": self.upstream.host})


def _files(args: GuiClusterArgs, *, encrypted: bool) -> dict[str, str]:
    return {
        "nginx.conf": nginx_configuration(
            security_headers(args.settings.content_security_policy, args.api_host), encrypted=encrypted
        ),
        "env-config.js": env_config(args.context.release),
        _SUPERVISOR.name: _SUPERVISOR.read_text(encoding="utf-8"),
    }


def nginx_configuration(headers: dict[str, str], *, encrypted: bool) -> str:
    """The whole configuration of nginx, which answers with `headers`; the image's own asks for root."""
    return render(
        "nginx.conf.j2",
        port=int(Port.HTTP),
        keep_alive=INSTANCE_KEEP_ALIVE_SECONDS,
        env_config=HEALTH_PATH,
        headers=headers,
        encrypted=encrypted,
        certificate=CERTIFICATE,
        key=KEY,
    )


def security_headers(settings: ContentSecurityPolicySettings, api_host: str) -> dict[str, str]:
    """What the console's pages tell browsers about themselves."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
    policy_header = _POLICY_HEADERS.get(settings.mode)
    return {**headers, policy_header: content_security_policy(api_host, settings.sources)} if policy_header else headers


def content_security_policy(api_host: str, sources: tuple[str, ...]) -> str:
    """What the console's pages may load and call: themselves, the GUI API and `sources`.

    Scripts within a page stay allowed, because the console's only page consists of them: they change with each
    release, so their digests cannot be listed, and a server of static files has no nonce to give. One of them fetches
    a script from Tracardi's vendor that reports what users do. That script is neither loaded nor, were it there,
    could it call home.
    """
    # Any port: where the balancer's Service is a NodePort, its number is the cluster's choice.
    known = " ".join((f"https://{api_host}:*", *sources))
    directives = {
        "default-src": "'self'",
        "script-src": f"'self' 'unsafe-inline' {known}",
        # The console's widgets write style attributes.
        "style-src": "'self' 'unsafe-inline'",
        # Not https: in general, or a picture's address could carry data anywhere.
        "img-src": f"'self' data: {known}",
        "font-src": "'self' data:",
        "connect-src": f"'self' {known}",
        # Its code editor checks what is typed in a worker made from a blob.
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def env_config(release: Release) -> str:
    """The script in which the console looks its settings up; the image would write it at every start."""
    return f"window._env_ = {json.dumps(dict(release.gui_environment), indent=2)};\n"


def _pod(args: GuiClusterArgs, configuration_digest: str, certificate: str | None) -> Pod:
    encrypted = certificate is not None
    alive = Check(path=HEALTH_PATH, port=Port.HTTP, tls=encrypted)
    # nginx reads its certificate at its start and on HUP. QUIT lets it finish what it has begun: TERM, which Kubernetes
    # sends unless an image names another signal, has it cut downloads off.
    watched = FOLDER if encrypted else ""
    supervisor = ("sh", f"{_CONFIGURATION}/{_SUPERVISOR.name}", "HUP", "QUIT", watched, "--")
    nginx = Container(
        name="gui",
        image=args.context.image(Software.GUI),
        resources=Resources(cpu="50m", memory="32Mi", memory_limit="128Mi"),
        command=(*supervisor, *_NGINX),
        ports={"https" if encrypted else "http": Port.HTTP},
        mounts=(
            Mount("configuration", _CONFIGURATION),
            Mount("tmp", TMP, read_only=False),
            *((TLS_MOUNT,) if encrypted else ()),
        ),
        readiness=alive.probe(READINESS),
        liveness=alive.probe(LIVENESS),
        drains=True,
    )
    return Pod(
        role=Role.GUI,
        containers=(nginx,),
        instances=args.settings.replicas,
        volumes=(
            config_volume("configuration", Role.GUI.value),
            scratch("tmp", "64Mi"),
            *((tls_volume(certificate),) if certificate is not None else ()),
        ),
        checksums={"configuration": configuration_digest},
    )
