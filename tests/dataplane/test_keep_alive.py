"""An instance closes an idle connection while the balancer sends a request on it: a race that must not be run.

uvicorn closes idle connections after 5 s unless it is told otherwise, and HAProxy keeps them for as long. With the
settings of the program the balancer lets go first: of about half in each `BALANCER_KEEP_ALIVE_SECONDS`, long before
`INSTANCE_KEEP_ALIVE_SECONDS`. The races run beside the other tests, from the beginning of the session on.
"""

from model.lifecycle import INSTANCE_KEEP_ALIVE_SECONDS
from tests.dataplane.installation.entries import bad
from tests.dataplane.scenarios.races import Begun
from tests.measured import Measured


def test_no_request_is_lost_in_five_minutes_of_requests_five_seconds_apart(races: Begun, measured: Measured) -> None:
    result = races.ours()

    outcome = result.outcome
    measured("keep-alive race (5.0 ± 0.2 s, 5 min): not answered 200", f"{bad(outcome).sent} of {outcome.sent}")
    measured("keep-alive race: sent on a connection that had been idle", f"{result.reused} of {outcome.sent}")
    assert outcome.records[-1].at > 290, "it was to last for five minutes"
    assert not bad(outcome).sent, str(outcome)
    assert result.reused > 0.9 * outcome.sent, "there was no race that could have been lost"


def test_requests_are_lost_where_instances_and_balancers_keep_to_their_own_defaults(
    races: Begun, measured: Measured
) -> None:
    outcome = races.defaults().outcome

    measured("keep-alive race with uvicorn's and HAProxy's defaults: lost", f"{len(outcome.failed)} of {outcome.sent}")
    # There is no 502: HAProxy ends the connection, or the stream, for the client to try again. Not every client does.
    assert outcome.failed, str(outcome)


def test_balancers_let_go_of_idle_connections_long_before_instances_would(races: Begun, measured: Measured) -> None:
    seconds = races.idle()

    measured("idle connections to instances: of 100, but one for each is closed after", f"{seconds:.0f} s")
    assert seconds < INSTANCE_KEEP_ALIVE_SECONDS / 2
