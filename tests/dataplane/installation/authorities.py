"""Secrets with certificates that the program makes, and what could take their place."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import trustme

from model.roles import Role
from tests.dataplane.installation.providers import Plugins
from tests.dataplane.installation.sites import Site
from tests.unit.engine import Registered

Signed = dict[str, bytes]
"""The data of a Secret of type kubernetes.io/tls: tls.crt, tls.key and ca.crt, all PEM."""


@dataclass(frozen=True)
class Serving:
    """The Secret with the certificate of `role` that the program makes for `site`."""

    site: Site
    role: Role

    @property
    def secret(self) -> str:
        """Its name."""
        return f"{self.role}-tls"

    @property
    def namespace(self) -> str:
        """Where it is."""
        return str(self._registered.namespace)

    @property
    def data(self) -> Signed:
        """What it holds now."""
        return self.site.objects.secret(self.namespace, self.secret)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names that the certificate is for."""
        return tuple(self._part("CertRequest").inputs["dnsNames"])

    @property
    def authority(self) -> trustme.CA:
        """Who signs it."""
        inputs = self._part("LocallySignedCert").inputs
        return trustme.CA.from_pem(inputs["caCertPem"].encode(), inputs["caPrivateKeyPem"].encode())

    def rotated(self, plugins: Plugins) -> Signed:
        """After `certificates.rotation` is counted up: another key and certificate, the same authority."""
        key = _made_again(plugins, self._part("PrivateKey"))["privateKeyPem"]
        request = _made_again(plugins, self._part("CertRequest"), privateKeyPem=key)["certRequestPem"]
        certificate = _made_again(plugins, self._part("LocallySignedCert"), certRequestPem=request)["certPem"]
        return {**self.data, "tls.crt": certificate.encode(), "tls.key": key.encode()}

    def authority_renewed(self, plugins: Plugins) -> Signed:
        """After the authority comes near its end: its next certificate, for the key that it has, and a leaf by it."""
        leaf = self._part("LocallySignedCert")
        own = next(
            each
            for each in self.site.recording.of_kind("SelfSignedCert")
            if each.inputs["privateKeyPem"] == leaf.inputs["caPrivateKeyPem"]
        )
        authority = _made_again(plugins, own)["certPem"]
        certificate = _made_again(plugins, leaf, caCertPem=authority)["certPem"]
        key = self._part("CertRequest").inputs["privateKeyPem"]
        return {"tls.crt": certificate.encode(), "tls.key": key.encode(), "ca.crt": authority.encode()}

    def _part(self, kind: str) -> Registered:
        parent = self._registered.parent
        return next(each for each in self.site.recording.of_kind(kind) if each.parent == parent)

    @property
    def _registered(self) -> Registered:
        secrets = self.site.recording.of_kind("Secret")
        return next(each for each in secrets if each.object_name == self.secret)


def signed(
    authority: trustme.CA,
    hosts: Iterable[str],
    *,
    begins: float = -1,
    ends: float = 90,
    key: trustme.KeyType = trustme.KeyType.ECDSA,
) -> Signed:
    """A certificate for `hosts` that `authority` signs itself; its time in days from now."""
    now = datetime.now(UTC)
    leaf = authority.issue_cert(
        *hosts, not_before=now + timedelta(days=begins), not_after=now + timedelta(days=ends), key_type=key
    )
    return {
        "tls.crt": b"".join(pem.bytes() for pem in leaf.cert_chain_pems),
        "tls.key": leaf.private_key_pem.bytes(),
        "ca.crt": authority.cert_pem.bytes(),
    }


def _made_again(plugins: Plugins, registered: Registered, **changes: str) -> dict[str, str]:
    return plugins.make(registered.token, registered.name, {**registered.inputs, **changes})[1]
