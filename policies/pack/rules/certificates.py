"""Certificates themselves: their keys, their lives, and what they may be used for; as declared, and as they are."""

from collections.abc import Iterator

from policies.pack.resources import Resource
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.tls import x509
from policies.pack.tls.certificates import is_authority, made_of, of_cert_manager, of_provider, texts
from policies.pack.tls.lives import HOURS_PER_DAY, asked_of_cert_manager, days_until, moment
from policies.pack.unreadable import UnreadableError
from policies.pack.values import Value

_RSA, _ECDSA = "RSA", "ECDSA"
_SMALLEST_RSA = "minimumRsaBits"
_CURVES = "curves"
_LEAST_DAYS, _MOST_DAYS, _MOST_AUTHORITY_DAYS = "minimumDays", "maximumDays", "maximumAuthorityDays"
_USUAL_RSA_BITS, _USUAL_ECDSA_BITS = 2048.0, 256.0
"""cert-manager's own choices. pulumi-tls takes P224 where nobody names a curve."""
_USUAL_PROVIDER_RSA_BITS = 2048.0

_SIGNING = frozenset({"cert_signing", "crl_signing", "digital_signature", "ocsp_signing"})
_SHOWING = frozenset({"server_auth", "client_auth"})
_SHOWN = frozenset({"digital_signature", "key_encipherment", "key_agreement", *_SHOWING})
_ISSUED = frozenset({"digital signature", "signing", "key encipherment", "key agreement", "server auth", "client auth"})
_SIGNERS = ("SelfSignedCert", "LocallySignedCert")


@rule(
    "certificates-have-strong-keys",
    severity=Severity.HIGH,
    remedy="Make keys with the algorithm ECDSA and a curve of P256, P384 or P521, with ED25519, or with RSA and at "
    "least 2048 bits, and a new one at each renewal (rotationPolicy Always).",
    options=(
        Option(_SMALLEST_RSA, 2048, "Bits that an RSA key has at least.", least=2048),
        Option(_CURVES, ("P256", "P384", "P521"), "Curves that an ECDSA key may be on."),
    ),
)
def certificates_have_strong_keys(stack: StackView, options: Options) -> Iterator[Finding]:
    """Keys of certificates cannot be guessed, whoever makes them."""
    for key in of_provider(stack, "PrivateKey"):
        if problem := _weak(_declared(key.properties), options):
            yield Finding(key, problem)
    for certificate in (*of_provider(stack, "SelfSignedCert"), *of_provider(stack, "CertRequest")):
        if not made_of(stack, certificate, "PrivateKey", "privateKeyPem"):
            yield Finding(certificate, "is made with a key that is not one of the stack's")
    for certificate in of_cert_manager(stack, "Certificate"):
        if problem := _weak(_asked(certificate.spec["privateKey"]), options):
            yield Finding(certificate, problem)
        if certificate.spec.at("privateKey", "rotationPolicy").text != "Always":
            yield Finding(certificate, "keeps its key when it is renewed")
    yield from _weak_ones(stack, options)


def _weak_ones(stack: StackView, options: Options) -> Iterator[Finding]:
    for resource, place, found in _seen(stack):
        if isinstance(found, str):
            yield Finding(resource, f"has {found} in {place}")
        elif problem := _weak(found.key, options):
            yield Finding(resource, f"{problem}, in {place}")
        elif found.old_signature and not found.self_signed:
            yield Finding(resource, f"has a certificate that is signed with {found.old_signature}, in {place}")


def _declared(properties: Value) -> x509.Key:
    algorithm = properties["algorithm"].text or ""
    if algorithm == _RSA:
        return x509.Key(_RSA, bits=_bits(properties["rsaBits"], _USUAL_PROVIDER_RSA_BITS))
    return x509.Key(algorithm, curve=properties["ecdsaCurve"].text)


def _asked(key: Value) -> x509.Key:
    algorithm = _RSA if not key["algorithm"].given and not key.hidden else (key["algorithm"].text or "").upper()
    if algorithm == _RSA:
        return x509.Key(_RSA, bits=_bits(key["size"], _USUAL_RSA_BITS))
    return x509.Key(algorithm, curve=f"P{_bits(key['size'], _USUAL_ECDSA_BITS)}" if algorithm == _ECDSA else None)


def _bits(size: Value, usual: float) -> int:
    return int((size.number or 0) if size.given else usual)


def _weak(key: x509.Key, options: Options) -> str | None:
    least, curves = options.number(_SMALLEST_RSA), options.words(_CURVES)
    if key.algorithm == _RSA:
        return None if (key.bits or 0) >= least else f"has an RSA key of fewer than {least} bits"
    if key.algorithm == _ECDSA:
        return None if key.curve in curves else "has an ECDSA key on a curve that is not one of " + ", ".join(curves)
    return None if key.algorithm == "ED25519" else "has a key whose algorithm is neither RSA, ECDSA nor ED25519"


