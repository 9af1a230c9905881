"""Names: the pack refuses pods for which the names of Services lead elsewhere."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

MEANT = "services-lead-where-users-mean"
FOLLOWED = "entries-can-be-followed"
REDIS = "redis.tracardi-data.svc.cluster.local"


@refused(MEANT, "Deployment tracardi-track/track-api may get elsewhere by names", "(hostAliases)")
def test_an_api_with_an_address_of_its_own_for_redis(state: State) -> None:
    state.pod("track-api")["hostAliases"] = [{"ip": "203.0.113.5", "hostnames": [REDIS]}]


@refused(MEANT, "(dnsConfig)", "(dnsPolicy)")
def test_an_api_that_asks_somebody_elses_dns(state: State) -> None:
    state.pod("gui-api").update({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["203.0.113.5"]}})


@refused(MEANT, "(dnsConfig)")
def test_an_api_that_tries_another_domain_first(state: State) -> None:
    state.pod("gui-api")["dnsConfig"] = {"searches": ["example.org"]}


@refused(MEANT, "Job tracardi-console/installation-", "(dnsPolicy)")
def test_a_job_whose_way_to_names_cannot_be_seen(state: State) -> None:
    state.pod("installation")["dnsPolicy"] = UNKNOWN


@refused(FOLLOWED, "its pods do not ask the cluster's DNS (dnsPolicy)")
def test_a_balancer_that_asks_the_nodes_dns(state: State) -> None:
    state.pod("track-balancer")["dnsPolicy"] = "Default"


@refused(MEANT, "(hostAliases)")
def test_addresses_of_which_one_is_for_a_name_that_cannot_be_seen(state: State) -> None:
    state.pod("track-api")["hostAliases"] = [{"ip": "203.0.113.5", "hostnames": ["search", UNKNOWN]}]


@accepted(MEANT)
def test_an_address_for_a_name_that_nobody_uses(state: State) -> None:
    state.pod("track-api")["hostAliases"] = [{"ip": "203.0.113.5", "hostnames": ["search"]}]


@accepted(MEANT)
def test_options_of_the_clusters_dns(state: State) -> None:
    for name in ("track-api", "track-balancer"):
        state.pod(name).update(
            {"dnsPolicy": "ClusterFirst", "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]}}
        )
