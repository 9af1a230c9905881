"""What both API clusters have in common: their image's one command, and what it reads."""

from dataclasses import replace

import pytest

from components.endpoints import DataEndpoints, ElasticsearchEndpoint, MysqlEndpoint, RedisEndpoint, Tunnel
from components.kubernetes import digest
from components.programs.serve import Options
from model.capacity import INSTANCE_MILLICORES
from model.index_shape import index_shape
from model.releases import supported_versions
from settings.environment import refusals
from settings.index import IndexSettings
from tests.unit.components.clusters import API, DATA, clusters
from tests.unit.components.conftest import build
from tests.unit.engine import JsonObject, Recording
from tests.unit.stacks import changed, settings_of, stack_file

ELASTICSEARCH = DATA.elasticsearch
FULL = {"certificates__encryption": "full"}


@pytest.fixture(scope="module")
def plain() -> Recording:
    """TLS ends at the balancers."""
    return clusters()


@pytest.fixture(scope="module")
def encrypted() -> Recording:
    """TLS all the way."""
    return clusters(**FULL)


def annotations(stack: Recording, name: str) -> JsonObject:
    return dict(stack.find("Deployment", name).spec["template"]["metadata"]["annotations"])


def options(stack: Recording, name: str) -> Options:
    return Options.read(stack.find("Deployment", name).container("api")["args"])


def on(**changes: object) -> DataEndpoints:
    return replace(DATA, **changes)  # type: ignore[arg-type]  # each is one of its fields


@pytest.mark.parametrize("name", API)
def test_an_instance_requests_the_cpu_that_capacity_is_reckoned_with(plain: Recording, name: str) -> None:
    requests = plain.find("Deployment", name).container("api")["resources"]["requests"]

    assert requests["cpu"] == f"{INSTANCE_MILLICORES}m" == "500m"


@pytest.mark.parametrize("name", API)
@pytest.mark.parametrize("release", supported_versions())
@pytest.mark.parametrize("encryption", ["edge", "full"])
def test_one_pod_runs_one_worker_in_every_release(name: str, release: str, encryption: str) -> None:
    without = {"data__mysql": None} if release.startswith("0.8") else {}
    stack = clusters(installation__release=release, certificates__encryption=encryption, **without)

    container = stack.find("Deployment", name).container("api")
    # This program has one worker, and no way to have more.
    assert container["command"] == ["python3", "/etc/tracardi/program/serve.py"]
    assert container["workingDir"] == "/app"


@pytest.mark.parametrize("name", API)
def test_instances_keep_idle_connections_longer_than_balancers(stack: Recording, name: str) -> None:
    assert options(stack, name).keep_alive == 600
    balancer = stack.find("ConfigMap", f"{name.removesuffix('-api') if name == 'track-api' else name}-balancer")
    assert "pool-purge-delay 30s" in balancer.inputs["data"]["haproxy.cfg"]


@pytest.mark.parametrize("name", API)
def test_the_client_s_address_is_the_one_that_the_balancer_tells(plain: Recording, name: str) -> None:
    """The balancer's own address is none that could be listed: it is a pod's."""
    assert plain.find("Deployment", name).environment("api")["USE_X_FORWARDED_IP"] == "x-forwarded-for"


