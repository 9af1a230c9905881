"""Data services, their passwords and their indices, between sections of the settings."""

from model.credentials import Credential
from model.roles import Tier
from model.service import Edition, Need
from settings.base import Refusal, Refusals
from settings.credentials import CREDENTIAL_KEYS, CredentialsSettings
from settings.data import DataSettings
from settings.index import IndexSettings
from settings.installation import InstallationSettings
from settings.others import others_stores

_PASSWORDS = {
    Need.ELASTICSEARCH: Credential.ELASTICSEARCH,
    Need.REDIS: Credential.REDIS,
    Need.MYSQL: Credential.MYSQL,
    Need.PULSAR: Credential.PULSAR,
}


def stores_belong_to_the_release(installation: InstallationSettings, data: DataSettings) -> Refusals:
    """No store is configured that the release does not use."""
    if data.mysql is not None and not installation.facts.uses_mysql:
        yield Refusal(
            ("data", "mysql"),
            "present",
            f"unused: release {installation.release} keeps metadata and users in Elasticsearch",
            "Remove it.",
        )


def pulsar_belongs_to_the_commercial_edition(installation: InstallationSettings, data: DataSettings) -> Refusals:
    """No queue is configured that nothing uses."""
    if data.pulsar is not None and not installation.commercial:
        yield Refusal(
            ("data", "pulsar"),
            "present",
            f"unused: the {installation.edition} edition has no queue",
            f"Remove it, or set tracardi:installation.edition to {Edition.COMMERCIAL}.",
        )


def copies_fit_on_the_nodes(data: DataSettings, index: IndexSettings) -> Refusals:
    """Every copy of a shard finds a node of its own."""
    nodes = data.elasticsearch.nodes
    if data.elasticsearch.external is not None:
        return
    # Tracardi itself lowers the copies to none on a single node, so the default is no mistake there.
    if nodes > 1 and index.replicas >= nodes:
        yield Refusal(
            ("index", "replicas"),
            index.replicas,
            f"less than tracardi:data.elasticsearch.nodes, which is {nodes}: a copy needs a node of its own",
            "Lower it, or add nodes.",
        )


def passwords_of_others_are_given(
    installation: InstallationSettings, data: DataSettings, credentials: CredentialsSettings
) -> Refusals:
    """A service that others run has a password that others chose."""
    for store in others_stores(installation, data):
        credential = _PASSWORDS[store.need]
        key = CREDENTIAL_KEYS[credential]
        if not credentials.of(credential).given:
            yield Refusal(
                ("credentials", key),
                None,
                f"needed: tracardi:data.{key}.external is run by others, so its password cannot be generated",
                "Give its value or existingSecret.",
            )


def no_credential_is_given_in_vain(
    installation: InstallationSettings, data: DataSettings, credentials: CredentialsSettings
) -> Refusals:
    """A secret that is given is one that something uses."""
    release = installation.facts
    outside = {store.need for store in others_stores(installation, data)}
    reasons = {}
    if not release.uses_mysql:
        reasons = dict.fromkeys((Credential.MYSQL, Credential.MYSQL_ROOT), f"release {release.version} uses no MySQL")
    elif Need.MYSQL in outside:
        reasons = {Credential.MYSQL_ROOT: "tracardi:data.mysql.external is run by others"}
    if not installation.commercial:
        reasons |= dict.fromkeys(
            (Credential.PULSAR, Credential.PULSAR_KEY), f"the {installation.edition} edition has no queue"
        )
    elif Need.PULSAR in outside:
        reasons[Credential.PULSAR_KEY] = "tracardi:data.pulsar.external is run by others"
    else:
        reasons[Credential.PULSAR] = "the stack itself signs the token for Pulsar in the cluster, with pulsarKey"
    for credential, reason in reasons.items():
        if credentials.of(credential).given:
            yield Refusal(("credentials", CREDENTIAL_KEYS[credential]), "given", f"unused: {reason}", "Remove it.")


def existing_secrets_are_not_the_stack_s_own(
    installation: InstallationSettings, credentials: CredentialsSettings
) -> Refusals:
    """What the stack reads is there before the stack is."""
    own = {f"{installation.name}-{tier}" for tier in Tier}
    for credential, settings in credentials.each():
        reference = settings.existing_secret
        if reference is not None and reference.namespace in own:
            yield Refusal(
                ("credentials", CREDENTIAL_KEYS[credential], "existingSecret", "namespace"),
                reference.namespace,
                "not a namespace of the installation, which is made, and removed, by this stack",
                "Keep the Secret in a namespace of its own.",
            )
