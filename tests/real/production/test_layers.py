"""Layers against strangers, broken one by one and together: what still holds, and what does not."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from http import HTTPStatus

import pytest

from model.ports import Port
from model.roles import Role, Tier
from tests.cluster.live import JsonObject
from tests.dataplane.clients.http import Client
from tests.measured import Measured
from tests.real.reachability import matrix
from tests.real.reachability.declared import Declared
from tests.real.reachability.instances import WRONG, wrongly_exposed
from tests.real.reachability.layers import Layer, Layers, without_path_list, without_policies
from tests.real.reachability.looks import Look, look
from tests.real.reachability.probes import refusals_at_once
from tests.real.reachability.public import from_the_internet, instances, passes
from tests.real.reachability.requests import (
    PROTECTED,
    asked,
    declared_requests,
    everything,
    install,
    log_in,
    reached,
    token,
)
from tests.real.reachability.stores import elasticsearch_says, mysql_says, redis_says
from tests.real.reachability.survey import Survey
from tests.real.reachability.visitors import stranger, visitors
from tests.real.site import Installation
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.own_nodes("asks from networks outside"), pytest.mark.timeout(600)]

SECONDS = 30
TRUSTED = {"guiApi": Role.GUI_API_BALANCER, "gui": Role.GUI_BALANCER}


class Strangers:
    """Somebody on the internet, a pod of the cluster's that is none of ours, and somebody in the trusted network."""

    def __init__(self, installation: Installation, pod: JsonObject) -> None:
        self._installation = installation
        self._inside = installation.machine.pod(pod)
        self._pods = {entry: installation.pods(role) for entry, role in TRUSTED.items()}

    def looks(self) -> tuple[set[Look], set[Look], set[Look]]:
        """How far each gets: by the entries from the internet, straight to balancers, by the entries as is intended."""
        machine, address, https = self._installation.machine, self._installation.address, int(Port.PUBLIC_HTTPS)
        outside = [
            [(entry, place, address(entry), https) for entry in TRUSTED]
            for place in (machine.internet, machine.trusted)
        ]
        straight = [
            (entry, self._inside, pod["status"]["podIP"], int(Port.BALANCER_HTTPS))
            for entry, pods in self._pods.items()
            for pod in pods
        ]
        with ThreadPoolExecutor() as threads:
            internet, inside, trusted = (
                [threads.submit(look, self._installation, *each) for each in group]
                for group in (outside[0], straight, outside[1])
            )
        return _found(internet), _found(inside), _found(trusted)

    def look_like(self, wanted: tuple[set[Look], set[Look], set[Look]]) -> bool:
        """Whether each gets as far as this."""
        return self.looks() == wanted


def _found(looks: Iterable[Future[Look]]) -> set[Look]:
    return {each.result() for each in looks}


def expected(standing: frozenset[Layer]) -> tuple[set[Look], set[Look], set[Look]]:
    """How far each gets while these layers stand."""
    behind = Look.REFUSED if Layer.POLICIES in standing else Look.CUT_OFF if Layer.LIST in standing else Look.ANSWERED
    return {Look.SILENT if Layer.RANGES in standing else behind}, {behind}, {Look.ANSWERED}


@pytest.fixture
def strangers(production: Installation) -> Iterator[Strangers]:
    nodes = [production.machine.node(name) for name in production.machine.nodes]
    with refusals_at_once(nodes), stranger(production) as pod:
        yield Strangers(production, pod)


# From each to the next one layer changes, in such an order that each change is seen.
ROUND = (
    (Layer.RANGES, Layer.POLICIES, Layer.LIST),
    (Layer.RANGES, Layer.LIST),
    (Layer.RANGES,),
    (Layer.RANGES, Layer.POLICIES),
    (Layer.POLICIES,),
    (),
    (Layer.LIST,),
    (Layer.POLICIES, Layer.LIST),
    (Layer.RANGES, Layer.POLICIES, Layer.LIST),
)


def test_of_source_ranges_policies_and_allow_list_each_alone_keeps_the_internet_out(
    production: Installation, strangers: Strangers, measured: Measured
) -> None:
    with Layers(production, *TRUSTED.values()) as layers:
        for standing in map(frozenset, ROUND):
            layers.leave(standing)
            wait_until(f"{sorted(standing)} to hold", partial(strangers.look_like, expected(standing)), seconds=SECONDS)
            internet, straight, _ = expected(standing)
            names = " and ".join(sorted(standing)) or "none"
            measured(f"layers left: {names}", f"the internet: {', '.join(internet)}; pods: {', '.join(straight)}")
            if not standing:
                only_a_password_is_left(production)


def only_a_password_is_left(production: Installation) -> None:
    """Without any layer, somebody on the internet is asked to log in."""
    with production.client_of("guiApi", production.machine.internet) as client:
        assert log_in(client, production, "guessed").status_code == HTTPStatus.BAD_REQUEST
        (users,) = asked(client, [("GET", "/users/0/10")])
    assert users.status == HTTPStatus.UNAUTHORIZED


