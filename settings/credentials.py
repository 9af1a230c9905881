"""The secrets of an installation (`tracardi:credentials` in a stack file): generated unless given."""

from collections.abc import Iterator

from pydantic import Field, SecretStr

from model.credentials import Credential, too_weak
from settings.base import HIDDEN, Refusal, Refusals, Section
from settings.types import DnsName, SecretKeyName, SecretSetting


class ExistingSecret(Section):
    """A key of a Secret that somebody else keeps in the cluster. Its value is read at every `pulumi up`."""

    namespace: DnsName
    """Namespace of the Secret; not one of the installation's own, which the stack makes."""
    name: DnsName
    """Name of the Secret."""
    key: SecretKeyName = "password"
    """Key in it."""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}, key {self.key}"


class CredentialSettings(Section):
    """Where one secret comes from; without `value` and `existingSecret` it is generated."""

    value: SecretSetting | None = None
    """The secret itself: pulumi config set --secret --path 'tracardi:credentials.<name>.value'."""
    existing_secret: ExistingSecret | None = None
    """A Secret in the cluster that holds it."""
    rotation: int = Field(default=0, ge=0)
    """Counter whose change asks for a new secret."""

    @property
    def given(self) -> bool:
        """Whether the secret is somebody else's, and so not generated."""
        return self.value is not None or self.existing_secret is not None


class CredentialsSettings(Section):
    """Each secret, one for each purpose."""

    admin_password: CredentialSettings = CredentialSettings()
    """Password of the first administrator."""
    installation_token: CredentialSettings = CredentialSettings()
    """What the installation Job shows to be let in."""
    profile_merging: CredentialSettings = CredentialSettings()
    """What profiles are merged by; it must never change once profiles exist."""
    elasticsearch: CredentialSettings = CredentialSettings()
    """Password for Elasticsearch."""
    redis: CredentialSettings = CredentialSettings()
    """Password for Redis."""
    mysql: CredentialSettings = CredentialSettings()
    """Password of Tracardi's MySQL user; letters, digits and . _ ~ - only."""
    mysql_root: CredentialSettings = CredentialSettings()
    """Password of MySQL's root, for MySQL in the cluster."""
    pulsar: CredentialSettings = CredentialSettings()
    """Token for Pulsar that others run, of a role that may make tenants, or look after this one's."""
    pulsar_key: CredentialSettings = CredentialSettings()
    """Key of at least 32 characters that Pulsar in the cluster verifies its token with."""

    def of(self, credential: Credential) -> CredentialSettings:
        """The settings of `credential`."""
        return dict(self.each())[credential]

    def each(self) -> Iterator[tuple[Credential, CredentialSettings]]:
        """Every credential with its settings."""
        yield Credential.ADMIN_PASSWORD, self.admin_password
        yield Credential.INSTALLATION_TOKEN, self.installation_token
        yield Credential.PROFILE_MERGING, self.profile_merging
        yield Credential.ELASTICSEARCH, self.elasticsearch
        yield Credential.REDIS, self.redis
        yield Credential.MYSQL, self.mysql
        yield Credential.MYSQL_ROOT, self.mysql_root
        yield Credential.PULSAR, self.pulsar
        yield Credential.PULSAR_KEY, self.pulsar_key

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section. No message shows a secret."""
        seen: dict[str, str] = {}
        for credential, settings in self.each():
            key = CREDENTIAL_KEYS[credential]
            path = ("credentials", key)
            if settings.rotation:
                yield Refusal(
                    (*path, "rotation"),
                    settings.rotation,
                    "0: Tracardi, Elasticsearch and MySQL read their passwords at their first start only, so a new "
                    "one would lock everybody out",
                    "Set it back to 0.",
                )
            if settings.value is not None and settings.existing_secret is not None:
                yield Refusal(
                    (*path, "existingSecret"),
                    str(settings.existing_secret),
                    f"unused: {key}.value is given as well",
                    "Remove one of the two.",
                )
            if settings.value is not None and (weakness := too_weak(credential, _clear(settings.value))):
                yield Refusal((*path, "value"), HIDDEN, weakness, "Choose another secret, or leave it out.")
            source = _source(settings)
            if source is None:
                continue
            if source in seen:
                yield Refusal(
                    path,
                    HIDDEN,
                    f"different from tracardi:credentials.{seen[source]}: a secret serves one purpose",
                    "Give it a secret of its own, or leave it out.",
                )
            seen.setdefault(source, key)


CREDENTIAL_KEYS = {
    Credential.ADMIN_PASSWORD: "adminPassword",
    Credential.INSTALLATION_TOKEN: "installationToken",
    Credential.PROFILE_MERGING: "profileMerging",
    Credential.ELASTICSEARCH: "elasticsearch",
    Credential.REDIS: "redis",
    Credential.MYSQL: "mysql",
    Credential.MYSQL_ROOT: "mysqlRoot",
    Credential.PULSAR: "pulsar",
    Credential.PULSAR_KEY: "pulsarKey",
}
"""The key of each credential in the stack file."""


def _clear(value: SecretStr) -> str:
    return value.get_secret_value()


def _source(settings: CredentialSettings) -> str | None:
    """What tells this secret from others: where it is kept, or the secret itself."""
    if settings.existing_secret is not None:
        return f"existing {settings.existing_secret}"
    return None if settings.value is None else f"value {_clear(settings.value)}"
