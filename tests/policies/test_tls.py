"""TLS: the pack refuses entries that speak less than TLS 1.2, and an Elasticsearch that is not verified."""

from tests.policies.refusals import refused
from tests.policies.state import UNKNOWN, State

TRACK_BALANCER = "Deployment tracardi-track/track-balancer"
TRACK_API = "track-api.tracardi-track.svc.cluster.local"


@refused("entries-serve-tls", f"{TRACK_BALANCER} frontend entry answers without TLS")
def test_an_entry_without_tls(state: State) -> None:
    state.edit("track-balancer", " ssl crt /etc/haproxy/certs/tls.crt", "")


@refused("entries-serve-tls", "frontend plain answers without TLS", also=("internet-finds-only-collection-routes",))
def test_plain_requests_that_are_served(state: State) -> None:
    state.edit("track-balancer", "    http-request redirect prefix https", "    default_backend instances\n    # https")


@refused("entries-serve-tls", "frontend plain answers without TLS", also=("internet-finds-only-collection-routes",))
def test_plain_requests_that_are_redirected_and_have_somewhere_to_go(state: State) -> None:
    state.edit("track-balancer", "code 308", "code 308\n    default_backend instances")


@refused("entries-serve-tls", "frontend plain answers without TLS")
def test_plain_requests_that_are_redirected_at_times(state: State) -> None:
    state.edit("track-balancer", "code 308", "code 308 if { path_beg /track }")


@refused("entries-serve-tls", "frontend entry accepts TLSv1.1")
def test_an_old_version_by_default(state: State) -> None:
    state.edit("track-balancer", "ssl-min-ver TLSv1.2", "ssl-min-ver TLSv1.1")


@refused("entries-serve-tls", "frontend entry accepts TLSv1.0")
def test_an_old_version_at_one_entry(state: State) -> None:
    state.edit("track-balancer", "alpn h2,http/1.1", "alpn h2,http/1.1 ssl-min-ver TLSv1.0")


@refused("entries-serve-tls", "frontend entry does not say the oldest TLS version")
def test_no_oldest_version(state: State) -> None:
    state.edit("gui-balancer", "ssl-min-ver TLSv1.2 ", "")


@refused("entries-serve-tls", "frontend entry has no certificate")
def test_no_certificate(state: State) -> None:
    state.edit("gui-balancer", " crt /etc/haproxy/certs/tls.crt", "")


@refused("elasticsearch-is-verified", "Deployment tracardi-track/track-api has no ELASTIC_VERIFY_CERTS")
def test_an_api_that_does_not_verify_elasticsearch(state: State) -> None:
    state.drop_variable("track-api", "ELASTIC_VERIFY_CERTS")


@refused("elasticsearch-is-verified", "has no ELASTIC_HOST that begins with https:// in container api")
def test_an_api_that_speaks_plain_to_one_of_several_addresses(state: State) -> None:
    state.set_variable("gui-api", "ELASTIC_HOST", value="https://one:9200,http://two:9200")


@refused("elasticsearch-is-verified", "gui-api has no ELASTIC_HOST")
def test_an_address_that_cannot_be_seen(state: State) -> None:
    state.set_variable("gui-api", "ELASTIC_HOST", value=UNKNOWN)


@refused("elasticsearch-is-verified", "Job tracardi-console/installation-")
def test_a_job_that_talks_to_elasticsearch(state: State) -> None:
    state.set_variable("installation", "ELASTIC_HOST", value="http://elasticsearch:9200")


@refused(
    "backends-are-verified",
    f"{TRACK_BALANCER} {TRACK_API} is not verified, in backend instances of container haproxy",
    stack="full TLS",
)
def test_a_balancer_that_verifies_nobody(state: State) -> None:
    state.edit("track-balancer", "ssl verify required", "ssl verify none")


@refused("backends-are-verified", "is not verified", stack="full TLS")
def test_a_balancer_that_leaves_verification_to_a_global_setting(state: State) -> None:
    state.edit("track-balancer", "ssl verify required", "ssl")
    state.edit("track-balancer", "global", "global\n    ssl-server-verify none")


@refused("backends-are-verified", "is not verified", stack="full TLS")
def test_a_balancer_that_knows_no_authority(state: State) -> None:
    state.edit("gui-balancer", "ca-file /etc/haproxy/upstream/ca.crt", "")


@refused("backends-are-verified", "is not verified", stack="full TLS")
def test_a_server_that_takes_verification_back(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 verify none")


@refused("backends-are-verified", "may show a certificate for another name", stack="full TLS")
def test_a_balancer_that_takes_any_name(state: State) -> None:
    state.edit("track-balancer", f"verifyhost {TRACK_API}", "")


@refused("backends-are-verified", "has the parameter no-verifyhost, which these rules do not know", stack="full TLS")
def test_a_server_with_a_parameter_that_is_not_known(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 no-verifyhost")


@refused("backends-are-verified", "may be spoken to in any TLS version", stack="full TLS")
def test_a_balancer_without_an_oldest_version(state: State) -> None:
    state.edit("track-balancer", "ssl-default-server-options ssl-min-ver TLSv1.2", "ssl-default-server-options")


@refused("backends-are-verified", "may be spoken to in TLSv1.1", stack="full TLS")
def test_a_server_with_an_old_version(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 ssl-min-ver TLSv1.1")


@refused("backends-are-verified", "is spoken to in TLSv1.0 at most", stack="full TLS")
def test_a_server_with_an_old_version_only(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 ssl-max-ver TLSv1.0")