def test_a_wrong_flag_and_an_open_path_list_are_harmless_alone(production: Installation, measured: Measured) -> None:
    login = {"Authorization": f"Bearer {token(production)}"}

    with wrongly_exposed(production):
        wait_until("all to know it", lambda: all(WRONG in known for known in instances(production)), seconds=SECONDS)
        known = set.union(*instances(production))
        found = from_the_internet(production, everything() * 2)
        assert WRONG in {each.instance for each in found}
        assert reached(found) == declared_requests(production)
        measured("wrong flag: operations at an instance", len(reached(found)))

        with without_path_list(production):
            wait_until("every path to pass", lambda: passes(production, "/info/version"), seconds=SECONDS)
            answers = from_the_internet(production, [("GET", "/event/count")] * 8 * len(known), login)
            statuses = {each.instance: each.status for each in answers}
            # Two layers are gone, and so is the separation: where the flag is right, the same login is refused.
            assert statuses == {name: 200 if name == WRONG else 403 for name in known}
    wait_until("only the right instances to be left", partial(is_away, production), seconds=SECONDS)

    with without_path_list(production):
        wait_until("every path to pass", lambda: passes(production, "/info/version"), seconds=SECONDS)
        found = from_the_internet(production, everything())
        assert reached(found) == set(everything())
        measured("no path list: operations at an instance", len(reached(found)))
        assert {each.status for each in from_the_internet(production, PROTECTED)} == {401}
        assert {each.status for each in from_the_internet(production, PROTECTED, login)} == {403}
        with production.client_of("track", production.machine.internet) as client:
            assert log_in(client, production).status_code == HTTPStatus.FORBIDDEN
            assert install(client) == HTTPStatus.FORBIDDEN
    wait_until("the list to be back", lambda: not passes(production, "/info/version"), seconds=SECONDS)
    assert reached(from_the_internet(production, everything())) == declared_requests(production)


def is_away(production: Installation) -> bool:
    """Whether nobody is led to the wrong instance any more."""
    return all(WRONG not in known for known in instances(production))


def test_without_the_policies_of_a_namespace_passwords_hold(production: Installation, measured: Measured) -> None:
    holds = {Tier.TRACK: track_holds, Tier.CONSOLE: console_holds, Tier.DATA: data_holds}
    with visitors(production):
        survey = Survey(production)
        with survey.ready():
            for tier in Tier:
                targets, closed = survey.in_tier(tier), Declared(survey.settings)
                opened = Declared(survey.settings, frozenset({tier}))
                with without_policies(production, tier):
                    wait_until(f"{tier} to be open", partial(agrees, survey, tier, opened), seconds=SECONDS)
                    seen = matrix.measured(survey.everybody, targets, survey.ports, opened)
                    measured(f"reachability without policies in {tier}", seen.counts())
                    assert not seen.differences, "\n".join(seen.differences)
                    holds[tier](production, survey)
                wait_until(f"{tier} to be closed", partial(agrees, survey, tier, closed), seconds=SECONDS)


def agrees(survey: Survey, tier: Tier, declared: Declared) -> bool:
    """Whether a stranger reaches of a namespace's pods what is declared."""
    party, place = survey.stranger
    pods = [party for party, _ in survey.pods if party.tier is tier]
    seen = matrix.measured([(party, place)], pods, survey.ports, declared)
    return not seen.differences


def track_holds(production: Installation, survey: Survey) -> None:
    """Collectors open to the cluster: what takes a login does so, and nobody installs anything."""
    login = {"Authorization": f"Bearer {token(production)}"}
    for party, _ in survey.of(Role.TRACK_API):
        with Client(survey.stranger[1], party.address, "any", None, int(Port.HTTP)) as client:
            assert {each.status for each in asked(client, PROTECTED)} == {401}
            assert {each.status for each in asked(client, PROTECTED, login)} == {403}
            assert install(client) == HTTPStatus.FORBIDDEN


def console_holds(production: Installation, survey: Survey) -> None:
    """The GUI API open to the cluster: a login is all that is left, and nobody installs anything."""
    for party, _ in survey.of(Role.GUI_API):
        with Client(survey.stranger[1], party.address, "any", None, int(Port.HTTP)) as client:
            assert {each.status for each in asked(client, PROTECTED)} <= {401, 404, 405}
            assert log_in(client, production, "guessed").status_code == HTTPStatus.BAD_REQUEST
            assert install(client) == HTTPStatus.FORBIDDEN


def data_holds(_: Installation, survey: Survey) -> None:
    """Stores open to the cluster: each of them asks for a password."""
    place = survey.stranger[1]
    said = {
        **{party: place.call(redis_says, party.address) for party, _ in survey.of(Role.REDIS)},
        **{party: place.call(mysql_says, party.address) for party, _ in survey.of(Role.MYSQL)},
        **{party: place.call(elasticsearch_says, party.address) for party, _ in survey.of(Role.ELASTICSEARCH)},
    }
    wanted = {Role.REDIS: "Authentication required", Role.MYSQL: "Access denied", Role.ELASTICSEARCH: "401"}
    for party, answer in said.items():
        assert party.role is not None
        assert wanted[party.role] in str(answer), party.name
