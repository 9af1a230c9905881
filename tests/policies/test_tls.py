"""TLS: the pack refuses entries that speak less than TLS 1.2, and an Elasticsearch that is not verified."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import State
from tests.unit.engine import JsonObject

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


@refused("entries-serve-tls", "frontend entry accepts TLSv1.0")
def test_the_weaker_of_two_oldest_versions(state: State) -> None:
    state.edit("track-balancer", "alpn h2,http/1.1", "ssl-min-ver TLSv1.0 ssl-min-ver TLSv1.3 alpn h2,http/1.1")


@refused("entries-serve-tls", "frontend entry accepts TLSv1.1 at most")
def test_an_old_version_only(state: State) -> None:
    state.edit("track-balancer", "alpn h2,http/1.1", "alpn h2,http/1.1 ssl-max-ver TLSv1.1")


@refused("entries-serve-tls", "frontend entry accepts TLSv1.0")
def test_an_old_version_by_force(state: State) -> None:
    state.edit("gui-balancer", "alpn h2,http/1.1", "alpn h2,http/1.1 force-tlsv10")


@refused("entries-serve-tls", "frontend entry offers ENULL in its ciphers")
def test_a_cipher_that_encrypts_nothing(state: State) -> None:
    state.edit("track-balancer", "ssl-default-bind-ciphers ", "ssl-default-bind-ciphers eNULL:")


@refused("entries-serve-tls", "frontend entry offers RC4-MD5 in its ciphers")
def test_a_weak_cipher_at_one_entry(state: State) -> None:
    state.edit("track-balancer", "alpn h2,http/1.1", "alpn h2,http/1.1 ciphers HIGH:!aNULL:RC4-MD5")


@refused("entries-serve-tls", "frontend entry has crt-list, which these rules do not follow")
def test_certificates_with_settings_of_their_own(state: State) -> None:
    state.edit("track-balancer", "crt /etc/haproxy/certs/tls.crt", "crt-list /etc/haproxy/certs/list")


@refused("entries-serve-tls", "frontend entry answers without TLS")
def test_a_second_address_without_tls(state: State) -> None:
    state.edit("track-balancer", "frontend entry\n", "frontend entry\n    bind :8444\n")


@refused("entries-serve-tls", "frontend plain answers without TLS")
def test_plain_requests_that_are_redirected_to_plain_ones(state: State) -> None:
    state.edit("track-balancer", "redirect prefix https://", "redirect prefix http://")


@refused("entries-serve-tls", "frontend plain answers without TLS")
def test_plain_requests_some_of_which_are_answered(state: State) -> None:
    answer = 'http-request return status 200 content-type text/plain string "hello" if { path /about }'
    state.edit("track-balancer", "    http-request redirect prefix", f"    {answer}\n    http-request redirect prefix")


@refused("entries-serve-tls", "frontend plain answers without TLS")
def test_plain_requests_some_of_which_are_redirected_elsewhere(state: State) -> None:
    redirect = "http-request redirect location http://other.example.com/ if { path /other }"
    state.edit(
        "track-balancer", "    http-request redirect prefix", f"    {redirect}\n    http-request redirect prefix"
    )


@refused(
    "entries-serve-tls", "HTTPRoute tracardi-track/track-balancer-redirect redirects requests without", stack="gateway"
)
def test_a_route_that_redirects_to_plain_requests(state: State) -> None:
    (rule,) = state.spec("HTTPRoute", "track-balancer-redirect")["rules"]
    rule["filters"][0]["requestRedirect"]["scheme"] = "http"


@refused("entries-serve-tls", "without the scheme https", stack="gateway")
def test_a_route_that_keeps_the_scheme_of_plain_requests(state: State) -> None:
    (rule,) = state.spec("HTTPRoute", "gui-balancer-redirect")["rules"]
    del rule["filters"][0]["requestRedirect"]["scheme"]


@accepted("entries-serve-tls")
def test_connections_of_clients_that_are_asked_whether_they_live(state: State) -> None:
    questions = "option clitcpka\n    clitcpka-idle 30s\n    clitcpka-intvl 5s\n    clitcpka-cnt 3\n"
    state.edit("track-balancer", "    option srvtcpka\n", f"    {questions}    option srvtcpka\n")


@accepted("entries-serve-tls")
def test_the_latest_version_alone_and_another_redirect(state: State) -> None:
    state.edit("track-balancer", "alpn h2,http/1.1", "alpn h2,http/1.1 ssl-min-ver TLSv1.3 strict-sni")
    state.edit("gui-balancer", "redirect prefix https://gui.example.com code 308", "redirect scheme https code 301")
    state.edit("gui-balancer", "ssl-min-ver TLSv1.2 no-tls-tickets", "force-tlsv12")
    state.edit("gui-api-balancer", "alpn h2,http/1.1", "alpn h2,http/1.1 ciphers HIGH:!aNULL:@STRENGTH")


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
    state.edit("track-balancer", "global\n    log stdout", "global\n    ssl-server-verify none\n    log stdout")


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


@refused("backends-are-verified", "does not say the oldest TLS version that it accepts", stack="full TLS")
def test_a_balancer_without_an_oldest_version(state: State) -> None:
    state.edit("track-balancer", "ssl-default-server-options ssl-min-ver TLSv1.2", "ssl-default-server-options")


@refused("backends-are-verified", "accepts TLSv1.1", stack="full TLS")
def test_a_server_with_an_old_version(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 ssl-min-ver TLSv1.1")


@refused("backends-are-verified", "accepts TLSv1.0 at most", stack="full TLS")
def test_a_server_with_an_old_version_only(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 ssl-max-ver TLSv1.0")


@refused("backends-are-verified", "offers RC4-SHA in its ciphers", stack="full TLS")
def test_a_server_with_a_weak_cipher(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 ciphers ECDHE-RSA-AES128-GCM-SHA256:RC4-SHA")


@refused("backends-are-verified", "has the parameter no-check-ssl", stack="full TLS")
def test_a_server_whose_health_is_asked_for_in_plain_text(state: State) -> None:
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 no-check-ssl")


@refused(
    "backends-are-verified",
    f"{TRACK_API} is refused: the proxy verifies with /etc/ssl/elsewhere.crt, which no ConfigMap or Secret holds",
    stack="full TLS",
)
def test_an_authority_that_is_nowhere(state: State) -> None:
    state.edit("track-balancer", "/etc/haproxy/upstream/ca.crt", "/etc/ssl/elsewhere.crt")


@refused("backends-are-verified", "which no ConfigMap or Secret of the stack holds", stack="full TLS")
def test_an_authority_of_others_for_instances_of_the_stack(state: State) -> None:
    volume(state, "track-balancer", "upstream")["secret"]["secretName"] = "theirs"


@refused("backends-are-verified", "which does not have the authority that signed it", stack="full TLS")
def test_an_authority_that_signed_something_else(state: State) -> None:
    volume(state, "track-balancer", "upstream").update(
        secret=None, configMap={"name": "elasticsearch-ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    )


@refused(
    "backends-are-verified", "with a file that Secret tracardi-track/track-api-tls does not have", stack="full TLS"
)
def test_an_authority_under_another_name(state: State) -> None:
    volume(state, "track-balancer", "upstream")["secret"]["items"] = [{"key": "ca.crt", "path": "other.crt"}]


@accepted("backends-are-verified", stack="full TLS")
def test_an_authority_in_a_volume_of_several_sources(state: State) -> None:
    found = volume(state, "track-balancer", "upstream")
    secret = found.pop("secret")
    found["projected"] = {"sources": [{"secret": {"name": secret["secretName"], "items": secret["items"]}}]}
    state.edit("track-balancer", f"{TRACK_API}:8080", f"{TRACK_API}:8080 ssl-min-ver TLSv1.3")


def volume(state: State, workload: str, name: str) -> JsonObject:
    """The volume `name` of a workload's pods."""
    volumes: list[JsonObject] = state.pod(workload)["volumes"]
    return next(found for found in volumes if found["name"] == name)


