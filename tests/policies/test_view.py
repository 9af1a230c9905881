"""The view that rules share: values that cannot be seen, images, environments, and ways through the stack."""

import pytest

from policies.pack.kubernetes.images import Program, Reference, parse, program
from policies.pack.resources import raw_resources
from policies.pack.stack import StackView
from policies.pack.values import Value, plain
from tests.policies.analysis import analyse, configuration
from tests.policies.state import UNDECRYPTED, UNKNOWN, State


def view(state: State) -> StackView:
    return StackView(raw_resources(state.analysed()))


def add_sidecar(state: State, image: str, **properties: object) -> None:
    """Put a container beside the track API that is like it, but for its image and environment."""
    own = {"name": "sidecar", "image": image, "env": [], "envFrom": [], **properties}
    state.pod("track-api")["containers"].append({**state.container("track-api"), **own})


@pytest.mark.parametrize("raw", [None, UNKNOWN, UNDECRYPTED, 1.0, True, "text", [], {}])
def test_reading_a_value_never_fails(raw: object) -> None:
    value = Value(plain({"a": raw}))["a"]

    assert not value.at("b", "c").given
    assert [entry for entry in value if entry.given] == []
    assert (value.fields, value.texts, value.words) == ({}, {}, ())


def test_what_cannot_be_seen_is_given_and_is_nothing(prod: State) -> None:
    prod.set_variable("track-api", "A", value=UNKNOWN)
    prod.set_variable("track-api", "B", value=UNDECRYPTED)
    workload = next(found for found in view(prod).workloads if found.resource.object_name == "track-api")
    *_, first, second = workload.serving[0].properties["env"]

    for value in (first["value"], second["value"]):
        assert value.given
        assert value.hidden
        assert value.text is None


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ("redis", Reference("redis", None, None)),
        ("docker.io/library/redis:7.2", Reference("docker.io/library/redis", "7.2", None)),
        ("registry:5000/redis", Reference("registry:5000/redis", None, None)),
        ("registry:5000/redis:7@sha256:abc", Reference("registry:5000/redis", "7", "sha256:abc")),
        ("", Reference("", None, None)),
    ],
)
def test_image_references_fall_into_their_parts(image: str, reference: Reference) -> None:
    assert parse(image) == reference


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("tracardi/tracardi-api:1.0.0", Program.API),
        ("registry.example.com/mirror/tracardi/tracardi-gui:1.0.0", Program.GUI),
        ("haproxy@sha256:abc", Program.PROXY),
        ("docker.elastic.co/elasticsearch/elasticsearch:8.11.3", Program.ELASTICSEARCH),
        ("registry.example.com/tracardi-api:1.0.0", Program.OTHER),
        ("evil.example.com/nottracardi/tracardi-api:1.0.0", Program.OTHER),
        ("", Program.OTHER),
    ],
)
def test_programs_are_known_by_the_last_parts_of_an_image(image: str, found: Program) -> None:
    assert program(image) is found


def test_later_variables_win_and_named_ones_win_over_whole_maps(prod: State) -> None:
    container = prod.container("gui-api")
    container["envFrom"] = [{"configMapRef": {"name": "index-shape"}, "prefix": "X_"}]
    prod.inputs("ConfigMap", "index-shape", "tracardi-console")["data"] = {"A": "map", "B": "map"}
    prod.set_variable("gui-api", "X_A", value="first")
    prod.set_variable("gui-api", "X_A", value="second")
    prod.set_variable("gui-api", "X_C", valueFrom={"configMapKeyRef": {"name": "index-shape", "key": "B"}})

    (workload,) = (found for found in view(prod).workloads if found.resource.object_name == "gui-api")
    environment = workload.serving[0].environment

    assert {name: environment[name].value for name in ("X_A", "X_B", "X_C")} == {
        "X_A": "second",
        "X_B": "map",
        "X_C": "map",
    }


def test_a_sidecar_that_answers_on_no_port_of_the_entry_is_not_reached(prod: State) -> None:
    add_sidecar(prod, "docker.io/library/stunnel:5", ports=[])

    assert analyse(prod, configuration("prod")) == {}


def test_a_sidecar_that_takes_the_port_of_the_entry_is_reached(prod: State) -> None:
    add_sidecar(prod, "docker.io/library/nginx:1.29")

    assert list(analyse(prod, configuration("prod"))) == ["internet-reaches-only-the-api"]


