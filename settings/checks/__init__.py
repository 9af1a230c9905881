"""What must hold between sections of the settings."""

from collections.abc import Callable

from settings.base import Refusals
from settings.checks.capacity import (
    balancers_carry_the_peak,
    collectors_carry_the_peak,
    elasticsearch_takes_new_visitors_in,
    shards_hold_an_index,
    stores_accept_all_connections,
    volumes_hold_what_is_kept,
)
from settings.checks.certificates import rotation_replaces_something
from settings.checks.exposure import (
    allow_lists_see_client_addresses,
    declared_proxies_are_known,
    egress_is_limited,
    external_stores_are_somewhere,
    host_names_differ,
    provided_secrets_differ,
    the_console_s_certificate_is_provided,
    trusted_networks_are_not_the_internet,
)
from settings.checks.production import (
    balancers_are_no_single_point_of_failure,
    enough_api_instances,
    enough_consoles,
    enough_elasticsearch_nodes,
    strangers_accept_the_public_certificate,
    track_survives_lost_servers,
)
from settings.checks.release import (
    api_and_console_are_of_one_release,
    event_sources_can_be_reached,
    event_sources_differ,
    images_belong_to_the_release,
    replaced_images_are_of_the_release,
)
from settings.checks.services import (
    passwords_fit_where_services_put_them,
    services_are_of_the_api_s_release,
    services_belong_to_the_release,
    services_keep_their_own_variables,
    services_serve_one_tenant,
    what_is_said_of_services_has_an_effect,
)
from settings.checks.stores import (
    copies_fit_on_the_nodes,
    existing_secrets_are_not_the_stack_s_own,
    no_credential_is_given_in_vain,
    passwords_of_others_are_given,
    pulsar_belongs_to_the_commercial_edition,
    stores_belong_to_the_release,
)

CHECKS: tuple[Callable[..., Refusals], ...] = (
    track_survives_lost_servers,
    enough_api_instances,
    enough_consoles,
    enough_elasticsearch_nodes,
    balancers_are_no_single_point_of_failure,
    strangers_accept_the_public_certificate,
    collectors_carry_the_peak,
    balancers_carry_the_peak,
    elasticsearch_takes_new_visitors_in,
    shards_hold_an_index,
    stores_accept_all_connections,
    volumes_hold_what_is_kept,
    trusted_networks_are_not_the_internet,
    declared_proxies_are_known,
    egress_is_limited,
    external_stores_are_somewhere,
    allow_lists_see_client_addresses,
    host_names_differ,
    the_console_s_certificate_is_provided,
    provided_secrets_differ,
    rotation_replaces_something,
    stores_belong_to_the_release,
    pulsar_belongs_to_the_commercial_edition,
    copies_fit_on_the_nodes,
    passwords_of_others_are_given,
    no_credential_is_given_in_vain,
    existing_secrets_are_not_the_stack_s_own,
    event_sources_can_be_reached,
    event_sources_differ,
    api_and_console_are_of_one_release,
    images_belong_to_the_release,
    replaced_images_are_of_the_release,
    services_belong_to_the_release,
    services_serve_one_tenant,
    what_is_said_of_services_has_an_effect,
    services_keep_their_own_variables,
    services_are_of_the_api_s_release,
    passwords_fit_where_services_put_them,
)
"""Every check; each names the sections it needs by its parameters."""
