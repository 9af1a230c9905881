"""The rules of the pack, in the order in which they are reported."""

from policies.pack.rule import Rule
from policies.pack.rules import hardening, namespaces, passwords, releases, replicas, separation, tls

RULES: tuple[Rule, ...] = (
    separation.internet_reaches_only_the_api,
    separation.internet_reaches_no_gui_api,
    separation.internet_finds_only_collection_routes,
    separation.entries_can_be_followed,
    separation.only_kinds_that_are_judged,
    namespaces.namespaces_enforce_restricted,
    namespaces.namespaces_deny_by_default,
    replicas.api_instances,
    replicas.track_instances,
    replicas.gui_instances,
    replicas.elasticsearch_nodes,
    replicas.balancer_instances,
    replicas.no_session_affinity,
    replicas.instances_on_hosts_of_their_own,
    tls.entries_serve_tls,
    tls.elasticsearch_is_verified,
    passwords.generated_passwords_are_strong,
    passwords.secrets_are_never_literal,
    passwords.installation_token_is_secret,
    hardening.pods_are_restricted,
    hardening.images_are_pinned,
    hardening.no_service_account_token,
    hardening.no_service_links,
    hardening.containers_state_resources,
    hardening.containers_are_probed,
    releases.api_environment_can_be_read,
    releases.no_licence_in_open_source,
    releases.no_multi_tenancy_in_open_source,
    releases.redis_port_is_set,
    releases.one_release,
    releases.one_index_shape,
)
