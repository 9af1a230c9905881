"""Certificates: the pack refuses weak keys, lives without a renewal, and authorities that do more than sign."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from policies.pack.tls.lives import hours
from policies.pack.values import Value
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

KEYS = "certificates-have-strong-keys"
LIVES = "certificates-are-renewed-in-time"
PURPOSE = "certificates-have-one-purpose"

ES_KEY = "tracardi-data-elasticsearch-certificate-key"
ES_LEAF = "tracardi-data-elasticsearch-certificate-certificate"
ES_REQUEST = "tracardi-data-elasticsearch-certificate-request"
ES_AUTHORITY = "tracardi-data-elasticsearch-authority-certificate"
TRACK = "Certificate tracardi-track/track-balancer"


@refused(KEYS, f"PrivateKey {ES_KEY} has an RSA key of fewer than 2048 bits")
def test_a_short_key(state: State) -> None:
    state.inputs("PrivateKey", ES_KEY).update(algorithm="RSA", rsaBits=1024)


@refused(KEYS, f"PrivateKey {ES_KEY} has an ECDSA key on a curve that is not one of P256, P384, P521")
def test_a_key_on_a_weak_curve(state: State) -> None:
    state.inputs("PrivateKey", ES_KEY)["ecdsaCurve"] = "P224"


@refused(KEYS, f"PrivateKey {ES_KEY} has an ECDSA key on a curve")
def test_a_key_on_the_provider_s_own_curve(state: State) -> None:
    del state.inputs("PrivateKey", ES_KEY)["ecdsaCurve"]


@refused(KEYS, f"PrivateKey {ES_KEY} has a key whose algorithm is neither")
def test_a_key_whose_algorithm_cannot_be_seen(state: State) -> None:
    state.inputs("PrivateKey", ES_KEY)["algorithm"] = UNKNOWN


@refused(KEYS, f"CertRequest {ES_REQUEST} is made with a key that is not one of the stack's")
def test_a_key_that_comes_from_nowhere(state: State) -> None:
    found = state._found("CertRequest", ES_REQUEST)
    state.resources[state.resources.index(found)] = replace(found, property_dependencies={})


@refused(KEYS, f"{TRACK} has an RSA key of fewer than 4096 bits", options={KEYS: {"minimumRsaBits": 4096}})
def test_a_key_as_cert_manager_makes_it(state: State) -> None:
    state.spec("Certificate", "track-balancer")["privateKey"] = {"rotationPolicy": "Always"}


@refused(KEYS, f"{TRACK} has an RSA key of fewer than 2048 bits")
def test_a_short_key_of_cert_manager(state: State) -> None:
    state.spec("Certificate", "track-balancer")["privateKey"] = {"size": 1024, "rotationPolicy": "Always"}


@refused(KEYS, f"{TRACK} keeps its key when it is renewed")
def test_a_key_that_is_never_replaced(state: State) -> None:
    state.spec("Certificate", "track-balancer")["privateKey"]["rotationPolicy"] = "Never"


@refused(
    KEYS,
    "Secret tracardi-track/seen has an RSA key of fewer than 4096 bits, in tls.crt",
    options={KEYS: {"minimumRsaBits": 4096}},
)
def test_a_short_key_in_a_secret(state: State) -> None:
    written(state, trustme.CA().issue_cert("track.example.com", key_type=trustme.KeyType.RSA))


@refused(KEYS, "Secret tracardi-track/seen has a certificate that cannot be read in tls.crt")
def test_a_certificate_that_cannot_be_read(state: State) -> None:
    text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    secret(state, {"tls.crt": b64encode(text.encode()).decode()})


@accepted(KEYS)
def test_keys_of_other_kinds(state: State) -> None:
    state.inputs("PrivateKey", ES_KEY).update(algorithm="RSA", rsaBits=3072, ecdsaCurve="P224")
    state.inputs("PrivateKey", "tracardi-data-elasticsearch-authority-key").update(algorithm="ED25519")
    key = {"algorithm": "RSA", "size": 2048, "rotationPolicy": "Always"}
    state.spec("Certificate", "track-balancer")["privateKey"] = key
    state.spec("Certificate", "gui-balancer")["privateKey"].update(algorithm="Ed25519")


@refused(LIVES, f"LocallySignedCert {ES_LEAF} is renewed when 0 days are left, not at least 14")
def test_a_certificate_that_nobody_renews(state: State) -> None:
    del state.inputs("LocallySignedCert", ES_LEAF)["earlyRenewalHours"]


@refused(LIVES, f"LocallySignedCert {ES_LEAF} lives for 3650 days, not for 1 to 825")
def test_a_certificate_that_lives_for_too_long(state: State) -> None:
    state.inputs("LocallySignedCert", ES_LEAF)["validityPeriodHours"] = 87600
    state.inputs("SelfSignedCert", ES_AUTHORITY).update(validityPeriodHours=87840, earlyRenewalHours=87600)


@refused(LIVES, f"LocallySignedCert {ES_LEAF} can outlive its authority {ES_AUTHORITY}")
def test_an_authority_that_is_renewed_too_late(state: State) -> None:
    state.inputs("SelfSignedCert", ES_AUTHORITY)["earlyRenewalHours"] = 2160


@refused(LIVES, f"SelfSignedCert {ES_AUTHORITY} lives for 36500 days, not for 1 to 3660")
def test_an_authority_for_a_century(state: State) -> None:
    state.inputs("SelfSignedCert", ES_AUTHORITY)["validityPeriodHours"] = 876000


@refused(LIVES, f"LocallySignedCert {ES_LEAF} lives for a time that cannot be seen")
def test_a_life_that_cannot_be_seen(state: State) -> None:
    state.inputs("LocallySignedCert", ES_LEAF)["validityPeriodHours"] = UNKNOWN


@refused(LIVES, f"LocallySignedCert {ES_LEAF} ends on ", "in fewer than 14 days")
def test_a_certificate_that_an_update_made_long_ago(state: State) -> None:
    state.inputs("LocallySignedCert", ES_LEAF)["validityEndTime"] = (
        f"{datetime.now(UTC) + timedelta(days=13):%Y-%m-%dT%H:%M:%SZ}"
    )


@refused(LIVES, f"{TRACK} is renewed when 10 days are left, not at least 14")
def test_a_certificate_that_is_renewed_too_late(state: State) -> None:
    state.spec("Certificate", "track-balancer").update(duration="2160h", renewBefore="240h0m0s")


@refused(LIVES, f"{TRACK} is renewed when 1 days are left")
def test_a_share_that_is_too_small(state: State) -> None:
    state.spec("Certificate", "track-balancer").update(renewBeforePercentage=2)


@refused(LIVES, f"{TRACK} lives for a time that cannot be seen")
def test_a_duration_that_is_none(state: State) -> None:
    state.spec("Certificate", "track-balancer")["duration"] = "90d"


@refused(LIVES, "Secret tracardi-track/seen has a certificate that ends on ", "in tls.crt")
def test_a_certificate_in_a_secret_that_ends_soon(state: State) -> None:
    written(state, trustme.CA().issue_cert("track.example.com", not_after=datetime.now(UTC) + timedelta(days=5)))


@refused(LIVES, "Secret tracardi-track/seen has a certificate that ends on 2020-01-01")
def test_a_certificate_in_a_secret_that_has_ended(state: State) -> None:
    written(state, trustme.CA().issue_cert("track.example.com", not_after=datetime(2020, 1, 1, tzinfo=UTC)))


@accepted(LIVES)
def test_lives_in_other_words(state: State) -> None:
    state.spec("Certificate", "track-balancer").update(duration="8760h0m0s", renewBefore="360h")
    state.spec("Certificate", "gui-balancer").update(renewBeforePercentage=20)
    state.inputs("LocallySignedCert", ES_LEAF)["validityEndTime"] = (
        f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%dT%H:%M:%SZ}"
    )
    written(state, trustme.CA().issue_cert("track.example.com", not_after=datetime.now(UTC) + timedelta(days=90)))


@refused(PURPOSE, f"LocallySignedCert {ES_LEAF} is an authority, and may be used for client_auth, server_auth")
def test_a_certificate_of_pods_that_can_sign(state: State) -> None:
    state.inputs("LocallySignedCert", ES_LEAF)["isCaCertificate"] = True


@refused(PURPOSE, f"LocallySignedCert {ES_LEAF} is neither for servers nor for clients")
def test_a_certificate_for_nothing(state: State) -> None:
    state.inputs("LocallySignedCert", ES_LEAF)["allowedUses"] = ["digital_signature"]


@refused(PURPOSE, f"SelfSignedCert {ES_AUTHORITY} is an authority, and may be used for server_auth")
def test_an_authority_that_serves(state: State) -> None:
    state.inputs("SelfSignedCert", ES_AUTHORITY)["allowedUses"].append("server_auth")


@refused(PURPOSE, "has uses that cannot be seen")
def test_uses_that_cannot_be_seen(state: State) -> None:
    state.inputs("LocallySignedCert", ES_LEAF)["allowedUses"].append(UNKNOWN)


@refused(PURPOSE, f"CertRequest {ES_REQUEST} names no host", also=("certificates-name-their-hosts",))
def test_a_certificate_with_a_common_name_alone(state: State) -> None:
    del state.inputs("CertRequest", ES_REQUEST)["dnsNames"]


@refused(PURPOSE, f"{TRACK} is for *.com, which is too wide", also=("certificates-name-their-hosts",))
def test_a_certificate_for_a_whole_registry(state: State) -> None:
    state.spec("Certificate", "track-balancer")["dnsNames"] = ["*.com"]


@refused(PURPOSE, f"{TRACK} asks for an authority's certificate")
def test_an_authority_from_cert_manager(state: State) -> None:
    state.spec("Certificate", "track-balancer")["isCA"] = True


@refused(PURPOSE, f"{TRACK} has usages other than those of servers and clients")
def test_usages_of_an_authority(state: State) -> None:
    state.spec("Certificate", "track-balancer")["usages"].append("cert sign")


@refused(PURPOSE, f"{TRACK} names no issuer")
def test_a_certificate_without_an_issuer(state: State) -> None:
    del state.spec("Certificate", "track-balancer")["issuerRef"]["name"]


@refused(PURPOSE, f"Secret tracardi-data/elasticsearch-tls holds the key of the authority {ES_AUTHORITY}")
def test_a_secret_with_the_authority_s_key(state: State) -> None:
    depend(state, "Secret", "elasticsearch-tls", "data", "tracardi-data-elasticsearch-authority-key")


@refused(PURPOSE, f"CertRequest {ES_REQUEST} shares its key with the authority {ES_AUTHORITY}")
def test_one_key_for_authority_and_server(state: State) -> None:
    depend(state, "CertRequest", ES_REQUEST, "privateKeyPem", "tracardi-data-elasticsearch-authority-key")


@refused(
    PURPOSE, "Certificate tracardi-track/second writes the same Secret as Certificate tracardi-track/track-balancer"
)
def test_two_certificates_in_one_secret(state: State) -> None:
    state.duplicate("Certificate", "track-balancer", "second")["spec"]["dnsNames"] = ["other.example.com"]


@accepted(PURPOSE)
def test_other_uses_and_names(state: State) -> None:
    state.inputs("LocallySignedCert", ES_LEAF)["allowedUses"].append("key_encipherment")
    state.inputs("CertRequest", ES_REQUEST)["ipAddresses"] = ["127.0.0.1"]
    state.spec("Certificate", "track-balancer").update(dnsNames=["*.example.com"], isCA=False)
    del state.spec("Certificate", "gui-balancer")["usages"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2160h", 2160.0),
        ("1h30m", 1.5),
        ("0.5h", 0.5),
        ("90d", None),
        ("", None),
        ("h", None),
        ("-1h", None),
        ("1h ", None),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, expected: float | None) -> None:
    assert hours(Value(text)) == expected


def depend(state: State, kind: str, name: str, on: str, key: str) -> None:
    """Have the property `on` of a resource be made of the key `key` as well."""
    found = state._found(kind, name)
    urns = found.property_dependencies[on] | {state._found("PrivateKey", key).urn}
    state.resources[state.resources.index(found)] = replace(
        found, property_dependencies={**found.property_dependencies, on: urns}
    )


def written(state: State, certificate: trustme.LeafCert) -> None:
    """Put a Secret with `certificate` into the stack."""
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    secret(state, {"tls.crt": b64encode(chain).decode()})


def secret(state: State, data: dict[str, str]) -> None:
    """Put a Secret with `data` into the stack."""
    about = {"name": "seen", "namespace": "tracardi-track"}
    state.add("kubernetes:core/v1:Secret", {"metadata": about, "type": "kubernetes.io/tls", "data": data})
