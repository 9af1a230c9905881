"""Names, and the configurations of proxies and of the console, in the stack that somebody else wrote."""

PUBLIC, INTERNAL, STORES = "cdp-public", "cdp-internal", "cdp-stores"
OFFICE = ["203.0.113.0/26", "2001:db8:cafe::/48"]

TLS = "ssl-min-ver TLSv1.2 ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"

COLLECT = f"""\
defaults web
\tmode\thttp
\ttimeout connect 3s
\ttimeout client  25s
\ttimeout server  25s
\ttimeout http-request 5s

# health only; nobody but the kubelet asks
frontend alive
\tbind *:9000
\tmonitor-uri /alive
\thttp-request deny

frontend http
\tbind *:8080
\tredirect scheme https code 301

frontend https
\tbind *:8443 ssl crt /certs/ {TLS} alpn h2,http/1.1
\tacl collect path /track
\tacl post    method POST OPTIONS
\thttp-request deny if ! collect
\thttp-request deny if ! post
\thttp-request set-header X-Forwarded-For %[src]
\tuse_backend pods

backend pods
\tbalance leastconn
\tserver-template pod 1-6 collect.{PUBLIC}.svc.cluster.local:80 check resolvers dns init-addr none

resolvers dns
\tparse-resolv-conf
"""


def inside(port: int, host: str, backend: str) -> str:
    """The configuration of a balancer for the office."""
    networks = " ".join(OFFICE)
    return f"""\
defaults
    mode http
    timeout connect 3s
    timeout client 60s
    timeout server 60s
    timeout http-request 5s

frontend alive
    bind :9000
    monitor-uri /alive
    http-request deny

listen {backend}
    bind :{port} ssl crt /certs/ {TLS}
    tcp-request connection reject if !{{ src {networks} }}
    http-request deny if !{{ req.hdr(host) -i {host} }}
    http-request set-header X-Forwarded-For %[src]
    balance roundrobin
    server one {backend}:80 check
"""


NGINX = """\
pid /tmp/nginx.pid;
events { worker_connections 512; }
http {
  include /etc/nginx/mime.types;
  client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d;
  scgi_temp_path /tmp/e;
  server {
    listen 8000;
    root /usr/share/nginx/html;
    location = /env-config.js { alias /conf/env-config.js; }
    location / { try_files $uri /index.html; }
  }
}
"""
