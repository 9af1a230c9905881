"""Proxies that do what the program's Gateway API objects say, as far as they say it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model.roles import Role
from tests.dataplane.installation.sites import Site
from tests.dataplane.sandbox import Bind, Jail, Network, Place
from tests.unit.engine import JsonObject

NETWORK = ("10.200.0.0/24", "2001:db8:200::/64")
_FOLDER = "/gateway"


@dataclass(frozen=True)
class Route:
    """What a Gateway does with one host, read from the program's objects."""

    role: Role
    host: str
    certificate: bytes
    """PEM of the chain that clients see, and of its key."""
    authority: str
    """PEM of whom it believes that balancer pods are `backend`."""
    backend: str
    redirect: int
    """The status that plain HTTP is answered with."""
    pods: tuple[str, ...]
    """Addresses and ports of the balancer pods."""

    def behind(self, address: str, authority: str) -> "Route":
        """The same for a proxy in front of the Gateway at `address`, whose certificate `authority` has signed."""
        return replace(self, authority=authority, backend=self.host, pods=(f"{address}:443",))


def route(site: Site, role: Role, pods: Sequence[str] = ()) -> Route:
    """What the objects for the balancer `role` say; `pods` are others than those that its Service selects."""
    policy = _of(site, "BackendTLSPolicy", role)["spec"]
    gateway = _of(site, "Gateway", role)
    namespace = gateway["metadata"]["namespace"]
    listener = next(each for each in gateway["spec"]["listeners"] if each["name"] == "https")
    shown = site.objects.secret(namespace, listener["tls"]["certificateRefs"][0]["name"])
    (target,) = policy["targetRefs"]
    service = site.objects.get(target["kind"], target["name"], namespace)["spec"]
    port = next(each for each in service["ports"] if each["name"] == "https")["targetPort"]
    (authority,) = policy["validation"]["caCertificateRefs"]
    redirect = site.objects.get("HTTPRoute", f"{role}-redirect", namespace)["spec"]["rules"][0]["filters"][0]
    return Route(
        role=role,
        host=listener["hostname"],
        certificate=shown["tls.crt"] + shown["tls.key"],
        authority=site.objects.config_map(namespace, authority["name"])["ca.crt"],
        backend=policy["validation"]["hostname"],
        redirect=redirect["requestRedirect"]["statusCode"],
        pods=tuple(pods) or tuple(f"{pod.address}:{port}" for pod in site.cluster.workloads[role].pods),
    )


def nginx(site: Site, network: Network, folder: Path, routes: Sequence[Route], name: str = "nginx") -> Place:
    """A Gateway made of nginx: addresses in one X-Forwarded-For, HTTP/1.1 to the balancers."""
    servers = "".join(
        f"""
    upstream {each.role} {{ {"".join(f"server {pod}; " for pod in each.pods)} keepalive 8; }}
    server {{ listen 80; listen [::]:80; server_name {each.host};
        return {each.redirect} https://{each.host}$request_uri; }}
    server {{
        listen 443 ssl http2; listen [::]:443 ssl http2; server_name {each.host};
        ssl_certificate {_FOLDER}/{each.role}.pem; ssl_certificate_key {_FOLDER}/{each.role}.pem;
        location / {{
            proxy_pass https://{each.role};
            proxy_ssl_verify on; proxy_ssl_trusted_certificate {_FOLDER}/{each.role}-ca.pem;
            proxy_ssl_name {each.backend}; proxy_ssl_server_name on;
        }}
    }}"""
        for each in routes
    )
    temporary = "".join(
        f"{kind}_temp_path /tmp/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = f"""
user root; worker_processes 1; daemon off; pid /tmp/nginx.pid; error_log stderr error;
events {{ worker_connections 512; }}
http {{
    access_log off; {temporary}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    merge_slashes off;
{servers}
}}
"""
    return _started(site, network, folder / name, routes, {"nginx.conf": configuration}, name)


def haproxy(site: Site, network: Network, folder: Path, routes: Sequence[Route], name: str = "haproxy") -> Place:
    """A Gateway made of HAProxy: addresses in a header of its own for each proxy, paths as they are."""
    certificates = " ".join(f"crt {_FOLDER}/{each.role}.pem" for each in routes)
    frontends = "".join(
        f"    http-request redirect code {each.redirect} location https://{each.host}%[pathq] "
        f"if !{{ ssl_fc }} {{ hdr(host) -i {each.host} }}\n"
        f"    use_backend {each.role} if {{ hdr(host) -i {each.host} }}\n"
        for each in routes
    )
    backends = "".join(
        f"backend {each.role}\n"
        + "".join(
            f"    server pod{number} {pod} ssl verify required ca-file {_FOLDER}/{each.role}-ca.pem "
            f"verifyhost {each.backend} sni str({each.backend}) alpn http/1.1\n"
            for number, pod in enumerate(each.pods)
        )
        for each in routes
    )
    configuration = f"""
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    option forwardfor
frontend all
    bind :80,[::]:80 v6only
    bind :443,[::]:443 v6only ssl {certificates} alpn h2,http/1.1
{frontends}{backends}"""
    return _started(site, network, folder / name, routes, {"haproxy.cfg": configuration}, name)


_COMMANDS = {
    "nginx.conf": ("nginx", "-c", f"{_FOLDER}/nginx.conf"),
    "haproxy.cfg": ("haproxy", "-db", "-q", "-f", f"{_FOLDER}/haproxy.cfg"),
}


def _started(
    site: Site, network: Network, folder: Path, routes: Sequence[Route], files: Mapping[str, str], name: str
) -> Place:
    folder.mkdir()
    for each in routes:
        (folder / f"{each.role}.pem").write_bytes(each.certificate)
        (folder / f"{each.role}-ca.pem").write_text(each.authority, encoding="ascii")
    place = site.world.place(name, network)
    jail = Jail(site.world.debian, name, binds=(Bind(folder, _FOLDER),), writable_tmp=True)
    for file, text in files.items():
        (folder / file).write_text(text, encoding="ascii")
        with (folder / "log").open("w") as log:
            place.start(*_COMMANDS[file], jail=jail, output=log.fileno())
    return place


def _of(site: Site, kind: str, role: Role) -> JsonObject:
    return next(each for each in site.objects.of_kind(kind) if each["metadata"]["name"] == role.value)
