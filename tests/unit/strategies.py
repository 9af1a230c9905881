"""Configurations that nobody thought of, and that the settings accept; together they use nearly every key."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.variants import STORE_NETWORKS, authority, existing

Configuration = dict[str, Any]
Examples = st.SearchStrategy[Any]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAMES = st.builds(
    lambda first, middle, last: f"{first}{middle}{last}",
    st.sampled_from(_LETTERS),
    st.text(f"{_LETTERS}0123456789-", max_size=12),
    st.sampled_from(f"{_LETTERS}0123456789"),
)
_HOSTS = st.builds(".".join, st.lists(_NAMES, min_size=1, max_size=3).map(lambda labels: [*labels, "example", "com"]))
_CIDRS = st.one_of(
    st.tuples(st.integers(1, 223), st.integers(0, 255)).map(lambda octets: f"{octets[0]}.{octets[1]}.0.0/16"),
    st.integers(0, 0xFFFF).map(lambda group: f"2001:db8:{group:x}::/48"),
)
_PORTS = st.integers(1, 65535)
_QUANTITIES = st.builds(lambda number, unit: f"{number}{unit}", st.integers(2, 500), st.sampled_from(["Gi", "G"]))
_LABELS = st.dictionaries(
    _NAMES.map(lambda name: f"example.com/{name}"), st.text(f"{_LETTERS}0123456789", max_size=12), max_size=2
)
_PODS = st.fixed_dictionaries({"namespace": _NAMES}, optional={"labels": _LABELS})
_VARIABLES = st.dictionaries(
    st.text("ABCXYZ_0123456789", min_size=1, max_size=10).map(lambda name: f"X_{name}"),
    st.text(f"{_LETTERS} \"'$%{{}}=", max_size=12),
    max_size=2,
)
_PARTITIONING = st.sampled_from(["month", "quarter", "year"])
_DESTINATIONS = st.fixed_dictionaries({"cidr": _CIDRS, "port": _PORTS})
_EGRESS = st.fixed_dictionaries({}, optional={"allow": st.lists(_DESTINATIONS, max_size=2)})
_ISSUERS = st.fixed_dictionaries({"name": _NAMES}, optional={"kind": st.sampled_from(["Issuer", "ClusterIssuer"])})
_DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map(lambda digits: f"sha256:{digits}")
_IMAGES = st.fixed_dictionaries(
    {},
    optional={"registry": _HOSTS, "repository": st.builds("{}/{}".format, _NAMES, _NAMES), "digest": _DIGESTS},
)

_SERVICE = {"environment": _VARIABLES, "egress": _EGRESS, "image": _IMAGES}
_SCHEDULES = st.sampled_from(["*/10 * * * *", "0 3 * * 1-5", "5,35 0-6/2 1 1 *"])
_SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "apm": st.one_of(
            st.just({"enabled": False}),
            st.fixed_dictionaries({"enabled": st.just(value=True)}, optional={**_SERVICE, "schedule": _SCHEDULES}),
        ),
        "update-worker": st.fixed_dictionaries({"enabled": st.just(value=True)}, optional=_SERVICE),
    },
)


def configurations() -> st.SearchStrategy[Configuration]:
    """Configurations of stacks, nearly all of which are accepted."""
    return _configurations()


@st.composite
def _configurations(draw: st.DrawFn) -> Configuration:
    production, mysql = draw(st.booleans()), draw(st.booleans())
    console = production or draw(st.booleans())
    hosts = draw(st.lists(_HOSTS, min_size=3, max_size=3, unique=True))
    bridges = draw(st.lists(st.sampled_from(["rest", "webhook", "redirect"]), max_size=3))
    data, credentials = draw(_data(production=production, mysql=mysql))
    nodes = data["elasticsearch"].get("nodes", 3)
    return {
        "tracardi:installation": {
            "name": draw(_NAMES),
            "profile": "production" if production else "small",
            "release": "1.0.0" if mysql else "0.8.2.1",
            "adminEmail": f"{draw(_NAMES).replace('-', '')}@example.com",
            "eventSources": [
                {"id": f"source-{index}", "name": draw(st.text(min_size=1, max_size=20)), "bridge": bridge}
                for index, bridge in enumerate(bridges)
            ],
        },
        **draw(_track_and_load(hosts[0], bridges, production=production)),
        "tracardi:guiApi": draw(_gui_api(hosts[1], production=production)),
        "tracardi:gui": draw(_gui(hosts[2], production=production)) if console else {"enabled": False},
        "tracardi:data": data,
        "tracardi:credentials": credentials,
        "tracardi:services": draw(_SERVICES),
        "tracardi:index": draw(_index(nodes)),
        "tracardi:certificates": draw(_certificates(production=production, console=console)),
        "tracardi:network": draw(
            st.fixed_dictionaries(
                {"trusted": st.lists(_CIDRS, min_size=1, max_size=3, unique=True)},
                optional={
                    "clusterDomain": _HOSTS,
                    "nodeLocalDns": st.sampled_from(["169.254.20.10", "fd00::10"]),
                    "scrapers": st.lists(_PODS, max_size=2),
                },
            )
        ),
        "tracardi:platform": draw(_platform(mysql=mysql)),
    }


@st.composite
def _track_and_load(draw: st.DrawFn, host: str, bridges: list[str], *, production: bool) -> Configuration:
    """The collectors, with numbers of their own or with a load that these follow from."""
    track = draw(_track(host, bridges, production=production))
    if draw(st.integers(0, 3)):
        return {"tracardi:track": track}
    sustained = draw(st.integers(1, 1500))
    load = {
        "sustained": sustained,
        "peak": draw(st.integers(sustained, 1500)),
        # More than these, the smallest Elasticsearch cannot take in.
        "newVisitors": draw(st.sampled_from([0, 0.001, 0.003])),
        "model": draw(st.sampled_from(["measured", "guides"])),
    }
    track.pop("replicas")
    track["balancer"].pop("replicas")
    return {"tracardi:track": track, "tracardi:capacity": load}


@st.composite
def _track(draw: st.DrawFn, host: str, bridges: list[str], *, production: bool) -> Configuration:
    least = draw(st.integers(3 if production else 2, 12))
    needed = {"webhook": "collect", "redirect": "redirect"}
    routes = draw(st.sets(st.sampled_from(["tracker", "collect", "redirect", "consent"])))
    return {
        "host": host,
        "replicas": {"min": least, "max": draw(st.integers(least, 30))},
        "cpuTargetPercent": draw(st.integers(20, 90)),
        "routes": sorted(routes | {needed[bridge] for bridge in bridges if bridge in needed}),
        "environment": draw(_VARIABLES),
        "egress": draw(_EGRESS),
        "balancer": draw(_balancer(production=production, public=True)),
    }


@st.composite
def _gui_api(draw: st.DrawFn, host: str, *, production: bool) -> Configuration:
    return {
        "host": host,
        "replicas": draw(st.integers(2 if production else 1, 5)),
        "environment": draw(_VARIABLES),
        "egress": draw(_EGRESS),
        "balancer": draw(_balancer(production=production, public=False)),
    }


@st.composite
def _gui(draw: st.DrawFn, host: str, *, production: bool) -> Configuration:
    policy = st.fixed_dictionaries(
        {},
        optional={
            "mode": st.sampled_from(["enforce", "report-only", "off"]),
            "sources": st.lists(_HOSTS.map(lambda host: f"https://{host}"), max_size=2),
        },
    )
    return {
        "host": host,
        "replicas": draw(st.integers(2 if production else 1, 5)),
        "contentSecurityPolicy": draw(policy),
        "balancer": draw(_balancer(production=production, public=False)),
    }


@st.composite
def _balancer(draw: st.DrawFn, *, production: bool, public: bool) -> Configuration:
    balancer: Configuration = {
        "replicas": draw(st.integers(2 if production else 1, 4)),
        "maxBodyBytes": draw(st.integers(1024, 104_857_600)),
        "requestsPerSecond": draw(st.integers(1, 100_000)),
    }
    if draw(st.integers(0, 3)) == 0:
        gateway = st.fixed_dictionaries(
            {"className": _NAMES, "proxies": _PODS},
            optional={"trustedHops": st.integers(1, 5), "annotations": _LABELS},
        )
        return {**balancer, "mode": "gateway", "gateway": draw(gateway)}
    service: Configuration = {
        "type": draw(st.sampled_from(["LoadBalancer", "NodePort", "ClusterIP"])),
        "annotations": draw(_LABELS),
        "allocateLoadBalancerNodePorts": draw(st.booleans()),
        "ipFamilyPolicy": draw(st.sampled_from(["SingleStack", "PreferDualStack"])),
        "proxyProtocol": draw(st.lists(_CIDRS, max_size=1)),
    }
    if service["type"] == "LoadBalancer" and draw(st.booleans()):
        service["loadBalancerClass"] = f"example.com/{draw(_NAMES)}"
    node_ports = service["type"] == "NodePort" or service["allocateLoadBalancerNodePorts"]
    # Where clients are judged by their addresses, these have to be seen, and node ports mistake them.
    if public or (service["proxyProtocol"] and not node_ports):
        service["externalTrafficPolicy"] = draw(st.sampled_from(["Local", "Cluster"]))
    return {**balancer, "service": service}


@st.composite
def _data(draw: st.DrawFn, *, production: bool, mysql: bool) -> tuple[Configuration, Configuration]:
    """Data services, and the credentials that they need: those of others' stores at least."""
    credentials: Configuration = {}
    elasticsearch: Configuration = {
        "nodes": draw(st.sampled_from([3, 4, 5] if production else [1, 3])),
        "storage": draw(_QUANTITIES),
        "memory": draw(st.sampled_from(["1Gi", "2Gi", "3G"])),
        "cpu": draw(st.sampled_from(["1", "500m", "1.5"])),
        "allowMmap": draw(st.booleans()),
    }
    if draw(st.booleans()):
        credentials["elasticsearch"] = existing("search")
        urls = st.lists(st.builds("https://{}:{}".format, _HOSTS, _PORTS), min_size=1, max_size=3)
        elasticsearch = {"external": {"urls": draw(urls), "networks": STORE_NETWORKS}}
    data = {"keep": draw(st.booleans()), "elasticsearch": elasticsearch}
    for store in ("redis", *(("mysql",) if mysql else ())):
        tunnel = draw(st.booleans())
        if draw(st.booleans()):
            limit = {"maxConnections": draw(st.integers(300, 5000))} if store == "mysql" else {}
            data[store] = {"tunnel": tunnel, "storage": draw(_QUANTITIES), "memory": draw(_QUANTITIES), **limit}
            continue
        credentials[store] = draw(st.sampled_from([existing(store), {"value": f"canary-given-{store}-0123456789"}]))
        outside = {"host": draw(_HOSTS), "port": draw(_PORTS), "networks": STORE_NETWORKS}
        if tunnel and draw(st.booleans()):
            outside["certificateAuthority"] = authority()
        data[store] = {"tunnel": tunnel, "external": outside}
    if draw(st.booleans()):
        credentials["adminPassword"] = existing("people", "admin")
    return data, credentials