@pytest.mark.parametrize("name", API)
@pytest.mark.parametrize(("release", "seconds"), [("1.0.0", 240), ("0.8.2.1", 120)])
def test_an_api_that_waits_for_its_stores_is_given_the_time_its_release_takes(
    name: str, release: str, seconds: int
) -> None:
    without = {"data__mysql": None} if release.startswith("0.8") else {}
    probe = clusters(installation__release=release, **without).find("Deployment", name).container("api")["startupProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] >= seconds


@pytest.mark.parametrize("name", API)
def test_a_worker_writes_to_its_own_temporary_folder_alone(plain: Recording, name: str) -> None:
    deployment = plain.find("Deployment", name)
    writable = [mount for mount in deployment.container("api")["volumeMounts"] if not mount.get("readOnly")]

    assert [mount["mountPath"] for mount in writable] == ["/tmp"]  # noqa: S108 - a volume of the pod's own
    (volume,) = (volume for volume in deployment.pod["volumes"] if volume["name"] == writable[0]["name"])
    assert volume["emptyDir"]["sizeLimit"]
    assert deployment.environment("api")["HOME"] == "/tmp"  # noqa: S108 - as above


@pytest.mark.parametrize("name", API)
@pytest.mark.parametrize("release", supported_versions())
def test_variables_that_break_tracardi_are_absent(name: str, release: str) -> None:
    without = {"data__mysql": None} if release.startswith("0.8") else {}
    stack = clusters(installation__release=release, **without)

    environment = stack.find("Deployment", name).environment("api")
    shape = stack.find("ConfigMap", "index-shape", f"tracardi-{'track' if name == 'track-api' else 'console'}")
    assert not {"LICENSE", "MULTI_TENANT"} & {*environment, *shape.inputs["data"]}
    assert environment["REDIS_PORT"] == "6379"


@pytest.mark.parametrize("name", API)
def test_secrets_come_from_the_secret_of_the_role_alone(plain: Recording, name: str) -> None:
    references = [
        value["secretKeyRef"]
        for value in plain.find("Deployment", name).environment("api").values()
        if isinstance(value, dict)
    ]

    assert {reference["name"] for reference in references} == {f"{name}-credentials"}
    assert {reference["key"] for reference in references} == {
        "installation-token",
        "profile-merging-secret",
        "elasticsearch-password",
        "redis-password",
        "mysql-password",
    }


def test_extra_variables_reach_their_own_cluster_alone() -> None:
    stack = clusters(track__environment={"LOGGING_LEVEL": "error", "EXTRA": "1"})

    environment = stack.find("Deployment", "track-api").environment("api")
    assert environment["EXTRA"] == "1"
    assert environment["LOGGING_LEVEL"] == "error"
    assert stack.find("Deployment", "gui-api").environment("api")["LOGGING_LEVEL"] == "warning"
    assert "EXTRA" not in stack.find("Deployment", "gui-api").environment("api")


# Data services


@pytest.mark.parametrize("name", API)
def test_elasticsearch_of_the_stack_is_verified_with_its_own_authority(plain: Recording, name: str) -> None:
    environment = plain.find("Deployment", name).environment("api")
    container = plain.find("Deployment", name).container("api")

    assert environment["ELASTIC_HOST"] == "https://search.test:9200"
    assert environment["ELASTIC_VERIFY_CERTS"] == "yes"
    assert environment["ELASTIC_CA_FILE"] == "/etc/tracardi/elasticsearch/ca.crt"
    assert "/etc/tracardi/elasticsearch" in {mount["mountPath"] for mount in container["volumeMounts"]}
    tier = "track" if name == "track-api" else "console"
    config_map = plain.find("ConfigMap", "elasticsearch-ca", f"tracardi-{tier}")
    assert config_map.inputs["data"] == {"ca.crt": "authority of search.test"}


@pytest.mark.parametrize("name", API)
def test_elasticsearch_with_a_public_certificate_is_verified_as_well(name: str) -> None:
    """Tracardi's client takes the bundle of certifi, which it depends on, where no file is named."""
    stack = clusters(on(elasticsearch=ElasticsearchEndpoint(("https://search.example.com",), "tracardi", None)))

    environment = stack.find("Deployment", name).environment("api")
    assert environment["ELASTIC_VERIFY_CERTS"] == "yes"
    assert environment["ELASTIC_HTTP_AUTH_USERNAME"] == "tracardi"
    assert "ELASTIC_CA_FILE" not in environment
    assert "elasticsearch-ca" not in {volume["name"] for volume in stack.find("Deployment", name).pod["volumes"]}
    assert "elasticsearch-ca" not in {config_map.object_name for config_map in stack.of_kind("ConfigMap")}


def test_every_address_of_elasticsearch_is_given_with_its_port() -> None:
    urls = ("https://a.example.com", "https://b.example.com:9243")
    stack = clusters(on(elasticsearch=replace(ELASTICSEARCH, urls=urls)))

    environment = stack.find("Deployment", "track-api").environment("api")
    assert environment["ELASTIC_HOST"] == "https://a.example.com:443,https://b.example.com:9243"


def test_stores_are_addressed_by_their_endpoints() -> None:
    stack = clusters(
        on(
            redis=RedisEndpoint("cache.example.com", 6380),
            mysql=MysqlEndpoint("db.example.com", 3307, "app", "customers"),
        )
    )

    for name in API:
        environment = stack.find("Deployment", name).environment("api")
        assert (environment["REDIS_HOST"], environment["REDIS_PORT"]) == ("cache.example.com", "6380")
        mysql = {key: value for key, value in environment.items() if key.startswith("MYSQL_") and "PASS" not in key}
        assert mysql == {
            "MYSQL_HOST": "db.example.com",
            "MYSQL_PORT": "3307",
            "MYSQL_USERNAME": "app",
            "MYSQL_DATABASE": "customers",
        }


def test_releases_without_mysql_hear_nothing_of_it() -> None:
    stack = clusters(on(mysql=None), installation__release="0.8.2.1", data__mysql=None)

    for name in API:
        environment = stack.find("Deployment", name).environment("api")
        assert not [variable for variable in environment if variable.startswith("MYSQL")]


def test_another_authority_rolls_every_api_pod() -> None:
    """Python reads it once, when it starts."""
    before = clusters()
    after = clusters(on(elasticsearch=replace(ELASTICSEARCH, authority="another")))

    key = "checksum/elasticsearch-ca"
    assert annotations(before, "track-api")[key] == annotations(before, "gui-api")[key]
    assert annotations(before, "track-api")[key] != annotations(after, "track-api")[key]


def test_the_authority_that_rolls_pods_is_the_one_they_read(prod: Recording) -> None:
    authority = prod.find("ConfigMap", "elasticsearch-ca", "tracardi-track").inputs["data"]["ca.crt"]

    assert annotations(prod, "track-api")["checksum/elasticsearch-ca"] == digest(authority)


def test_tunnels_run_beside_the_api_from_its_start_to_its_end() -> None:
    tunnelled = RedisEndpoint("127.0.0.1", 6379, Tunnel("cache.example.com", 6380, "authority of the cache"))
    stack = clusters(on(redis=tunnelled))

    for name, tier in (("track-api", "track"), ("gui-api", "console")):
        deployment = stack.find("Deployment", name)
        (sidecar,) = deployment.pod["initContainers"]
        assert sidecar["restartPolicy"] == "Always"
        assert deployment.environment("api")["REDIS_HOST"] == "127.0.0.1"
        volumes = {volume["name"]: volume for volume in deployment.pod["volumes"]}
        assert {mount["name"] for mount in sidecar["volumeMounts"]} <= set(volumes)
        assert volumes["tunnels"]["configMap"]["name"] == "tunnels"
        files = stack.find("ConfigMap", "tunnels", f"tracardi-{tier}").inputs["data"]
        assert "authority of the cache" in files.values()
        assert "checksum/tunnels" in annotations(stack, name)


def test_without_tunnels_nothing_is_made_for_them(plain: Recording) -> None:
    assert "tunnels" not in {config_map.object_name for config_map in plain.of_kind("ConfigMap")}
    for name in API:
        assert "initContainers" not in plain.find("Deployment", name).pod


# Shape of the indices


def test_the_index_shape_is_the_same_in_every_namespace(stack: Recording) -> None:
    track = stack.find("ConfigMap", "index-shape", f"{stack.installation}-track").inputs["data"]
    console = stack.find("ConfigMap", "index-shape", f"{stack.installation}-console").inputs["data"]

    assert track == console
    assert track["ELASTIC_INDEX_SHARDS"] == "3"
    for name in API:
        sources = stack.find("Deployment", name).container("api")["envFrom"]
        assert sources == [{"configMapRef": {"name": "index-shape"}}]


def test_every_variable_of_the_index_shape_comes_from_there_and_nowhere_else() -> None:
    stack = clusters(index__tenantName="shop")

    shape = index_shape(IndexSettings.model_validate({"tenantName": "shop"}))
    for name, tier in (("track-api", "track"), ("gui-api", "console")):
        assert stack.find("ConfigMap", "index-shape", f"tracardi-{tier}").inputs["data"] == shape
        # A variable of the container would win over the ConfigMap's.
        assert not shape.keys() & stack.find("Deployment", name).environment("api").keys()
    for variable in shape:
        assert list(refusals({variable: "1"}, ("track", "environment"))), variable


def test_a_changed_index_shape_rolls_every_api_pod() -> None:
    before = build(settings_of(changed(stack_file("prod"), index__shards=3)))
    after = build(settings_of(changed(stack_file("prod"), index__shards=5)))

    key = "checksum/index-shape"
    assert annotations(before, "track-api")[key] == annotations(before, "gui-api")[key]
    assert annotations(before, "track-api")[key] != annotations(after, "track-api")[key]


@pytest.mark.parametrize("name", API)
def test_balancers_send_nothing_to_an_instance_by_the_time_it_ends(stack: Recording, name: str) -> None:
    """Each asks every 2 s for the path that is denied then, and stops after three answers."""
    cluster = name.removesuffix("-api") if name == "track-api" else name
    balancer = stack.find("ConfigMap", f"{cluster}-balancer").inputs["data"]["haproxy.cfg"]

    assert f"http-check send meth GET uri {options(stack, name).health} " in balancer
    assert " inter 2s fall 3 " in balancer
    assert options(stack, name).leave_seconds > 3 * 2


@pytest.mark.parametrize("name", API)
def test_the_program_is_where_the_command_names_it(plain: Recording, name: str) -> None:
    deployment = plain.find("Deployment", name)
    container = deployment.container("api")
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in deployment.pod["volumes"]}

    program, _, file = container["command"][1].rpartition("/")
    assert volumes[mounts[program]]["configMap"]["name"] == "api-program"
    tier = "track" if name == "track-api" else "console"
    text = plain.find("ConfigMap", "api-program", f"tracardi-{tier}").inputs["data"][file]
    assert "def main(" in text
    assert annotations(plain, name)["checksum/program"] == digest(text)


