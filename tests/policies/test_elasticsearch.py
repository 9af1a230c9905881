"""Elasticsearch: the pack refuses nodes that speak plain text, and whoever does not verify them."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

VERIFIED = "elasticsearch-is-verified"
SERVES = "elasticsearch-serves-tls"
HOST = "elasticsearch.tracardi-data.svc.cluster.local"
NODES = "StatefulSet tracardi-data/elasticsearch"


@refused(VERIFIED, "Deployment tracardi-track/track-api has no ELASTIC_VERIFY_CERTS")
def test_an_api_that_does_not_verify_elasticsearch(state: State) -> None:
    state.drop_variable("track-api", "ELASTIC_VERIFY_CERTS")


@refused(VERIFIED, "has no ELASTIC_HOST that begins with https:// in container api")
def test_an_api_that_speaks_plain_to_one_of_several_addresses(state: State) -> None:
    state.set_variable("gui-api", "ELASTIC_HOST", value=f"https://{HOST}:9200,http://{HOST}:9200")


@refused(VERIFIED, "gui-api has no ELASTIC_HOST", also=("connections-are-intended",))
def test_an_address_that_cannot_be_seen(state: State) -> None:
    state.set_variable("gui-api", "ELASTIC_HOST", value=UNKNOWN)


@refused(VERIFIED, "Job tracardi-console/installation-", also=("intended-connections-are-open",))
def test_a_job_that_talks_to_elasticsearch(state: State) -> None:
    state.set_variable("installation", "ELASTIC_HOST", value=f"http://{HOST}:9200")


@refused(VERIFIED, "Job tracardi-console/preflight-", "has no ELASTIC_VERIFY_CERTS that is yes", stack="external data")
def test_a_check_that_believes_anybody(state: State) -> None:
    state.set_variable("preflight", "ELASTIC_VERIFY_CERTS", value="no")


@refused(VERIFIED, "has no ELASTIC_VERIFY_CERTS that is yes")
def test_a_yes_that_is_another_word(state: State) -> None:
    state.set_variable("track-api", "ELASTIC_VERIFY_CERTS", value="yesterday")


@refused(VERIFIED, "has no ELASTIC_VERIFY_CERTS that is yes", also=("secrets-can-be-found",))
def test_a_yes_that_comes_from_a_secret(state: State) -> None:
    state.set_variable("track-api", "ELASTIC_VERIFY_CERTS", valueFrom={"secretKeyRef": {"name": "one", "key": "two"}})


@refused(VERIFIED, "has no ELASTIC_HOST that begins with https://")
def test_an_address_with_nothing_behind_the_comma(state: State) -> None:
    state.set_variable("gui-api", "ELASTIC_HOST", value=f"https://{HOST}:9200,")


@refused(VERIFIED, "has an ELASTIC_SCHEME that is not https")
def test_a_scheme_that_says_otherwise(state: State) -> None:
    state.set_variable("gui-api", "ELASTIC_SCHEME", value="http")


@refused(VERIFIED, "track-api does not accept Elasticsearch's certificate: it names no file with the authority")
def test_an_api_that_does_not_know_the_stack_s_own_authority(state: State) -> None:
    state.drop_variable("track-api", "ELASTIC_CA_FILE")


@refused(VERIFIED, "it verifies with /etc/ssl/certs/ca.pem, which no ConfigMap or Secret holds in container api")
def test_an_api_with_the_authorities_of_its_image(state: State) -> None:
    state.set_variable("track-api", "ELASTIC_CA_FILE", value="/etc/ssl/certs/ca.pem")


@refused(VERIFIED, "it verifies with a file that ConfigMap tracardi-track/elasticsearch-ca does not have")
def test_an_authority_that_is_not_in_its_file(state: State) -> None:
    state.set_variable("track-api", "ELASTIC_CA_FILE", value="/etc/tracardi/elasticsearch/authority.crt")


@refused(
    VERIFIED, "it verifies with /etc/tracardi/elasticsearch/ca.crt, which no ConfigMap or Secret of the stack holds"
)
def test_an_authority_in_a_config_map_that_is_not_there(state: State) -> None:
    volumes = [volume for volume in state.pod("gui-api")["volumes"] if "configMap" in volume]
    volumes[0]["configMap"]["name"] = "other"


@accepted(VERIFIED)
def test_several_addresses_of_the_same_nodes(state: State) -> None:
    first, second = (
        f"https://elasticsearch-{node}.elasticsearch-nodes.tracardi-data.svc.cluster.local" for node in (0, 1)
    )
    state.set_variable("gui-api", "ELASTIC_HOST", value=f"{first}:9200, {second}:9200")


@refused(SERVES, f"{NODES} does not say xpack.security.http.ssl.enabled: true in container elasticsearch")
def test_nodes_that_answer_in_plain_text(state: State) -> None:
    edit(state, "xpack.security.http.ssl.enabled: true", "xpack.security.http.ssl.enabled: false")


@refused(SERVES, "does not say xpack.security.enabled: true")
def test_nodes_that_leave_security_to_their_release(state: State) -> None:
    edit(state, "xpack.security.enabled: true", "# xpack.security.enabled: true")


@refused(SERVES, "does not say xpack.security.transport.ssl.enabled: true")
def test_nodes_that_a_variable_tells_otherwise(state: State) -> None:
    state.set_variable("elasticsearch", "xpack.security.transport.ssl.enabled", value="false")


@refused(SERVES, "does not say xpack.security.enabled: true")
def test_nodes_that_a_variable_in_the_image_s_own_spelling_tells_otherwise(state: State) -> None:
    state.set_variable("elasticsearch", "ES_SETTING_XPACK_SECURITY_ENABLED", value="false")


@refused(SERVES, "does not say xpack.security.http.ssl.enabled: true")
def test_nodes_that_their_command_line_tells_otherwise(state: State) -> None:
    state.container("elasticsearch")["args"] = ["eswrapper", "-E", "xpack.security.http.ssl.enabled=false"]


@refused(SERVES, "has xpack.security.transport.ssl.verification_mode: none")
def test_nodes_that_do_not_verify_each_other(state: State) -> None:
    edit(state, "verification_mode: certificate", "verification_mode: none")


@refused(SERVES, "has xpack.security.transport.ssl.client_authentication: none")
def test_nodes_that_take_anybody_for_a_node(state: State) -> None:
    edit(state, "client_authentication: required", "client_authentication: none")


@refused(SERVES, "has xpack.security.http.ssl.supported_protocols: TLSv1.1,TLSv1.2")
def test_nodes_that_accept_an_old_version(state: State) -> None:
    edit(state, "xpack.license", "xpack.security.http.ssl.supported_protocols: [TLSv1.1, TLSv1.2]\nxpack.license")


@refused(SERVES, "lets in whoever shows no password (xpack.security.authc.anonymous.roles)")
def test_nodes_that_ask_for_no_password(state: State) -> None:
    edit(state, "xpack.license", "xpack.security.authc:\n  anonymous:\n    roles: superuser\nxpack.license")


@refused(SERVES, f"{NODES} cannot be judged (the content of elasticsearch.yml cannot be seen)")
def test_nodes_whose_settings_cannot_be_seen(state: State) -> None:
    state.inputs("ConfigMap", "elasticsearch")["data"]["elasticsearch.yml"] = UNKNOWN


@refused(SERVES, "cannot be judged (elasticsearch.yml is no YAML)")
def test_nodes_whose_settings_are_no_yaml(state: State) -> None:
    edit(state, "xpack.license", "xpack: [\nxpack.license")


@refused(SERVES, "cannot be judged (elasticsearch.yml says xpack.security.http.ssl.enabled twice)")
def test_nodes_that_are_told_two_things(state: State) -> None:
    edit(state, "xpack.license", "xpack.security.http:\n  ssl.enabled: false\nxpack.license")


@refused(SERVES, "cannot be judged (its settings may be written by container prepare, which these rules do not know)")
def test_nodes_whose_settings_another_program_writes(state: State) -> None:
    more = "echo 'xpack.security.enabled: false' >/prepared/elasticsearch.yml\nmkdir -p"
    state.edit("elasticsearch", "mkdir -p", more, "prepare.sh")


@refused(SERVES, "cannot be judged (its command line does not start Elasticsearch as its image does)")
def test_nodes_that_a_shell_starts(state: State) -> None:
    state.container("elasticsearch")["command"] = ["sh", "-c", "elasticsearch -Expack.security.enabled=false"]


@refused(SERVES, "cannot be judged (ES_PATH_CONF leads to another folder)")
def test_nodes_with_another_folder(state: State) -> None:
    state.set_variable("elasticsearch", "ES_PATH_CONF", value="/etc/other")


@refused(SERVES, "does not say xpack.security.enabled: true")
def test_nodes_whose_file_has_another_key(state: State) -> None:
    state.inputs("ConfigMap", "elasticsearch")["data"]["other.yml"] = "xpack.security.enabled: false"
    mount = {
        "name": "scripts",
        "mountPath": "/usr/share/elasticsearch/config/elasticsearch.yml",
        "subPath": "other.yml",
    }
    state.container("elasticsearch")["volumeMounts"].append(mount)


@accepted(SERVES)
def test_nodes_whose_settings_are_nested(state: State) -> None:
    edit(state, "xpack.security.enabled: true\n", "")
    edit(state, "xpack.license", "xpack:\n  security:\n    enabled: true\nxpack.license")
    edit(state, "verification_mode: certificate", 'verification_mode: "full"')


def edit(state: State, old: str, new: str) -> None:
    state.edit("elasticsearch", old, new, "elasticsearch.yml")


@refused(SERVES, f"{NODES} offers TLS_RSA_WITH_NULL_SHA256 (xpack.security.http.ssl.cipher_suites)")
def test_a_suite_that_encrypts_nothing(state: State) -> None:
    said = "xpack.security.http.ssl.cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_RSA_WITH_NULL_SHA256]\n"
    state.inputs("ConfigMap", "elasticsearch")["data"]["elasticsearch.yml"] += said


@accepted(SERVES)
def test_suites_of_todays_tls(state: State) -> None:
    said = "xpack.security.http.ssl.cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]\n"
    state.inputs("ConfigMap", "elasticsearch")["data"]["elasticsearch.yml"] += said