@refused("gateways-verify-balancers", "Service tracardi-track/track-balancer-entry has no", stack="gateway")
def test_a_gateway_that_verifies_another_service(state: State) -> None:
    (target,) = state.spec("BackendTLSPolicy", "track-balancer")["targetRefs"]
    target["name"] = "track-api"


@refused("gateways-verify-balancers", "Service tracardi-console/gui-balancer-entry has no", stack="gateway")
def test_a_gateway_that_knows_no_authority(state: State) -> None:
    state.spec("BackendTLSPolicy", "gui-balancer")["validation"]["caCertificateRefs"] = []


@refused(
    "gateways-verify-balancers",
    "BackendTLSPolicy tracardi-console/gui-balancer does not name the authority that signs for the pods of Service",
    stack="gateway",
)
def test_a_gateway_with_an_authority_that_signed_something_else(state: State) -> None:
    (reference,) = state.spec("BackendTLSPolicy", "gui-balancer")["validation"]["caCertificateRefs"]
    reference["name"] = "elasticsearch-ca"


@accepted("gateways-verify-balancers", stack="gateway")
def test_one_policy_for_two_services(state: State) -> None:
    policy = state.spec("BackendTLSPolicy", "gui-balancer")
    policy["targetRefs"].append({"group": "", "kind": "Service", "name": "gui"})