@pytest.mark.parametrize("name", API)
def test_an_instance_listens_for_the_application_of_its_image(stack: Recording, name: str) -> None:
    told = options(stack, name)

    assert (told.host, told.port, told.application) == ("0.0.0.0", 8080, "app.main:application")  # noqa: S104 - a pod's


# TLS all the way


@pytest.mark.parametrize("name", API)
def test_with_tls_all_the_way_the_program_finds_what_its_arguments_name(encrypted: Recording, name: str) -> None:
    deployment = encrypted.find("Deployment", name)
    mounts = {mount["mountPath"]: mount["name"] for mount in deployment.container("api")["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in deployment.pod["volumes"]}

    told = options(encrypted, name)

    assert told.certificate
    assert told.key
    certificates = volumes[mounts[str(told.certificate.parent)]]["secret"]
    assert certificates["secretName"] == f"{name}-tls"
    assert {item["path"] for item in certificates["items"]} == {told.certificate.name, told.key.name}


@pytest.mark.parametrize("name", API)
def test_a_renewed_certificate_reaches_the_program_without_a_roll(encrypted: Recording, name: str) -> None:
    """A mounted file that is a subPath would never change; a checksum would roll the pods."""
    (mount,) = (
        mount for mount in encrypted.find("Deployment", name).container("api")["volumeMounts"] if mount["name"] == "tls"
    )
    assert "subPath" not in mount
    assert {key for key in annotations(encrypted, name) if key.startswith("checksum/")} == {
        "checksum/index-shape",
        "checksum/elasticsearch-ca",
        "checksum/program",
    }


@pytest.mark.parametrize("name", API)
@pytest.mark.parametrize(("encryption", "scheme", "port"), [("edge", None, "http"), ("full", "HTTPS", "https")])
def test_probes_and_ports_say_whether_instances_speak_tls(
    name: str, encryption: str, scheme: str | None, port: str
) -> None:
    stack = clusters(certificates__encryption=encryption)
    container = stack.find("Deployment", name).container("api")

    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"].get("scheme") == scheme
        assert container[probe]["httpGet"]["path"] == "/healthcheck"
    assert [entry["name"] for entry in container["ports"]] == [port]
    assert [entry["name"] for entry in stack.find("Service", name).spec["ports"]] == [port]


@pytest.mark.parametrize(("name", "key"), [("track-api", "track"), ("gui-api", "gui_api")])
def test_balancers_verify_instances_by_the_name_they_find_them_under(encrypted: Recording, name: str, key: str) -> None:
    upstream = encrypted.outputs[key]
    (request,) = (
        request for request in encrypted.of_kind("CertRequest") if upstream["host"] in request.inputs["dnsNames"]
    )

    assert upstream["ca_secret"] == f"{name}-tls"
    assert request.inputs["dnsNames"] == [upstream["host"], "localhost"]
    secret = encrypted.find("Secret", f"{name}-tls")
    assert "ca.crt" in secret.inputs["data"]
    assert encrypted.comes_after(encrypted.find("Deployment", name), secret)


def test_without_tls_inside_no_certificate_is_made(plain: Recording) -> None:
    assert plain.of_kind("Secret") == plain.of_kind("PrivateKey") == ()
    assert {plain.outputs[key]["ca_secret"] for key in ("track", "gui_api")} == {None}
    assert {options(plain, name).certificate for name in API} == {None}


@pytest.mark.parametrize("name", API)
def test_no_variable_of_ours_could_have_been_a_setting(plain: Recording, name: str) -> None:
    """What is accepted takes effect: whatever would be overridden is refused."""
    ours = plain.find("Deployment", name).environment("api")
    told = {refusal.path[-1] for refusal in refusals(dict.fromkeys(ours, "x"), ("track", "environment"))}

    assert set(ours) - told == {"LOGGING_LEVEL"}
