"""What each setting may change: an installation's objects as `Kind/tier/name`, other resources, and outputs."""

from model.service import Need
from model.services import SERVICE_NAMES, needs_of

CLUSTERS = ("Deployment/track/track-api", "Deployment/console/gui-api")
_SERVICES = ("apm", "update-worker", "background-worker", "bridge-queue")
_QUEUE_USERS = ("track/track-api", "console/gui-api", "console/apm", *(f"console/{name}" for name in _SERVICES[2:]))
INIT = "Job/console/init-*"
SERVICES = (*(f"{kind}/console/{name}" for kind in ("Deployment", "CronJob") for name in _SERVICES), INIT)
# What uses the stores as they are found.
API = (*CLUSTERS, *SERVICES)
GUI = ("Deployment/console/gui",)
# A balancer reads its configuration at its start, so both change.
TRACK_BALANCER = ("ConfigMap/track/track-balancer", "Deployment/track/track-balancer")
GUI_API_BALANCER = ("ConfigMap/console/gui-api-balancer", "Deployment/console/gui-api-balancer")
GUI_BALANCER = ("ConfigMap/console/gui-balancer", "Deployment/console/gui-balancer")
BALANCERS = (*TRACK_BALANCER, *GUI_API_BALANCER, *GUI_BALANCER)
CONSOLE = ("ConfigMap/console/gui", *GUI)
JOB = ("ConfigMap/console/installation", "Job/console/installation-*")
CHECK = ("ConfigMap/console/preflight*", "Job/console/preflight-*")
CHECK_POLICY = "NetworkPolicy/console/preflight"
CHECK_CREDENTIALS = "Secret/console/preflight-credentials"
STORES = ("StatefulSet/data/*",)
WORKLOADS = ("Deployment/*", *STORES, "Job/*", "CronJob/*")
_USERS = ("track/track-api", "console/gui-api", "console/init", *(f"console/{name}" for name in _SERVICES))
API_POLICIES = tuple(f"NetworkPolicy/{user}" for user in _USERS)
API_SECRETS = tuple(f"Secret/{user}-credentials" for user in _USERS)
QUEUE = (*(f"Deployment/{user}" for user in _QUEUE_USERS), INIT)
QUEUE_POLICIES = tuple(f"NetworkPolicy/{user}" for user in (*_QUEUE_USERS, "console/init"))
_SHOW_THE_TOKEN = tuple(f"console/{name}" for name in SERVICE_NAMES if Need.PULSAR in needs_of(name))
QUEUE_SECRETS = tuple(f"Secret/{user}-credentials" for user in (*_QUEUE_USERS, *_SHOW_THE_TOKEN))
TUNNELS = ("ConfigMap/track/tunnels", "ConfigMap/console/tunnels")
ADDRESSES = ("output/loadBalancers", "output/dnsRecords")


def _credential(name: str, *secrets: str) -> tuple[str, ...]:
    generated = (f"RandomPassword//tracardi-credentials-{name}", f"Stash//tracardi-credentials-{name}-remembered")
    return (*generated, "read/*", *secrets)


def _certificate(name: str) -> tuple[str, ...]:
    """Every resource of a certificate that the stack makes or asks for."""
    kinds = ("PrivateKey", "CertRequest", "LocallySignedCert", "SelfSignedCert")
    return tuple(f"{kind}//tracardi-{name}-*" for kind in kinds)


def _store(store: str) -> dict[str, tuple[str, ...]]:
    """The footprints of Redis' or MySQL's settings."""
    there, section = f"StatefulSet/data/{store}", f"data.{store}"
    return {
        section: (there, f"ConfigMap/data/{store}"),
        f"{section}.storage": (there,),
        f"{section}.tunnel": (
            *API,
            *TUNNELS,
            there,
            f"ConfigMap/data/{store}",
            f"Secret/data/{store}-tls",
            *_certificate(f"data-{store}-certificate"),
            "output/plainConnections",
        ),
        f"{section}.external": (*API, *CHECK),
        f"{section}.external.networks": (*API_POLICIES, CHECK_POLICY, *CHECK),
        f"{section}.external.port": (*API, *API_POLICIES, CHECK_POLICY, *CHECK),
        f"{section}.external.certificateAuthority": (*API, *TUNNELS, *CHECK),
    }


