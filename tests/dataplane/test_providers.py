"""Recordings with real keys, certificates and passwords, and the certificates that others make."""

import os
import select
import signal
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509

from components.context import context_of
from components.credentials import kept_secret
from model.credentials import Credential, needed
from tests.dataplane.cluster.objects import Objects
from tests.dataplane.installation.providers import Plugins, issue_requested, issued, provide, real_recording
from tests.unit.engine import JsonObject, Recording
from tests.unit.stacks import REPOSITORY, settings_of, stack_file
from tests.unit.variants import variants

HOST = "track.tracardi.test"
OPENS_PLUGINS = """
import signal
from tests.dataplane.installation.providers import Plugins
with Plugins():
    print("open", flush=True)
    signal.pause()
"""


@pytest.fixture(scope="module")
def dev(plugins: Plugins) -> Recording:
    return real_recording(settings_of(stack_file("dev")), plugins)


def shake_hands(served: dict[str, bytes], authority: bytes, host: str, folder: Path) -> None:
    """Connect to a server with the certificate of `served`, as a client that trusts `authority` alone."""
    chain, key = folder / "tls.crt", folder / "tls.key"
    chain.write_bytes(served["tls.crt"])
    key.write_bytes(served["tls.key"])
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain, key)
    verifying = ssl.create_default_context(cadata=authority.decode())
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(there, back, server_side=True)
    client = verifying.wrap_bio(back, there, server_hostname=host)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


def passwords(recording: Recording) -> set[bytes]:
    """Everything that the credentials' Secrets of a recording hold under a key of its own."""
    objects = Objects(recording)
    found: set[bytes] = set()
    for secret in objects.of_kind("Secret"):
        namespace, name = secret["metadata"]["namespace"], secret["metadata"]["name"]
        if name.endswith("-credentials"):
            found |= {value for key, value in objects.secret(namespace, name).items() if key in set(Credential)}
    return found


def used_secrets(pod: JsonObject) -> Iterator[tuple[str, str]]:
    """Name and key of everything that a pod takes from Secrets."""
    for volume in pod.get("volumes", []):
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            secret = source.get("secret", {})
            for item in secret.get("items", []):
                yield secret.get("secretName") or secret["name"], item["key"]
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        for variable in container.get("env", []):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield reference["name"], reference["key"]


def test_a_client_that_trusts_the_stacks_authority_accepts_the_public_entry(dev: Recording, tmp_path: Path) -> None:
    served = Objects(dev).secret("tracardi-dev-track", "track-balancer-tls")
    told = dev.outputs["certificateAuthority"].encode()

    shake_hands(served, told, HOST, tmp_path)

    assert served["ca.crt"] == told
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(served, told, "api.tracardi.test", tmp_path)


def test_a_generated_certificate_lives_for_two_years(dev: Recording) -> None:
    leaf = x509.load_pem_x509_certificate(Objects(dev).secret("tracardi-dev-track", "track-balancer-tls")["tls.crt"])

    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=730)


def test_each_password_is_long_and_another_one(dev: Recording) -> None:
    found = passwords(dev)

    assert len(found) == len(needed(context_of(settings_of(stack_file("dev"))).roles, mysql=True)) == 7
    assert min(map(len, found)) >= 20


def test_two_recordings_share_no_secret(dev: Recording, plugins: Plugins) -> None:
    other = real_recording(settings_of(stack_file("dev")), plugins)

    assert passwords(dev).isdisjoint(passwords(other))
    assert dev.outputs["certificateAuthority"] != other.outputs["certificateAuthority"]


@pytest.mark.parametrize(
    "variant",
    ["small", "production", "full TLS", "full TLS from an issuer", "provided certificates", "gateway", "external data"],
)
def test_every_secret_that_a_pod_uses_is_there_whoever_makes_it(variant: str, plugins: Plugins) -> None:
    settings = settings_of(variants()[variant])
    objects = Objects(real_recording(settings, plugins))
    issue_requested(objects)
    provide(objects, settings, trustme.CA())

    used = {
        (workload["metadata"]["namespace"], name, key)
        for kind in ("Deployment", "StatefulSet", "Job")
        for workload in objects.of_kind(kind)
        for name, key in used_secrets(workload["spec"]["template"]["spec"])
    }

    assert {"tls.crt", "tls.key", "installation-token", "admin-password"} <= {key for _, _, key in used}
    values = [objects.secret(namespace, name)[key] for namespace, name, key in used]
    assert not [value for value in values if b"canary" in value or len(value) < 20]