def test_ports_are_followed_by_name(prod: State) -> None:
    prod.spec("Service", "track-balancer-entry")["ports"] = [{"name": "https", "port": 443, "targetPort": "https"}]

    entry = view(prod).internet_entries[0]
    assert [found.frontend.name for found in entry.reach.answering] == ["entry"]
    assert [end.workload.label for end in entry.reach.ends] == ["Deployment tracardi-track/track-api"]


def test_a_service_with_an_address_translates_ports(prod: State) -> None:
    spec = prod.spec("Service", "track-api")
    del spec["clusterIP"]
    spec["ports"] = [{"port": 80, "targetPort": 8080}]
    prod.edit("track-balancer", "svc.cluster.local:8080", "svc.cluster.local:80")

    assert analyse(prod, configuration("prod")) == {}


def test_a_service_without_an_address_translates_none(prod: State) -> None:
    prod.spec("Service", "track-api")["ports"] = [{"port": 80, "targetPort": 9999}]
    add_sidecar(prod, "docker.io/library/stunnel:5", ports=[])

    assert analyse(prod, configuration("prod")) == {}


def test_proxies_behind_proxies_are_followed(prod: State) -> None:
    prod.edit(
        "track-balancer", "track-api.tracardi-track.svc.cluster.local:8080", "gui-balancer-entry.tracardi-console:443"
    )

    assert "internet-reaches-only-the-api" in analyse(prod)


def test_proxies_that_lead_to_each_other_are_followed_once(prod: State) -> None:
    prod.edit("track-balancer", "track-api.tracardi-track.svc.cluster.local:8080", "track-balancer-entry:443")

    (entry,) = view(prod).internet_entries
    assert [found.frontend.name for found in entry.reach.answering] == ["entry", "plain"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["haproxy", "-W", "-db", "-f", "/etc/haproxy"],
        ["haproxy", "-f/etc/haproxy/haproxy.cfg"],
        ["haproxy", "--", "/etc/haproxy/haproxy.cfg"],
        ["/usr/local/sbin/haproxy", "-f", "/etc/haproxy/haproxy.cfg"],
    ],
)
def test_a_proxys_files_are_found_through_its_command_line(prod: State, arguments: list[str]) -> None:
    prod.container("track-balancer")["command"] = arguments

    assert analyse(prod, configuration("prod")) == {}


def test_a_proxy_without_a_file_on_its_command_line_reads_its_images_own(prod: State) -> None:
    prod.container("track-balancer")["command"] = ["haproxy", "-W"]

    assert "/usr/local/etc/haproxy/haproxy.cfg" in "".join(analyse(prod)["entries-can-be-followed"])


def test_a_proxys_file_is_found_as_one_key_of_several_sources(prod: State) -> None:
    pod = prod.pod("track-balancer")
    source = {"name": "track-balancer", "items": [{"key": "haproxy.cfg", "path": "main.cfg"}]}
    pod["volumes"][0] = {"name": "configuration", "projected": {"sources": [{"configMap": source}]}}
    pod["containers"][0]["volumeMounts"][0].update({"mountPath": "/proxy.cfg", "subPath": "main.cfg"})
    pod["containers"][0]["command"] = ["haproxy", "-f", "/proxy.cfg"]

    assert analyse(prod, configuration("prod")) == {}


def test_a_proxy_whose_image_starts_it_is_told_its_file_by_arguments(prod: State) -> None:
    container = prod.container("track-balancer")
    del container["command"]
    container["args"] = ["-W", "-f", "/etc/haproxy/haproxy.cfg"]

    assert analyse(prod, configuration("prod")) == {}


def test_a_file_that_a_volume_leaves_out_is_not_there(prod: State) -> None:
    items = [{"key": "other.cfg", "path": "other.cfg"}]
    prod.pod("track-balancer")["volumes"][0]["configMap"]["items"] = items

    assert list(analyse(prod, configuration("prod"))) == ["entries-can-be-followed"]


def test_instances_that_repel_each_other_need_no_spread(prod: State) -> None:
    pod = prod.pod("track-api")
    selector = pod.pop("topologySpreadConstraints")[0]["labelSelector"]
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}
    pod["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}

    assert analyse(prod, configuration("prod")) == {}
