"""nginx, twice: as the instances behind every proxy, and as the reverse proxy that ours is compared with."""

import json
from collections.abc import Sequence
from pathlib import Path

_CONNECTIONS = "worker_connections 768;"
_MORE_CONNECTIONS = "worker_connections 4096;"

CERTIFICATES = "/etc/nginx/certs"
"""Folder with tls.crt and tls.key."""

ANSWER = json.dumps(
    {
        "task": "4b2c7a5e-1d1f-4f0e-9a53-1f2f6f6f2a11",
        "ux": [],
        "response": {},
        "events": [f"5f0c3d0e-7b7a-4a9f-8a39-0d6c1f0b{number:04d}" for number in range(10)],
        "profile": {"id": "c3f1f0de-97b0-4f52-9d31-6a8a3d2d7f10"},
        "errors": [],
        "warnings": [],
    }
)
"""What every instance answers: about as long as Tracardi's answer to ten events."""

_INSTANCES = """\
worker_processes auto;
pid /tmp/nginx.pid;
error_log /tmp/error.log;
events {{
    worker_connections 8192;
}}
http {{
    access_log off;
    client_body_temp_path /tmp/body;
    default_type application/json;
    # As patient as the instances that the program configures.
    keepalive_timeout 75s;
    keepalive_requests 1000000000;
    # This nginx leaves out 1.3 by default; the Python that serves the API does not.
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {certificates}/tls.crt;
    ssl_certificate_key {certificates}/tls.key;
    server {{
{listens}
        location / {{
            return 200 '{answer}';
        }}
    }}
}}
"""

_PROXY = """\
upstream instances {{
{servers}
}}
upstream instances_kept {{
{servers}
    keepalive 64;
}}
ssl_certificate {certificates}/tls.crt;
ssl_certificate_key {certificates}/tls.key;
server {{
    listen {plain};
    listen {tls} ssl;
    listen {http2} ssl http2;
    location / {{
        include proxy_params;
        proxy_pass http://instances;
    }}
}}
server {{
    listen {tuned} ssl;
    location / {{
        include proxy_params;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_pass http://instances_kept;
    }}
}}
"""


def instances(plain: Sequence[str], encrypted: Sequence[str], port: int) -> str:
    """Configuration of instances at addresses `plain`, and at `encrypted` with TLS."""
    listens = [*(f"listen {each}:{port} backlog=4096;" for each in plain)]
    listens += [f"listen {each}:{port} ssl backlog=4096;" for each in encrypted]
    return _INSTANCES.format(certificates=CERTIFICATES, listens=_lines(listens, 8), answer=ANSWER)


def debian(nginx_conf: Path) -> str:
    """Debian's nginx.conf, with connections enough for 1000 clients and the instances behind them.

    Raises:
        ValueError: it is not the file that is known here.
    """
    text = nginx_conf.read_text(encoding="utf-8")
    if text.count(_CONNECTIONS) != 1:
        raise ValueError(f"{nginx_conf}: `{_CONNECTIONS}` is not there once; the benchmark raises this number")
    return text.replace(_CONNECTIONS, _MORE_CONNECTIONS)


def proxy(servers: Sequence[str], *, plain: int, tls: int, http2: int, tuned: int) -> str:
    """A site that proxies to `servers` as the manual's first example does; at the port `tuned` it keeps connections."""
    upstream = _lines([f"server {each};" for each in servers], 4)
    return _PROXY.format(certificates=CERTIFICATES, servers=upstream, plain=plain, tls=tls, http2=http2, tuned=tuned)


def _lines(lines: Sequence[str], indent: int) -> str:
    return "\n".join(f"{' ' * indent}{line}" for line in lines)