def test_what_an_earlier_life_kept_is_adopted(plugins: Plugins) -> None:
    place = kept_secret(Credential.REDIS)
    settings = settings_of(variants()["kept data"])

    objects = Objects(real_recording(settings, plugins, kept=frozenset({place})))

    adopted = objects.secret("tracardi-dev-data", place)["value"]
    assert objects.secret("tracardi-dev-data", "redis-credentials")["redis-password"] == adopted
    # Generated ones have 32 characters; this one was there before.
    assert len(adopted) > 32


def test_a_provider_that_refuses_its_inputs_says_why(plugins: Plugins) -> None:
    with pytest.raises(ValueError, match=r"odd: .*ecdsaCurve"):
        plugins.make("tls:index/privateKey:PrivateKey", "odd", {"algorithm": "ECDSA", "ecdsaCurve": "P1"})


def test_plugins_end_with_a_test_process_that_is_killed() -> None:
    tests = subprocess.Popen((sys.executable, "-c", OPENS_PLUGINS), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    with tests:
        assert tests.stdout is not None
        assert tests.stdout.readline() == "open\n"
        started = Path(f"/proc/{tests.pid}/task/{tests.pid}/children").read_text(encoding="utf-8").split()
        assert len(started) == 2
        ends = [os.pidfd_open(int(plugin)) for plugin in started]
        tests.send_signal(signal.SIGKILL)
    try:
        assert [select.select([end], [], [], 10)[0] for end in ends] == [[end] for end in ends]
    finally:
        for end in ends:
            os.close(end)


def test_plugins_are_gone_when_their_context_is_closed() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text(encoding="utf-8").split()

    with Plugins():
        assert len(children.read_text(encoding="utf-8").split()) == len(before) + 2

    assert children.read_text(encoding="utf-8").split() == before


def test_others_certificates_are_good_by_their_own_authority_alone(tmp_path: Path) -> None:
    authority = trustme.CA()
    good = issued([HOST], authority=authority)

    shake_hands(good, good["ca.crt"], HOST, tmp_path)

    assert good["ca.crt"] == authority.cert_pem.bytes()
    assert good["tls.crt"].count(b"BEGIN CERTIFICATE") == 2
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed certificate|unable to get"):
        shake_hands(good, issued([HOST])["ca.crt"], HOST, tmp_path)


@pytest.mark.parametrize(
    ("hosts", "days", "reason"), [(["other.test"], 90, "Hostname mismatch"), ([HOST], -1, "certificate has expired")]
)
def test_others_certificates_can_be_wrong(hosts: list[str], days: float, reason: str, tmp_path: Path) -> None:
    wrong = issued(hosts, days=days)

    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        shake_hands(wrong, wrong["ca.crt"], HOST, tmp_path)


def test_a_renewal_by_the_same_issuer_is_another_certificate(plugins: Plugins, tmp_path: Path) -> None:
    objects = Objects(real_recording(settings_of(variants()["production"]), plugins))
    authorities = issue_requested(objects)
    request = next(each for each in objects.of_kind("Certificate") if each["metadata"]["name"] == "track-balancer")
    hosts, secret = request["spec"]["dnsNames"], request["spec"]["secretName"]
    first = objects.secret("tracardi-track", secret)

    renewed = issued(hosts, authority=authorities[request["spec"]["issuerRef"]["name"]])
    objects.put_secret("tracardi-track", secret, renewed)

    assert objects.secret("tracardi-track", secret) == renewed
    assert b64encode(renewed["tls.key"]).decode() == objects.get("Secret", secret, "tracardi-track")["data"]["tls.key"]
    assert renewed["tls.crt"] != first["tls.crt"]
    for each in (first, renewed):
        shake_hands(each, first["ca.crt"], hosts[0], tmp_path)


def test_a_provided_certificate_is_for_the_entry_that_uses_it(plugins: Plugins, tmp_path: Path) -> None:
    settings = settings_of(variants()["provided certificates"])
    objects = Objects(real_recording(settings, plugins))

    provide(objects, settings, trustme.CA())

    for namespace, secret, host in (
        ("tracardi-track", "track", settings.track.host),
        ("tracardi-console", "gui-api", settings.gui_api.host),
        ("tracardi-console", "gui", settings.gui.host or ""),
    ):
        served = objects.secret(namespace, secret)
        shake_hands(served, served["ca.crt"], host, tmp_path)