def _seen(stack: StackView) -> Iterator[tuple[Resource, str, x509.Read | str]]:
    """Every certificate that can be seen, with the place where it is; in its stead, what is wrong with it."""
    shown = [
        *(
            (certificate, "certPem", certificate.properties["certPem"].text or "")
            for kind in _SIGNERS
            for certificate in of_provider(stack, kind)
        ),
        *((secret, key, text) for secret in _secrets(stack) for key, text in texts(secret)),
    ]
    for resource, place, text in shown:
        if x509.has_certificate(text):
            try:
                found = x509.certificates(text)
            except UnreadableError as problem:
                yield resource, place, str(problem)
            else:
                yield from ((resource, place, each) for each in found)


def _secrets(stack: StackView) -> Iterator[Resource]:
    """The Secrets whose certificates pulumi-tls does not make, where those were judged already."""
    for secret in stack.of_kind("Secret"):
        made = [each for kind in _SIGNERS for each in made_of(stack, secret, kind, "data", "stringData")]
        if secret.is_kubernetes_object and not made:
            yield secret


@rule(
    "certificates-are-renewed-in-time",
    severity=Severity.HIGH,
    remedy="Let certificates be renewed while at least minimumDays of their life are left (earlyRenewalHours, "
    "renewBefore) and live no longer than maximumDays; where one is due, run pulumi up, or have the issuer renew it.",
    options=(
        Option(_LEAST_DAYS, 14, "Days that a certificate has left at any time, and at the least when it is renewed."),
        Option(_MOST_DAYS, 825, "Days that a certificate lives at most."),
        Option(_MOST_AUTHORITY_DAYS, 3660, "Days that an authority's certificate lives at most."),
    ),
)
def certificates_are_renewed_in_time(stack: StackView, options: Options) -> Iterator[Finding]:
    """No certificate ends before it is renewed, and none lives so long that nobody knows how to renew it."""
    least = options.number(_LEAST_DAYS)
    for kind in _SIGNERS:
        for certificate in of_provider(stack, kind):
            yield from (Finding(certificate, problem) for problem in _life(stack, certificate, options))
    for certificate in of_cert_manager(stack, "Certificate"):
        asked = asked_of_cert_manager(certificate.spec)
        ends = certificate.properties.at("status", "notAfter")
        for problem in (_unfit(asked, options.number(_MOST_DAYS), least), _ending(ends, least)):
            if problem:
                yield Finding(certificate, problem)
    for resource, place, found in _seen(stack):
        if isinstance(found, x509.Read) and (over := _over(found, least)):
            yield Finding(resource, f"has a certificate that {over}, in {place}")


def _life(stack: StackView, certificate: Resource, options: Options) -> Iterator[str]:
    properties = certificate.properties
    life = properties["validityPeriodHours"].number
    # Without it, pulumi-tls renews nothing before its end.
    left = properties["earlyRenewalHours"].number if properties["earlyRenewalHours"].given else 0.0
    most = options.number(_MOST_AUTHORITY_DAYS if is_authority(certificate) else _MOST_DAYS)
    asked = (life, left) if life is not None and left is not None else None
    least = options.number(_LEAST_DAYS)
    for problem in (_unfit(asked, most, least), _ending(properties["validityEndTime"], least)):
        if problem:
            yield problem
    for kind in _SIGNERS:
        for signer in made_of(stack, certificate, kind, "caCertPem"):
            if life is not None and (signer.properties["earlyRenewalHours"].number or 0) < life:
                yield f"can outlive its authority {signer.raw.name}, which is renewed too late for that"


def _unfit(asked: tuple[float, float] | None, most: int, least: int) -> str | None:
    if asked is None:
        return "lives for a time that cannot be seen"
    life, left = asked
    if not 0 < life <= most * HOURS_PER_DAY:
        return f"lives for {int(life // HOURS_PER_DAY)} days, not for 1 to {most}"
    if not least * HOURS_PER_DAY <= left < life:
        return (
            f"is renewed when {int(left // HOURS_PER_DAY)} days are left, not at least {least} and less than its life"
        )
    return None


def _ending(end: Value, least: int) -> str | None:
    """What is wrong with an end that an earlier update told; nothing where there was none, or it cannot be seen."""
    found = moment(end.text) if end.text else None
    return f"ends on {found:%Y-%m-%d}, in fewer than {least} days" if found and days_until(found) < least else None


