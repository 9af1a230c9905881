"""The paths that strangers can ask for: the pack refuses proxies that let more pass than event collection."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import State

TRACK_BALANCER = "Deployment tracardi-track/track-balancer"


@refused("internet-finds-only-collection-routes", f"{TRACK_BALANCER} frontend entry has no allow list of paths")
def test_a_public_balancer_without_an_allow_list(state: State) -> None:
    state.edit("track-balancer", "http-request deny deny_status 404 unless", "# http-request deny unless")


@refused("internet-finds-only-collection-routes", "frontend entry lets / pass")
def test_an_allow_list_that_admits_every_path(state: State) -> None:
    state.edit("track-balancer", "acl track-path path -m reg ^/track$", "acl track-path path_beg /")


@refused("internet-finds-only-collection-routes", "lets /install pass")
def test_an_allow_list_that_admits_the_installer(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "path -m reg ^/(track|install)$")


@refused("internet-finds-only-collection-routes", "lets /tracker/../install pass")
def test_an_allow_list_that_admits_dot_segments(state: State) -> None:
    state.edit("track-balancer", "acl tracker-path path", "acl tracker-path path_beg /tracker/\n    acl unused path")


@refused("internet-finds-only-collection-routes", "has no allow list of paths")
def test_an_allow_list_for_some_clients_only(state: State) -> None:
    state.edit("track-balancer", "unless track-path or", "unless { src 192.0.2.0/24 } or track-path or")


@refused("internet-finds-only-collection-routes", "http-request set-path in section instances")
def test_a_path_that_is_rewritten_behind_the_allow_list(state: State) -> None:
    state.edit("track-balancer", "    balance roundrobin", "    balance roundrobin\n    http-request set-path /install")


@refused("internet-finds-only-collection-routes", "http-request allow in section entry")
def test_a_request_that_is_let_in_before_the_allow_list(state: State) -> None:
    state.edit("track-balancer", "    # The internet reaches", "    http-request allow if { path /install }\n    #")


@refused("internet-finds-only-collection-routes", "does not read requests (mode http)", also=("entries-serve-tls",))
def test_a_public_balancer_that_does_not_read_requests(state: State) -> None:
    state.edit("track-balancer", "    mode http", "    mode tcp")


@refused("internet-finds-only-collection-routes", "lets /tracks pass")
def test_an_allow_list_of_one_letter_more(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "path -m reg ^/tracks?$")


@refused("internet-finds-only-collection-routes", "lets /event-source pass")
def test_an_allow_list_with_a_route_that_no_example_names(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "path -m reg ^/(track|event-source)$")


@refused("internet-finds-only-collection-routes", "lets /TRACK pass")
def test_an_allow_list_in_any_case(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "path -i -m str /track")


@refused("internet-finds-only-collection-routes", "lets more than can be told (the pattern ^/track(?!z)x$) pass")
def test_an_allow_list_that_looks_ahead(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "path -m reg ^/track(?!z)x$")


@refused("internet-finds-only-collection-routes", "lets /track/../install pass")
def test_an_allow_list_of_beginnings(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "path -m beg /track")


@refused("internet-finds-only-collection-routes", "has no allow list of paths")
def test_an_allow_list_from_a_file(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "path -f /etc/haproxy/paths")


@refused("internet-finds-only-collection-routes", "has no allow list of paths")
def test_an_allow_list_of_whole_addresses(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "url -m reg ^/track$")


@refused("internet-finds-only-collection-routes", "has no allow list of paths")
def test_an_allow_list_for_some_methods_only(state: State) -> None:
    state.edit("track-balancer", "unless track-path or", "unless { method GET } or track-path or")


@refused("internet-finds-only-collection-routes", "lets / pass")
def test_an_allow_list_that_is_words_of_another_condition(state: State) -> None:
    state.edit(
        "track-balancer", "deny_status 404 unless track-path", "deny_status 404 unless { path_beg / if !track-path"
    )


@refused("internet-finds-only-collection-routes", "has no allow list of paths")
def test_an_allow_list_that_is_a_word_of_an_answer(state: State) -> None:
    state.edit("track-balancer", "deny deny_status 404 unless", "deny hdr if !track-path unless { path_beg / } or")


@refused("internet-finds-only-collection-routes", "has tcp-request content set-dst in section entry")
def test_a_destination_that_is_set_before_requests_are_read(state: State) -> None:
    state.edit(
        "track-balancer", "    # The internet reaches", "    tcp-request content set-dst req.hdr_ip(x-to)\n    #"
    )


@refused("internet-finds-only-collection-routes", "has http-request normalize-uri in section entry")
def test_a_path_that_becomes_another_one(state: State) -> None:
    state.edit(
        "track-balancer",
        "    default_backend",
        "    http-request normalize-uri path-merge-slashes\n    default_backend",
    )


@accepted("internet-finds-only-collection-routes")
def test_an_allow_list_in_other_words(state: State) -> None:
    state.edit("track-balancer", "acl track-path path -m reg ^/track$", "acl track-path path /track")
    state.edit("track-balancer", "404 unless track-path or tracker-path", "404 if !track-path !tracker-path")


@accepted("internet-finds-only-collection-routes")
def test_an_allow_list_of_fewer_routes(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", "path -m reg ^/(track|collect/[a-z]{1,9}/web)$")
