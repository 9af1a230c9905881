"""What holds in every installation, whatever its settings: each rule tells what it finds wrong."""

from collections.abc import Callable, Iterator

from settings.root import Settings
from tests.unit.engine import Recording
from tests.unit.invariants.canaries import secrets_stand_in_secrets_alone, the_state_holds_no_secret_in_clear
from tests.unit.invariants.network import (
    balancers_have_a_slot_for_every_instance,
    names_fit_kubernetes,
    namespaces_are_closed,
    policies_name_every_peer,
    selectors_meet_one_role,
    the_internet_meets_the_public_balancer_alone,
)
from tests.unit.invariants.pods import (
    api_pods_share_one_index_shape,
    every_role_has_its_pods,
    every_secret_serves_somebody,
    only_the_gui_api_serves_the_gui,
    pods_are_restricted,
    pods_are_spread_as_far_as_they_reach,
    pods_find_what_they_refer_to,
    pods_see_their_own_secrets,
    variables_are_set_once,
)
from tests.unit.invariants.references import gateways_stand_where_they_are_asked_for, references_between_objects_hold

Rule = Callable[[Recording, Settings], Iterator[str]]

INVARIANTS: tuple[Rule, ...] = (
    secrets_stand_in_secrets_alone,
    the_state_holds_no_secret_in_clear,
    every_role_has_its_pods,
    pods_are_restricted,
    pods_find_what_they_refer_to,
    pods_see_their_own_secrets,
    every_secret_serves_somebody,
    api_pods_share_one_index_shape,
    only_the_gui_api_serves_the_gui,
    variables_are_set_once,
    pods_are_spread_as_far_as_they_reach,
    names_fit_kubernetes,
    namespaces_are_closed,
    policies_name_every_peer,
    the_internet_meets_the_public_balancer_alone,
    selectors_meet_one_role,
    balancers_have_a_slot_for_every_instance,
    references_between_objects_hold,
    gateways_stand_where_they_are_asked_for,
)


def faults(recording: Recording, settings: Settings) -> list[str]:
    """Everything that is wrong with what `settings` led to."""
    return [f"{rule.__name__}: {fault}" for rule in INVARIANTS for fault in rule(recording, settings)]