FOOTPRINTS: dict[str, tuple[str, ...]] = {
    # It is part of the name of each namespace, and so of everything.
    "installation.name": ("*",),
    # The usual services are production's alone.
    "installation.profile": (
        "Deployment/*",
        *STORES,
        "*/console/apm*",
        "NetworkPolicy/data/*",
        "output/plainConnections",
    ),
    "installation.release": (
        *CONSOLE,
        *API,
        *API_POLICIES,
        *API_SECRETS,
        *JOB,
        "StatefulSet/data/elasticsearch",
        "*/data/mysql*",
        *_credential("mysql-password"),
        *_credential("mysql-root-password"),
        "output/release",
        "output/plainConnections",
    ),
    "installation.edition": (
        *API,
        *API_POLICIES,
        *API_SECRETS,
        *JOB,
        "*/console/init*",
        "*/console/background-worker*",
        "*/data/pulsar*",
        "NetworkPolicy/data/*",
        *_credential("pulsar-signing-key"),
        "output/plainConnections",
    ),
    "installation.licence": QUEUE_SECRETS,
    "installation.adminEmail": (*JOB, "output/adminEmail"),
    "installation.eventSources": JOB,
    # What is reckoned from it: how many collectors and balancers there are.
    "capacity": (
        "Deployment/track/track-api",
        "HorizontalPodAutoscaler/track/track-api",
        *TRACK_BALANCER,
    ),
    "track.host": (*TRACK_BALANCER, "Certificate/track/track-balancer", "output/trackUrl", *ADDRESSES),
    "track.replicas.min": ("Deployment/track/track-api", "HorizontalPodAutoscaler/track/track-api"),
    # A balancer has a slot for each instance that may be.
    "track.replicas.max": (*TRACK_BALANCER, "HorizontalPodAutoscaler/track/track-api"),
    "track.cpuTargetPercent": ("HorizontalPodAutoscaler/track/track-api",),
    "track.routes": TRACK_BALANCER,
    "track.environment": ("Deployment/track/track-api",),
    "track.egress": ("NetworkPolicy/track/track-api",),
    "track.balancer.mode": (
        "*/track/track-balancer*",
        *_certificate("track-balancer-backend"),
        *ADDRESSES,
    ),
    # The requests that an instance can take are shared among its balancers.
    "track.balancer.replicas": TRACK_BALANCER,
    "track.balancer.service": ("Service/track/track-balancer-entry",),
    "track.balancer.service.ipFamilyPolicy": ("Service/track/track-balancer-entry", *TRACK_BALANCER),
    "track.balancer.service.proxyProtocol": ("NetworkPolicy/track/track-balancer", *TRACK_BALANCER),
    "track.balancer.gateway": ("Gateway/track/track-balancer",),
    "track.balancer.gateway.proxies": ("NetworkPolicy/track/track-balancer",),
    "track.balancer.gateway.trustedHops": TRACK_BALANCER,
    "track.balancer": TRACK_BALANCER,
    "guiApi.host": (
        *GUI_API_BALANCER,
        "Certificate/console/gui-api-balancer",
        # The console's pages may call it.
        *CONSOLE,
        "output/guiApiUrl",
        "output/guiUrl",
        *ADDRESSES,
    ),
    "guiApi.replicas": ("Deployment/console/gui-api", *GUI_API_BALANCER),
    "guiApi.environment": ("Deployment/console/gui-api",),
    "guiApi.egress": ("NetworkPolicy/console/gui-api",),
    "guiApi.balancer.replicas": GUI_API_BALANCER,
    "gui.enabled": (
        "*/console/gui",
        "*/console/gui-balancer*",
        *_certificate("gui-balancer-certificate"),
        "output/guiUrl",
        "output/plainConnections",
        *ADDRESSES,
    ),
    "gui.host": (*GUI_BALANCER, "Certificate/console/gui-balancer", "output/guiUrl", *ADDRESSES),
    "gui.replicas": (*GUI, *GUI_BALANCER),
    "gui.contentSecurityPolicy": CONSOLE,
    "gui.balancer.replicas": GUI_BALANCER,
    "services.apm.enabled": ("*/console/apm*", "NetworkPolicy/data/*", "output/plainConnections"),
    # A CronJob asks no kernel whether it lives.
    "services.apm.schedule": ("Deployment/console/apm", "CronJob/console/apm", "ConfigMap/console/apm"),
    "services.apm.egress": ("NetworkPolicy/console/apm",),
    "services.apm": ("Deployment/console/apm",),
    "data.keep": ("Namespace//data", "Secret/data/kept-*", *STORES, "output/dataKept"),
    "data.preflight": ("*/console/preflight*",),
    "data.elasticsearch": ("StatefulSet/data/elasticsearch", "ConfigMap/data/elasticsearch"),
    "data.elasticsearch.storage": ("StatefulSet/data/elasticsearch",),
    "data.elasticsearch.nodes": (
        "StatefulSet/data/elasticsearch",
        "ConfigMap/data/elasticsearch",
        # It names each node.
        *_certificate("data-elasticsearch-certificate"),
    ),
    "data.elasticsearch.external": (*API, *CHECK),
    # Another place, in which Tracardi may have to be installed.
    "data.elasticsearch.external.urls": (*API, *API_POLICIES, CHECK_POLICY, *CHECK, *JOB),
    "data.elasticsearch.external.networks": (*API_POLICIES, CHECK_POLICY, *CHECK),
    "data.elasticsearch.external.certificateAuthority": (*API, "ConfigMap/*/elasticsearch-ca", *CHECK),
    **_store("redis"),
    **_store("mysql"),
    "data.mysql.external": (*API, *CHECK, *JOB),
    "data.mysql.external.port": (*API, *API_POLICIES, CHECK_POLICY, *CHECK, *JOB),
    "data.pulsar": ("StatefulSet/data/pulsar",),
    "data.pulsar.external": (*QUEUE, *CHECK),
    "data.pulsar.external.url": (*QUEUE, *QUEUE_POLICIES, *TUNNELS, CHECK_POLICY, *CHECK),
    "data.pulsar.external.api": (*QUEUE, *QUEUE_POLICIES, *TUNNELS, CHECK_POLICY, *CHECK),
    "data.pulsar.external.networks": (*QUEUE_POLICIES, CHECK_POLICY, *CHECK),
    "data.pulsar.external.certificateAuthority": (*QUEUE, *TUNNELS, *CHECK),
    "credentials.pulsar": (*QUEUE_SECRETS, CHECK_CREDENTIALS),
    "credentials.pulsarKey": _credential("pulsar-signing-key", *QUEUE_SECRETS, "Secret/data/pulsar-credentials"),
    "credentials.adminPassword": _credential(
        "admin-password", "Secret/console/installation-credentials", "output/adminPassword"
    ),
    "credentials.installationToken": _credential(
        "installation-token", *API_SECRETS, "Secret/console/installation-credentials"
    ),
    "credentials.profileMerging": _credential("profile-merging-secret", *API_SECRETS),
    "credentials.elasticsearch": _credential(
        "elasticsearch-password", *API_SECRETS, "Secret/data/elasticsearch-credentials", CHECK_CREDENTIALS
    ),
    "credentials.redis": _credential(
        "redis-password", *API_SECRETS, "Secret/data/redis-credentials", CHECK_CREDENTIALS
    ),
    "credentials.mysql": _credential(
        "mysql-password", *API_SECRETS, "Secret/data/mysql-credentials", CHECK_CREDENTIALS
    ),
    "credentials.mysqlRoot": _credential("mysql-root-password", "Secret/data/mysql-credentials"),
    "index": (*API, "ConfigMap/track/index-shape", "ConfigMap/console/index-shape"),
    "index.tenantName": (*API, "ConfigMap/track/index-shape", "ConfigMap/console/index-shape", *JOB),
    "certificates.source": (
        "Certificate/*-balancer",
        "Secret/*-balancer-tls",
        *_certificate("entries-authority"),
        *(
            pattern
            for entry in ("track", "gui-api", "gui")
            for pattern in _certificate(f"{entry}-balancer-certificate")
        ),
        "output/certificateAuthority",
    ),
    "certificates.issuer": ("Certificate/*-balancer",),
    "certificates.secrets.track": ("Deployment/track/track-balancer",),
    "certificates.secrets.guiApi": ("Deployment/console/gui-api-balancer",),
    "certificates.secrets.gui": ("Deployment/console/gui-balancer",),
    "certificates.encryption": (
        *API,
        *CONSOLE,
        *BALANCERS,
        *JOB,
        "Service/track/track-api",
        "Service/console/gui*",
        "Secret/*-tls",
        *_certificate("inside-authority"),
        *(pattern for cluster in ("track", "gui-api", "gui") for pattern in _certificate(f"{cluster}-certificate")),
        "output/plainConnections",
    ),
    # What is made of the keys follows them by itself, in the engine.
    "certificates.rotation": ("PrivateKey//*",),
    "certificates.internalIssuer": tuple(
        f"Certificate/{place}" for place in ("track/track-api", "console/gui-api", "console/gui")
    ),
    "network.trusted": (
        *GUI_API_BALANCER,
        *GUI_BALANCER,
        "NetworkPolicy/console/gui*-balancer",
        "Service/console/gui*-balancer-entry",
    ),
    "network.clusterDomain": (
        *BALANCERS,
        *API,
        *JOB,
        "ConfigMap/data/elasticsearch",
        "StatefulSet/data/elasticsearch",
        *_certificate("data-elasticsearch-certificate"),
    ),
    "network.nodeLocalDns": ("NetworkPolicy/*",),
    "network.scrapers": ("NetworkPolicy/*-balancer",),
    "platform": WORKLOADS,
    "platform.storageClass": STORES,
    "platform.images.api": (*CLUSTERS, *JOB),
    # All are of one release.
    "platform.images.api.tag": (*API, *GUI, *JOB),
    "platform.images.gui": GUI,
    "platform.images.elasticsearch": ("StatefulSet/data/elasticsearch",),
    "platform.images.mysql": ("StatefulSet/data/mysql",),
    "platform.images.redis": ("StatefulSet/data/redis",),
    "platform.images.pulsar": ("StatefulSet/data/pulsar",),
    "platform.images.haproxy": tuple(each for each in BALANCERS if each.startswith("Deployment/")),
    "platform.images.mysqlRouter": API,
}
"""By the beginning of a setting's name; the longest that fits holds."""
