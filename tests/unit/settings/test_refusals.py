"""What a stack file is told when a setting cannot be used."""

from typing import Any

import pytest

from settings.load import SettingsError
from tests.unit.stacks import changed, settings_of, stack_file
from tests.unit.variants import Configuration, authority, existing, variants

PROD = stack_file("prod")
CACHE = {"host": "cache.example.com", "networks": ["198.51.100.0/24"]}

ONE_SETTING: list[tuple[str, object, str, str]] = [
    ("installation__name", "Tracardi", "installation.name", "lower-case letters"),
    ("installation__name", "a" * 31, "installation.name", "at most 30"),
    ("installation__profile", "big", "installation.profile", "'production' or 'small'"),
    ("installation__release", "0.9.0", "installation.release", "1.0.0, 0.8.2.1"),
    ("installation__adminEmail", "admin", "installation.adminEmail", "e-mail"),
    ("installation__adminEmail", "admin@localhost", "installation.adminEmail", "dotted domain"),
    ("installation__adminEmail", None, "installation.adminEmail", "Login of the first administrator"),
    ("track__host", "https://track.example.com", "track.host", "full host name"),
    ("track__host", "*.example.com", "track.host", "full host name"),
    ("track__host", "localhost", "track.host", "full host name"),
    ("track__replicas__min", 0, "track.replicas.min", "at least 1"),
    ("track__replicas__max", 201, "track.replicas.max", "at most 200"),
    ("track__replicas__max", "10", "track.replicas.max", "whole number"),
    ("track__replicas__max", 2, "track.replicas.max", "at least replicas.min, which is 3"),
    ("track__replicas__mx", 2, "track.replicas.mx", "the keys here are min, max"),
    ("track__cpuTargetPercent", 95, "track.cpuTargetPercent", "at most 90"),
    ("track__routes", ["track", "install"], "track.routes[1]", "'tracker'"),
    ("track__routes", "tracker", "track.routes", "a list"),
    ("track__environment", {"LICENSE": ""}, "track.environment.LICENSE", "does not start with it"),
    ("track__environment", {"EXPOSE_GUI_API": "yes"}, "track.environment.EXPOSE_GUI_API", "reserved"),
    ("track__environment", {"ELASTIC_HOST": "x"}, "track.environment.ELASTIC_HOST", "tracardi:data"),
    ("track__environment", {"EVENT_PARTITIONING": "day"}, "track.environment.EVENT_PARTITIONING", "tracardi:index"),
    ("track__environment", {"logging": "x"}, "track.environment.logging", "upper case"),
    ("track__balancer__replicas", 0, "track.balancer.replicas", "at least 1"),
    ("track__balancer__service", {"type": "Ingress"}, "track.balancer.service.type", "'LoadBalancer'"),
    (
        "track__balancer__service",
        {"type": "NodePort", "loadBalancerClass": "cloud"},
        "track.balancer.service.loadBalancerClass",
        "only a Service of type LoadBalancer",
    ),
    ("guiApi__replicas", True, "guiApi.replicas", "whole number"),
    ("data__elasticsearch__storage", "lots", "data.elasticsearch.storage", "quantity"),
    ("data__elasticsearch__memory", "512Mi", "data.elasticsearch.memory", "at least 1Gi"),
    ("data__elasticsearch__memory", "0Gi", "data.elasticsearch.memory", "positive"),
    ("data__kafka", {}, "data.kafka", "unknown"),
    ("index__shards", 0, "index.shards", "at least 1"),
    ("index__eventPartitioning", "day", "index.eventPartitioning", "'month'"),
    ("index__tenantName", "12", "index.tenantName", "matches"),
    ("network__trusted", [], "network.trusted", "at least 1 entries"),
    ("network__trusted", ["192.0.2.1"], "network.trusted[0]", "prefix"),
    ("network__trusted", ["192.0.2.1/24"], "network.trusted[0]", "no host bits"),
    ("network__nodeLocalDns", "dns", "network.nodeLocalDns", "address"),
    ("certificates__issuer", None, "certificates.issuer", "needed with source: cert-manager"),
    ("platform__imageRegistry", "https://mirror.example.com", "platform.imageRegistry", "host name"),
    ("track__balancer__mode", "ingress", "track.balancer.mode", "'haproxy' or 'gateway'"),
    ("track__balancer__mode", "gateway", "track.balancer.gateway", "needed with mode: gateway"),
    (
        "track__balancer__gateway",
        {"className": "cilium", "proxies": {"namespace": "gateways"}},
        "track.balancer.gateway",
        "unused with mode: haproxy",
    ),
    (
        "track__balancer__gateway",
        {"className": "cilium", "proxies": {"namespace": "gateways"}, "trustedHops": 0},
        "track.balancer.gateway.trustedHops",
        "at least 1",
    ),
    (
        "track__balancer__service",
        {"proxyProtocol": ["10.0.0.1"]},
        "track.balancer.service.proxyProtocol[0]",
        "with its prefix",
    ),
    (
        "track__balancer__service",
        {"ipFamilyPolicy": "Dual"},
        "track.balancer.service.ipFamilyPolicy",
        "PreferDualStack",
    ),
    ("track__egress", {"allow": [{"cidr": "203.0.113.0/24"}]}, "track.egress.allow[0].port", "TCP port"),
    ("track__egress", {"allow": [{"cidr": "203.0.113.0/24", "port": 0}]}, "track.egress.allow[0].port", "at least 1"),
    ("gui__host", None, "gui.host", "host name of the console"),
    ("gui__contentSecurityPolicy", {"mode": "strict"}, "gui.contentSecurityPolicy.mode", "'report-only'"),
    ("gui__contentSecurityPolicy", {"sources": ["*"]}, "gui.contentSecurityPolicy.sources[0]", "an origin"),
    (
        "gui__contentSecurityPolicy",
        {"sources": ["https://cdn.example.com/x; script-src *"]},
        "gui.contentSecurityPolicy.sources[0]",
        "without a path",
    ),
    (
        "data__elasticsearch",
        {"external": {"urls": ["http://search.example.com:9200"], "networks": ["198.51.100.0/24"]}},
        "data.elasticsearch.external.urls[0]",
        "with TLS",
    ),
    (
        "data__elasticsearch",
        {"external": {"urls": ["https://elastic:secret@search.example.com"], "networks": ["198.51.100.0/24"]}},
        "data.elasticsearch.external.urls[0]",
        "without path, user or password",
    ),
    (
        "data__elasticsearch",
        {"external": {"urls": ["https://search.example.com"]}},
        "data.elasticsearch.external.networks",
        "not names",
    ),
    (
        "data__elasticsearch",
        {
            "external": {
                "urls": ["https://search.example.com"],
                "networks": ["198.51.100.0/24"],
                "certificateAuthority": "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----",
            }
        },
        "data.elasticsearch.external.certificateAuthority",
        "PEM",
    ),
    (
        "data__redis",
        {"external": {"host": "cache.example.com", "port": 70000, "networks": ["198.51.100.0/24"]}},
        "data.redis.external.port",
        "at most 65535",
    ),
    (
        "data__mysql",
        {"external": {"host": "db.example.com", "networks": ["198.51.100.0/24"], "username": "tra@cardi"}},
        "data.mysql.external.username",
        "without escaping",
    ),
    (
        "data__mysql",
        {"external": {"host": "DB", "networks": ["198.51.100.0/24"]}},
        "data.mysql.external.host",
        "full host",
    ),
    ("index__logPartitioning", "week", "index.logPartitioning", "'quarter'"),
    ("certificates__encryption", "none", "certificates.encryption", "'edge' or 'full'"),
    ("certificates__internalIssuer", {"name": "ca"}, "certificates.internalIssuer", "unused with encryption: edge"),
    ("certificates__rotation", -1, "certificates.rotation", "at least 0"),
    ("network__scrapers", [{"labels": {}}], "network.scrapers[0].namespace", "Their namespace"),
    ("network__scrapers", [{"namespace": "Monitoring"}], "network.scrapers[0].namespace", "lower-case"),
    ("platform__images", {"api": {"tag": "latest"}, "gui": {"tag": "1.0.0"}}, "platform.images.api.tag", "not latest"),
    ("platform__images", {"redis": {"digest": "sha256:abc"}}, "platform.images.redis.digest", "64 hexadecimal"),
    ("platform__images", {"redis": {"repository": "redis:7"}}, "platform.images.redis.repository", "such as tracardi/"),
    ("platform__images", {"kafka": {}}, "platform.images.kafka", "unknown"),
    ("platform__annotations", {"checksum/mine": "x"}, "platform.annotations.checksum/mine", "rolled"),
    ("credentials__redis", {"rotation": 1}, "credentials.redis.rotation", "lock everybody out"),
    ("credentials__redis", {"value": "short"}, "credentials.redis.value", "at least 12 characters"),
    ("credentials__adminPassword", {"value": "tracardi-Admin"}, "credentials.adminPassword.value", "at least 20"),
    ("credentials__profileMerging", {"value": "a" * 40}, "credentials.profileMerging.value", "different characters"),
    ("credentials__mysql", {"value": "p@ssw0rd-with-sign"}, "credentials.mysql.value", "without escaping"),
    ("credentials__redis", {"value": 'quo"ted-Corr3ct-Horse'}, "credentials.redis.value", "configuration file"),
    ("credentials__redis", {"vaule": "hunter2hunter2"}, "credentials.redis.vaule", "value, existingSecret"),
    ("credentials__redis", {"value": 5}, "credentials.redis.value", "text"),
    (
        "credentials__redis",
        {"existingSecret": {"namespace": "vault"}},
        "credentials.redis.existingSecret.name",
        "Name of the Secret",
    ),
    (
        "credentials__redis",
        {"value": "Correct-Horse-Battery", "existingSecret": {"namespace": "vault", "name": "redis"}},
        "credentials.redis.existingSecret",
        "value is given as well",
    ),
    ("platform__labels", {"app.kubernetes.io/name": "x"}, "platform.labels.app.kubernetes.io/name", "NetworkPolicy"),
    ("platform__tolerations", [{"key": "a", "operator": "Equal"}], "platform.tolerations[0].value", "operator: Equal"),
]


