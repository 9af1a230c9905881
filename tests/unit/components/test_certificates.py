"""Certificates from each of the three sources."""

import pytest

from components.certificates import (
    CertificateArgs,
    CertificateAuthority,
    CertificateAuthorityArgs,
    CertificateSecret,
    Issuer,
    ProvidedSecret,
    certificate,
)
from components.pods import secret_volume
from model.roles import Role
from settings.certificates import IssuerKind, IssuerSettings
from tests.unit.components.conftest import build
from tests.unit.components.entries import authority, production_context
from tests.unit.engine import Recording, run
from tests.unit.stacks import changed, settings_of, stack_file

HOSTS = ("api.example.com", "localhost")


def made(
    issuer: Issuer | None = None, hosts: tuple[str, ...] = HOSTS, suffix: str = "tls"
) -> tuple[Recording, CertificateSecret]:
    """What the engine hears of a certificate from `issuer`, or from an authority of the stack's own."""
    found: list[CertificateSecret] = []

    def program() -> None:
        by = issuer or authority("own")
        found.append(certificate("c", CertificateArgs(production_context(), Role.GUI_API, hosts, by, suffix)))

    return run(program), found[0]


def test_a_generated_certificate_is_a_tls_secret_with_its_authority() -> None:
    stack, told = made()

    secret = stack.find("Secret", told.secret, "tracardi-console")
    assert secret.inputs["type"] == "kubernetes.io/tls"
    assert set(secret.inputs["data"]) == {"tls.crt", "tls.key", "ca.crt"}
    assert "data" in secret.secret_inputs
    (request,) = stack.of_kind("CertRequest")
    assert request.inputs["dnsNames"] == list(HOSTS)
    (signed,) = stack.of_kind("LocallySignedCert")
    assert signed.inputs["allowedUses"] == ["digital_signature", "server_auth"]
    assert signed.inputs["caCertPem"] == "own certificate"
    assert "caPrivateKeyPem" in signed.secret_inputs


def test_a_name_too_long_for_a_common_name_is_an_alternative_name_alone() -> None:
    """Some clients refuse a certificate whose common name has more than X.509's 64 characters."""
    long = f"{'a' * 60}.example.com"

    stack, _ = made(hosts=(long,))

    (request,) = stack.of_kind("CertRequest")
    assert request.inputs["dnsNames"] == [long]
    assert request.inputs["subject"] == {"commonName": "gui-api"}
    (ordinary,) = made()[0].of_kind("CertRequest")
    assert ordinary.inputs["subject"] == {"commonName": "api.example.com"}


@pytest.mark.parametrize("kind", list(IssuerKind))
def test_cert_manager_is_asked_for_a_certificate_that_serves_and_nothing_else(kind: IssuerKind) -> None:
    stack, told = made(IssuerSettings(name="vault", kind=kind))

    spec = stack.find("Certificate", "gui-api", "tracardi-console").spec
    assert spec["secretName"] == told.secret == "gui-api-tls"
    assert spec["dnsNames"] == list(HOSTS)
    assert spec["usages"] == ["digital signature", "server auth"]
    assert spec["issuerRef"] == {"group": "cert-manager.io", "kind": kind.value, "name": "vault"}
    assert spec["privateKey"]["rotationPolicy"] == "Always"
    assert stack.of_kind("Secret") == ()


def test_a_provided_secret_is_used_and_never_touched() -> None:
    stack, told = made(ProvidedSecret("theirs"))

    assert stack.registered == []
    assert told == CertificateSecret("theirs", None)
    assert told.resources == []


def test_whoever_mounts_a_certificate_can_wait_for_what_makes_it() -> None:
    for issuer in (None, IssuerSettings(name="vault")):
        _, told = made(issuer)
        assert told.resources == [told.resource]


def test_a_role_can_have_a_second_certificate() -> None:
    stack, told = made(suffix="backend-tls")
    assert stack.find("Secret", "gui-api-backend-tls").object_name == told.secret

    stack, told = made(IssuerSettings(name="vault"), suffix="backend-tls")
    assert stack.find("Certificate", "gui-api-backend-tls").spec["secretName"] == told.secret == "gui-api-backend-tls"


def test_resources_keep_the_names_that_states_know_them_by() -> None:
    generated, _ = made()
    assert {resource.name for resource in generated.registered} == {
        "c",
        "c-key",
        "c-request",
        "c-certificate",
        "c-secret",
    }
    issued, _ = made(IssuerSettings(name="vault"))
    assert {resource.name for resource in issued.registered} == {"c", "c-certificate"}


def test_a_missing_secret_keeps_a_pod_from_starting() -> None:
    """Optional would mean a balancer that serves nothing, or one that verifies nobody."""
    volume = secret_volume("certificate", "absent", {"tls.crt": "tls.crt"})
    assert volume.secret.optional is None  # type: ignore[union-attr]  # given as an object, not as an output


def test_each_authority_signs_for_one_purpose() -> None:
    def program() -> None:
        for purpose in ("entries", "inside"):
            CertificateAuthority(purpose, CertificateAuthorityArgs(f"tracardi {purpose}"))

    stack = run(program)

    names = {made.inputs["subject"]["commonName"] for made in stack.of_kind("SelfSignedCert")}
    assert names == {"tracardi entries", "tracardi inside"}
    assert len(stack.of_kind("PrivateKey")) == 2
    for made_certificate in stack.of_kind("SelfSignedCert"):
        assert made_certificate.inputs["isCaCertificate"] is True
        assert made_certificate.inputs["allowedUses"] == ["cert_signing", "crl_signing"]


def test_certificates_last_for_quiet_years_and_are_renewed_before_their_end() -> None:
    """Only `pulumi up` renews them. Browsers and phones refuse those that are valid for more than 825 days."""
    stack, _ = made()
    (signed,) = stack.of_kind("LocallySignedCert")
    days, before = (int(signed.inputs[key]) / 24 for key in ("validityPeriodHours", "earlyRenewalHours"))

    assert 365 * 2 <= days <= 825
    assert 30 <= before < days / 2


@pytest.mark.parametrize("rotation", [0, 3])
def test_the_keys_of_certificates_follow_the_counter_and_those_of_authorities_stay(rotation: int) -> None:
    """The counter is told at 0 as well: between none and one the engine sees no change."""
    dev = build(settings_of(changed(stack_file("dev"), certificates__rotation=rotation)))

    authorities = {made.property_dependencies["privateKeyPem"] for made in dev.of_kind("SelfSignedCert")}
    signing = frozenset().union(*authorities)
    counters = {key.urn: key.rotation for key in dev.of_kind("PrivateKey")}
    assert {counters.pop(urn) for urn in signing} == {None}
    assert len(counters) == len(dev.of_kind("LocallySignedCert")) > 1
    assert set(counters.values()) == {rotation}


def test_an_authority_is_renewed_before_a_leaf_could_outlive_it(dev: Recording) -> None:
    longest = max(leaf.inputs["validityPeriodHours"] for leaf in dev.of_kind("LocallySignedCert"))

    for own in dev.of_kind("SelfSignedCert"):
        assert own.inputs["earlyRenewalHours"] > longest
