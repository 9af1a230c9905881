"""The stand-in for Elasticsearch's image: it starts with what the program generates, and with nothing less."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
import yaml

from components.rendering import render
from tests.real.images.programs import elasticsearch
from tests.real.images.programs.elasticsearch import Configuration, RefusedError, front_environment, node_command


@dataclass(frozen=True)
class Pod:
    """The folders of a pod as they are mounted."""

    folder: Path
    authority: trustme.CA

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def certificates(self) -> Path:
        return self.config / "certs"

    def read(self) -> Configuration:
        return Configuration.read(self.config)

    def mount(self, certificate: trustme.LeafCert) -> None:
        self.certificates.mkdir(exist_ok=True)
        certificate.private_key_pem.write_to_path(self.certificates / "tls.key")
        certificate.cert_chain_pems[0].write_to_path(self.certificates / "tls.crt")

    def configure(self, change: Mapping[str, object]) -> None:
        """Change settings; None removes one."""
        said = {**yaml.safe_load(rendered()), **change}
        content = {name: value for name, value in said.items() if value is not None}
        (self.config / "elasticsearch.yml").write_text(yaml.safe_dump(content))


def rendered() -> str:
    return render("elasticsearch.yml.j2", cluster="tracardi", seed_hosts=["node-0", "node-1"], allow_mmap=False)


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    pod = Pod(tmp_path, trustme.CA())
    pod.config.mkdir()
    (tmp_path / "tmp").mkdir()
    (pod.config / "elasticsearch.yml").write_text(rendered())
    pod.mount(pod.authority.issue_cert("localhost"))
    pod.authority.cert_pem.write_to_path(pod.certificates / "ca.crt")
    return pod


def test_what_the_program_generates_is_accepted(pod: Pod) -> None:
    found = pod.read()

    assert found.node == {
        "cluster.name": "tracardi",
        "node.name": "${HOSTNAME}",
        "network.host": "0.0.0.0",  # noqa: S104 - in a pod
        "path.data": "/var/lib/elasticsearch/data",
        "discovery.seed_hosts": ["node-0", "node-1"],
        "node.store.allow_mmap": False,
    }
    assert (found.certificate, found.key) == (pod.certificates / "tls.crt", pod.certificates / "tls.key")


def test_settings_that_the_node_knows_are_left_to_it(pod: Pod) -> None:
    pod.configure({"cluster.initial_master_nodes": ["node-0"], "indices": {"query": {"bool": {"max_clause_count": 9}}}})

    node = pod.read().node
    assert node["cluster.initial_master_nodes"] == ["node-0"]
    assert node["indices.query.bool.max_clause_count"] == 9


@pytest.mark.parametrize(
    "name",
    [
        "xpack.security.enabled",
        "xpack.security.http.ssl.enabled",
        "xpack.security.transport.ssl.enabled",
        "xpack.security.transport.ssl.verification_mode",
        "xpack.security.http.ssl.certificate",
        "xpack.security.http.ssl.key",
        "xpack.security.http.ssl.certificate_authorities",
        "xpack.security.transport.ssl.certificate",
        "xpack.security.transport.ssl.key",
        "xpack.security.transport.ssl.certificate_authorities",
    ],
)
def test_security_must_be_configured_in_full(pod: Pod, name: str) -> None:
    pod.configure({name: None})

    with pytest.raises(RefusedError, match=name.replace(".", r"\.")):
        pod.read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("xpack.security.enabled", False),
        ("xpack.security.http.ssl.enabled", False),
        ("xpack.security.transport.ssl.verification_mode", "none"),
        ("xpack.license.self_generated.type", "platinum"),
        ("ingest.geoip.downloader.enabled", True),
        ("xpack.security.http.ssl.key", "certs/none.key"),
        ("xpack.security.http.ssl.certificate_authorities", []),
        ("xpack.watcher.enabled", True),
        ("http.port", 9201),
    ],
)
def test_values_that_would_not_do_are_refused(pod: Pod, name: str, value: object) -> None:
    pod.configure({name: value})

    with pytest.raises(RefusedError, match=name.replace(".", r"\.")):
        pod.read()


@pytest.mark.parametrize("place", ["..", "certs/../..", "/absolute"])
def test_files_beside_the_configuration_are_not_read(pod: Pod, place: str) -> None:
    (pod.folder / "tls.crt").write_bytes((pod.certificates / "tls.crt").read_bytes())
    folder = str(pod.folder) if place == "/absolute" else place

    pod.configure({"xpack.security.http.ssl.certificate": f"{folder}/tls.crt"})

    with pytest.raises(RefusedError, match=r"tls\.crt lies outside"):
        pod.read()


def test_certificate_and_key_must_be_a_pair(pod: Pod) -> None:
    pod.authority.issue_cert("localhost").private_key_pem.write_to_path(pod.certificates / "tls.key")

    with pytest.raises(RefusedError, match="are no pair"):
        pod.read()


def test_a_certificate_of_another_authority_is_refused(pod: Pod) -> None:
    pod.mount(trustme.CA().issue_cert("localhost"))

    with pytest.raises(RefusedError, match=r"is not valid by .*ca\.crt: CERTIFICATE_VERIFY_FAILED"):
        pod.read()


def test_what_is_no_configuration_is_told(pod: Pod) -> None:
    (pod.config / "elasticsearch.yml").write_text("a: [")

    with pytest.raises(RefusedError, match=r"elasticsearch\.yml cannot be read"):
        pod.read()


def test_the_node_listens_for_requests_on_loopback_only_whatever_it_is_told(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = pod.folder / "home"
    (home / "lib").mkdir(parents=True)
    (home / "lib" / "options").write_text("-XX:+UseG1GC\n")
    monkeypatch.setattr(elasticsearch, "HOME", home)
    scratch = pod.folder / "tmp"

    command = node_command(pod.read(), {"ES_TMPDIR": str(scratch), "ES_JAVA_OPTS": "-Xms1m '-Da=b c'"})

    assert command[:5] == ["java", "-XX:+UseG1GC", f"-Djava.io.tmpdir={scratch}", "-Xms1m", "-Da=b c"]
    assert command[-2:] == ["http.host=127.0.0.1", "http.port=9201"]
    assert yaml.safe_load((scratch / "node" / "elasticsearch.yml").read_text()) == pod.read().node


def test_a_folder_for_temporary_files_must_be_there(pod: Pod) -> None:
    with pytest.raises(RefusedError, match="ES_TMPDIR: /nowhere is missing"):
        node_command(pod.read(), {"ES_TMPDIR": "/nowhere"})


def test_a_password_must_be_given(pod: Pod) -> None:
    with pytest.raises(RefusedError, match="ELASTIC_PASSWORD is not given"):
        front_environment(pod.certificates / "tls.crt", {"ELASTIC_PASSWORD": ""})


def test_whoever_checks_passwords_is_told_the_only_right_one(pod: Pod) -> None:
    told = front_environment(pod.certificates / "tls.crt", {"ELASTIC_PASSWORD": 'a"b$c'})

    assert base64.b64decode(told["CREDENTIALS"]).decode() == 'elastic:a"b$c'
    assert told["CERTIFICATE"] == str(pod.certificates / "tls.crt")