@st.composite
def _index(draw: st.DrawFn, nodes: int) -> Configuration:
    kinds = ("event", "profile", "session", "item", "log", "dispatchLog", "consoleLog", "fieldChangeLog", "userLog")
    shape = {f"{kind}Partitioning": _PARTITIONING for kind in kinds}
    return dict(
        draw(
            st.fixed_dictionaries(
                {"replicas": st.integers(0, min(5, max(nodes - 1, 0)))},
                optional={
                    "shards": st.integers(1, 30),
                    "confShards": st.integers(1, 30),
                    "tenantName": st.text(_LETTERS, min_size=3, max_size=30),
                    **shape,
                },
            )
        )
    )


@st.composite
def _certificates(draw: st.DrawFn, *, production: bool, console: bool) -> Configuration:
    source = draw(st.sampled_from(["provided", "cert-manager", *(() if production else ("generated",))]))
    certificates: Configuration = {"source": source, "encryption": draw(st.sampled_from(["edge", "full"]))}
    if source == "cert-manager":
        certificates["issuer"] = draw(_ISSUERS)
    if source == "provided":
        certificates["secrets"] = {"track": "track", "guiApi": "api", **({"gui": "console"} if console else {})}
    if certificates["encryption"] == "full" and draw(st.booleans()):
        certificates["internalIssuer"] = draw(_ISSUERS)
    return certificates


@st.composite
def _platform(draw: st.DrawFn, *, mysql: bool) -> Configuration:
    software = ["api", "gui", "elasticsearch", "redis", "haproxy", *(("mysql",) if mysql else ())]
    tolerations = st.one_of(
        st.fixed_dictionaries({"key": _NAMES}, optional={"effect": st.sampled_from(["NoSchedule", "NoExecute"])}),
        st.fixed_dictionaries({"key": _NAMES, "operator": st.just("Equal"), "value": _NAMES}),
    )
    return dict(
        draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "imageRegistry": _HOSTS,
                    "images": st.fixed_dictionaries({}, optional=dict.fromkeys(software, _IMAGES)),
                    "imagePullSecrets": st.lists(_NAMES, max_size=2, unique=True),
                    "storageClass": _NAMES,
                    "nodeSelector": _LABELS,
                    "tolerations": st.lists(tolerations, max_size=2),
                    "priorityClass": _NAMES,
                    "labels": _LABELS,
                    "annotations": _LABELS,
                },
            )
        )
    )