def _over(found: x509.Read, least: int) -> str | None:
    if days_until(found.begins) > 0:
        return f"begins on {found.begins:%Y-%m-%d}"
    return f"ends on {found.ends:%Y-%m-%d}, in fewer than {least} days" if days_until(found.ends) < least else None


@rule(
    "certificates-have-one-purpose",
    severity=Severity.HIGH,
    remedy="Let an authority sign and do nothing else, and keep its key in the state; let every other certificate name "
    "the hosts that show it, be for server_auth or client_auth, and have an issuer.",
)
def certificates_have_one_purpose(stack: StackView, _: Options) -> Iterator[Finding]:
    """An authority signs, and its key stays where nobody serves; what pods show can sign nothing."""
    for kind in _SIGNERS:
        for certificate in of_provider(stack, kind):
            if problem := _misused(certificate):
                yield Finding(certificate, problem)
    for named in (*of_provider(stack, "CertRequest"), *of_provider(stack, "SelfSignedCert")):
        if not is_authority(named):
            yield from (Finding(named, problem) for problem in _unnamed(named.properties))
    for certificate in of_cert_manager(stack, "Certificate"):
        yield from (Finding(certificate, problem) for problem in _misasked(certificate.spec))
    yield from _written_twice(stack)
    yield from _keys_of_authorities(stack)


def _misused(certificate: Resource) -> str | None:
    properties = certificate.properties
    uses = properties["allowedUses"]
    named = frozenset(uses.words)
    if uses.hidden or properties["isCaCertificate"].hidden or len(uses.words) < len(list(uses)):
        return "has uses that cannot be seen"
    if is_authority(certificate):
        others = sorted(named - _SIGNING)
        return f"is an authority, and may be used for {', '.join(others)}" if others else None
    if others := sorted(named - _SHOWN):
        return f"may be used for {', '.join(others)}"
    return None if named & _SHOWING else "is neither for servers nor for clients"


def _misasked(spec: Value) -> Iterator[str]:
    if spec["isCA"].on:
        yield "asks for an authority's certificate"
    uses = spec["usages"]
    named = frozenset(uses.words)
    if uses.given and (named - _ISSUED or not named & {"server auth", "client auth"} or len(named) < len(list(uses))):
        yield "has usages other than those of servers and clients"
    if not spec["secretName"].text:
        yield "names no Secret"
    if not spec.at("issuerRef", "name").text:
        yield "names no issuer"
    yield from _unnamed(spec)


def _written_twice(stack: StackView) -> Iterator[Finding]:
    """Secrets that nobody can tell the certificate of, because several write them."""
    written = [secret for secret in stack.of_kind("Secret") if secret.is_kubernetes_object]
    known = {(secret.namespace, secret.object_name): secret for secret in written}
    for certificate in of_cert_manager(stack, "Certificate"):
        place = (certificate.namespace, certificate.spec["secretName"].text or "")
        other = known.setdefault(place, certificate)
        if other is not certificate:
            yield Finding(certificate, f"writes the same Secret as {other.label}")


def _unnamed(properties: Value) -> Iterator[str]:
    lists = (properties["dnsNames"], properties["ipAddresses"])
    found = [name for names in lists for name in names.words]
    if not found:
        yield "names no host"
    for name in found:
        # An asterisk for a label of one's own name, and not for a whole registry's.
        if "*" in name and (not name.startswith("*.") or name.count("*") > 1 or name.count(".") < 2):  # noqa: PLR2004 - a name and its registry
            yield f"is for {name}, which is too wide"


def _keys_of_authorities(stack: StackView) -> Iterator[Finding]:
    keys = {
        key.urn: certificate
        for kind in _SIGNERS
        for certificate in of_provider(stack, kind)
        if is_authority(certificate)
        for key in _keys(stack, certificate)
    }
    for resource in stack.resources:
        found = sorted(resource.sources() & keys.keys())
        if found and resource.is_kubernetes_object:
            yield Finding(resource, f"holds the key of the authority {keys[found[0]].raw.name}")
    for request in of_provider(stack, "CertRequest"):
        for key in made_of(stack, request, "PrivateKey", "privateKeyPem"):
            signer = keys.get(key.urn)
            if signer and request not in made_of(stack, signer, "CertRequest", "certRequestPem"):
                yield Finding(request, f"shares its key with the authority {signer.raw.name}")


def _keys(stack: StackView, certificate: Resource) -> Iterator[Resource]:
    """The keys of a certificate: its own, or that of what it was asked with."""
    yield from made_of(stack, certificate, "PrivateKey", "privateKeyPem")
    for request in made_of(stack, certificate, "CertRequest", "certRequestPem"):
        yield from made_of(stack, request, "PrivateKey", "privateKeyPem")