@pytest.mark.parametrize(("setting", "value", "path", "limit"), ONE_SETTING)
def test_a_wrong_setting_is_named_with_its_path_and_limit(setting: str, value: object, path: str, limit: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(changed(PROD, **{setting: value}))

    assert [message_path(refusal.path) for refusal in refused.value.refusals] == [path]
    assert limit in refused.value.refusals[0].limit
    assert refused.value.refusals[0].remedy


def message_path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


BETWEEN_SECTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"track__replicas__min": 2}, "track.replicas.min", "at least 3"),
    ({"guiApi__replicas": 1}, "guiApi.replicas", "asks for 5"),
    ({"gui__replicas": 1}, "gui.replicas", "at least 2"),
    ({"data__elasticsearch__nodes": 1}, "data.elasticsearch.nodes", "at least 3"),
    ({"track__balancer__replicas": 1}, "track.balancer.replicas", "single point of failure"),
    ({"guiApi__balancer__replicas": 1}, "guiApi.balancer.replicas", "single point of failure"),
    ({"gui__balancer__replicas": 1}, "gui.balancer.replicas", "single point of failure"),
    ({"gui__host": "track.example.com"}, "gui.host", "different from tracardi:track.host"),
    (
        {"certificates__source": "generated", "certificates__issuer": None},
        "certificates.source",
        "no website could send events",
    ),
    ({"network__trusted": ["0.0.0.0/0"]}, "network.trusted[0]", "no wider than /8"),
    ({"network__trusted": ["::/0"]}, "network.trusted[0]", "no wider than /8"),
    ({"network__trusted": ["10.0.0.0/8", "11.0.0.0/8"]}, "network.trusted", "no wider than /8"),
    (
        {"gui__balancer__service": {"externalTrafficPolicy": "Cluster"}},
        "gui.balancer.service.externalTrafficPolicy",
        "worth nothing",
    ),
    ({"installation__release": "0.8.2.1"}, "data.mysql", "0.8.2.1 keeps metadata and users in Elasticsearch"),
    ({"gui__enabled": False, "gui__host": None}, "gui.enabled", "asks for two consoles"),
    (
        {"installation__profile": "small", "gui__enabled": False},
        "gui.host",
        "unused with enabled: false",
    ),
    (
        {"guiApi__balancer__service": {"proxyProtocol": ["0.0.0.0/0"]}},
        "guiApi.balancer.service.proxyProtocol[0]",
        "claim any",
    ),
    (
        {
            "gui__balancer__service": {
                "externalTrafficPolicy": "Cluster",
                "proxyProtocol": ["198.51.100.0/28"],
                "allocateLoadBalancerNodePorts": True,
            }
        },
        "gui.balancer.service.externalTrafficPolicy",
        "node ports are open",
    ),
    ({"track__egress": {"allow": [{"cidr": "0.0.0.0/0", "port": 443}]}}, "track.egress.allow[0].cidr", "taken over"),
    (
        {
            "data__redis": {"external": {"host": "cache.example.com", "networks": ["0.0.0.0/0"]}},
        },
        "data.redis.external.networks[0]",
        "may reach",
    ),
    (
        {"data__redis": {"external": CACHE}},
        "credentials.redis",
        "run by others",
    ),
    (
        {"data__redis": {"external": CACHE, "storage": "1Gi"}},
        "data.redis.storage",
        "none runs in the cluster",
    ),
    (
        {
            "data__mysql": {"external": {"host": "db.example.com", "networks": ["198.51.100.0/24"]}},
            "credentials__mysqlRoot": {"existingSecret": {"namespace": "vault", "name": "root"}},
        },
        "credentials.mysqlRoot",
        "run by others",
    ),
    (
        {
            "installation__release": "0.8.2.1",
            "data__mysql": None,
            "credentials__mysql": {"existingSecret": {"namespace": "vault", "name": "mysql"}},
        },
        "credentials.mysql",
        "uses no MySQL",
    ),
    (
        {"credentials__redis": {"existingSecret": {"namespace": "tracardi-data", "name": "redis"}}},
        "credentials.redis.existingSecret.namespace",
        "removed, by this stack",
    ),
    (
        {
            "credentials__redis": {"value": "Correct-Horse-Battery"},
            "credentials__elasticsearch": {"value": "Correct-Horse-Battery"},
        },
        "credentials.redis",
        "serves one purpose",
    ),
    (
        {
            "certificates__source": "provided",
            "certificates__issuer": None,
            "certificates__secrets": {"track": "track", "guiApi": "api"},
        },
        "certificates.secrets.gui",
        "needed: a Secret for tracardi:gui.host",
    ),
    (
        {
            "certificates__source": "provided",
            "certificates__issuer": None,
            "certificates__secrets": {"track": "track", "guiApi": "console", "gui": "console"},
        },
        "certificates.secrets.gui",
        "one host name only",
    ),
    (
        {"installation__eventSources": [{"id": "crm", "name": "CRM", "bridge": "webhook"}]},
        "installation.eventSources[0].bridge",
        "it is closed",
    ),
    (
        {"installation__eventSources": [{"id": "web", "name": "A"}, {"id": "web", "name": "B"}]},
        "installation.eventSources[1].id",
        "different from every other",
    ),
    (
        {"platform__images": {"elasticsearch": {"tag": "9.0.0"}}},
        "platform.images.elasticsearch.tag",
        "8.11, or a build",
    ),
    (
        {"platform__images": {"api": {"tag": "0.9.0"}, "gui": {"tag": "0.9.0"}}},
        "platform.images.api.tag",
        "nothing else is known",
    ),
    ({"platform__images": {"api": {"tag": "1.0.1"}}}, "platform.images.gui.tag", "do not understand each other"),
    (
        {
            "installation__release": "0.8.2.1",
            "data__mysql": None,
            "platform__images": {"mysql": {"tag": "8.0.40"}},
        },
        "platform.images.mysql",
        "another release runs it",
    ),
    (
        {"platform__images": {"mysqlRouter": {"tag": "8.4.5"}}},
        "platform.images.mysqlRouter",
        "the tunnel to MySQL",
    ),
    (
        {
            "data__redis": {"external": CACHE},
            "credentials__redis": existing("cache"),
            "platform__images": {"redis": {"tag": "7.2.5"}},
        },
        "platform.images.redis",
        "unused: tracardi:data.redis.external is run by others",
    ),
    ({"data__preflight": False}, "data.preflight", "unused"),
    (
        {
            "data__redis": {"external": {**CACHE, "certificateAuthority": authority()}},
            "credentials__redis": existing("cache"),
        },
        "data.redis.external.certificateAuthority",
        "unused without tunnel",
    ),
    (
        {
            "data__redis": {"tunnel": True, "external": {**CACHE, "host": "198.51.100.7"}},
            "credentials__redis": existing("cache"),
        },
        "data.redis.external.host",
        "not an address",
    ),
    (
        {"installation__profile": "small", "data__elasticsearch__nodes": 2},
        "data.elasticsearch.nodes",
        "lose their quorum",
    ),
    (
        {"certificates__source": "provided", "certificates__issuer": None},
        "certificates.secrets",
        "needed with source: provided",
    ),
    ({"index__replicas": 3}, "index.replicas", "a node of its own"),
    ({"certificates__source": "generated", "installation__profile": "small"}, "certificates.issuer", "unused"),
]


