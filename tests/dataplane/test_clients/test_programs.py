"""Programs as clients: load generators and a browser."""

import pytest

from tests.dataplane.clients.browser import Browser, PageError
from tests.dataplane.clients.h2load import H2load, ReportError
from tests.dataplane.clients.wrk import Wrk
from tests.dataplane.sandbox import Place
from tests.dataplane.test_clients.proxy import HOST


@pytest.mark.parametrize("http2", [True, False])
def test_h2load_reports_answers_and_refusals(place: Place, haproxy: str, *, http2: bool) -> None:
    generator = H2load(place=place, address=haproxy, host=HOST, http2=http2, connections=4)

    fine, busy = generator.run(1, "/track", body=b"{}"), generator.run(1, "/busy")

    assert fine.requests == fine.succeeded == fine.statuses["2xx"] > 100
    assert fine.failed == fine.errored == 0
    assert 0 < fine.p50 <= fine.p99 < 1
    assert busy.requests == busy.failed == busy.statuses["5xx"] > 100


def test_wrk_reports_answers_and_refusals(place: Place, haproxy: str) -> None:
    generator = Wrk(place=place, address=haproxy, host=HOST, connections=4)

    fine, busy = generator.run(1, "/track", body=b"{}"), generator.run(1, "/busy")

    assert fine.requests == fine.succeeded > 100
    assert 0 < fine.p50 <= fine.p99 < 1
    assert busy.requests == busy.failed > 100


def test_load_generators_that_reach_nobody_report_nothing(place: Place) -> None:
    with pytest.raises(ReportError):
        H2load(place=place, address=place.address, host=HOST, port=1).run(1, "/")
    with pytest.raises(ReportError, match="Connection refused"):
        Wrk(place=place, address=place.address, host=HOST, port=1).run(1, "/")


def test_a_browser_runs_a_page_and_tells_what_it_writes(place: Place, haproxy: str, ca: str) -> None:
    page = Browser(place, ca, {HOST: haproxy}).visit(f"https://{HOST}/page")

    assert page.title == "answered"
    assert page.console == ("answered 200 in\ntwo lines",)
    assert "nothing yet" in page.dom


@pytest.mark.parametrize(
    ("host", "reason"), [(HOST, "ERR_CERT_AUTHORITY_INVALID"), ("other.example.com", "ERR_NAME_NOT_RESOLVED")]
)
def test_a_browser_refuses_a_foreign_certificate_and_knows_no_other_host(
    place: Place, haproxy: str, foreign: str, host: str, reason: str
) -> None:
    with pytest.raises(PageError, match=f"^https://{host}/page: net::{reason}$"):
        Browser(place, foreign, {HOST: haproxy}).visit(f"https://{host}/page")
