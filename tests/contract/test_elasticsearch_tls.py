"""Section 2.1 of the fact sheet: certificates, name and password of Elasticsearch have to be right."""

import pytest

from tests.contract.conftest import Starts, System
from tests.contract.front import SECRET, USER, Front
from tests.dataplane.sandbox import Bind

RIGHT = {"ELASTIC_CA_FILE": "/trusted/ca.pem", "ELASTIC_HTTP_AUTH_PASSWORD": SECRET, "ELASTIC_VERIFY_CERTS": "yes"}
ACCEPTED: dict[str, dict[str, str | None]] = {
    "2.1-all-right": {},
    "2.1-name-by-default": {"ELASTIC_HTTP_AUTH_USERNAME": None},
    "2.1-not-verified": {"ELASTIC_VERIFY_CERTS": "no", "ELASTIC_CA_FILE": None},
    "2.1-verified-by-default": {"ELASTIC_VERIFY_CERTS": None},
}
REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "2.1-another-authority": ({"ELASTIC_CA_FILE": "/trusted/other.pem"}, "CERTIFICATE_VERIFY_FAILED"),
    "2.1-no-authority": ({"ELASTIC_CA_FILE": None}, "CERTIFICATE_VERIFY_FAILED"),
    "2.1-no-such-file": ({"ELASTIC_CA_FILE": "/trusted/none.pem"}, "No such file"),
    "2.1-verified-unless-told-otherwise": (
        {"ELASTIC_CA_FILE": None, "ELASTIC_VERIFY_CERTS": None}, "CERTIFICATE_VERIFY_FAILED",
    ),
    "2.1-another-host": ({"ELASTIC_HOST": "https://127.0.0.2:{port}"}, "CERTIFICATE_VERIFY_FAILED"),
    "2.1-wrong-password": ({"ELASTIC_HTTP_AUTH_PASSWORD": "wrong"}, "AuthenticationException(401"),
    "2.1-wrong-name": ({"ELASTIC_HTTP_AUTH_USERNAME": "tracardi"}, "AuthenticationException(401"),
    "2.1-no-password": ({"ELASTIC_HTTP_AUTH_PASSWORD": None}, "AuthenticationException(401"),
    "2.1-plain": ({"ELASTIC_HOST": "http://127.0.0.1:{port}"}, "ConnectionError("),
}  # fmt: skip


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_elasticsearch_is_reached(starts: Starts, system: System, front: Front, changes: dict[str, str | None]) -> None:
    assert system
    api = starts("main", variables(front, changes), binds=(Bind(front.folder, "/trusted"),))

    assert api.ask("GET", "/install").json["schema_ok"]


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_elasticsearch_is_not_reached(starts: Starts, front: Front, changes: dict[str, str | None], said: str) -> None:
    api = starts("main", variables(front, changes), binds=(Bind(front.folder, "/trusted"),))

    answer = api.ask("GET", "/install")

    assert answer.status == 500
    assert said in answer.detail
    assert api.ask("GET", "/healthcheck").status == 200
    assert SECRET not in api.process.log.read_text()


def variables(front: Front, changes: dict[str, str | None]) -> dict[str, str | None]:
    """What is right, but for the changes."""
    every = {"ELASTIC_HOST": "https://127.0.0.1:{port}", "ELASTIC_HTTP_AUTH_USERNAME": USER, **RIGHT, **changes}
    return {name: value.format(port=front.port) if value is not None else None for name, value in every.items()}