@pytest.mark.parametrize(("changes", "path", "limit"), BETWEEN_SECTIONS)
def test_settings_at_odds_with_each_other_are_refused(changes: dict[str, Any], path: str, limit: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(changed(PROD, **changes))

    found = {message_path(refusal.path): refusal.limit for refusal in refused.value.refusals}
    assert limit in found[path]


@pytest.fixture
def of_others() -> Configuration:
    """Settings of a stack whose certificates others issue, all of them, and in which a counter is raised."""
    return changed(variants()["external data"], certificates__rotation=1)


def rotation_is_refused(configuration: Configuration) -> bool:
    try:
        settings_of(configuration)
    except SettingsError as refused:
        found = {message_path(refusal.path): refusal.limit for refusal in refused.refusals}
        assert "makes no certificate itself" in found["certificates.rotation"]
        return True
    return False


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"certificates__encryption": "full", "certificates__internalIssuer": {"name": "vault"}},
        {"data__redis__tunnel": True, "data__mysql__tunnel": True},
    ],
)
def test_a_counter_that_replaces_nothing_is_refused(of_others: Configuration, changes: dict[str, Any]) -> None:
    assert rotation_is_refused(changed(of_others, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"certificates__encryption": "full"},
        {"gui__balancer": variants()["gateway"]["tracardi:gui"]["balancer"]},
        {"data__elasticsearch": None, "credentials__elasticsearch": None},
        {"data__redis": {"tunnel": True}, "credentials__redis": None},
        {"data__mysql": {"tunnel": True}, "credentials__mysql": None},
        {"installation__profile": "small", "certificates": {"source": "generated", "rotation": 1}},
    ],
)
def test_a_counter_is_accepted_where_one_certificate_is_the_stack_s_own(
    of_others: Configuration, changes: dict[str, Any]
) -> None:
    assert not rotation_is_refused(changed(of_others, **changes))


def test_what_is_not_there_shows_no_certificate(of_others: Configuration) -> None:
    gateway = variants()["gateway"]["tracardi:gui"]["balancer"]
    small = changed(of_others, installation__profile="small", gui={"enabled": False, "balancer": gateway})
    older = changed(of_others, installation__release="0.8.2.1", data__mysql=None, credentials__mysql=None)

    assert rotation_is_refused(small)
    assert rotation_is_refused(older)
