"""The reachability matrix, measured: everybody tries everything, and it comes out as declared, both ways."""

import pytest

from model.lifecycle import SERVER_TIMEOUT_SECONDS
from tests.measured import Measured
from tests.real.reachability import matrix
from tests.real.reachability.declared import Declared
from tests.real.reachability.requests import asked, declared_requests, everything, reached
from tests.real.reachability.survey import Survey
from tests.real.reachability.visitors import visitors
from tests.real.site import Installation

pytestmark = [pytest.mark.own_nodes("asks from networks outside"), pytest.mark.timeout(600)]


def test_everybody_reaches_what_the_graph_declares_and_nothing_else(
    production: Installation, measured: Measured
) -> None:
    with visitors(production):
        survey = Survey(production)
        with survey.ready():
            seen = matrix.measured(survey.everybody, survey.targets, survey.ports, Declared(survey.settings))

    measured("reachability: attempts", seen.counts())
    assert not seen.differences, "\n".join(seen.differences)


def test_of_all_that_instances_answer_the_public_entry_lets_pass_what_collects_events(
    production: Installation, measured: Measured
) -> None:
    declared = declared_requests(production)
    for name, place in (("internet", production.machine.internet), ("trusted", production.machine.trusted)):
        with production.client_of("track", place) as client:
            found = asked(client, everything())

        measured(f"requests at the public entry, {name}", f"{len(found)} tried, {len(reached(found))} at an instance")
        assert reached(found) == declared
        refusals = {each.status for each in found if not each.instance}
        assert refusals == {404, 405}


def test_the_trusted_network_reaches_every_operation_of_the_gui_api_and_none_by_the_gui(
    production: Installation,
) -> None:
    # The balancer gives up first, and its answer names the request that nobody answered.
    with production.client_of("guiApi", production.machine.trusted, seconds=2 * SERVER_TIMEOUT_SECONDS) as client:
        assert not [each for each in asked(client, everything()) if not each.instance]
    with production.client_of("gui", production.machine.trusted) as client:
        assert reached(asked(client, everything())) == set()
