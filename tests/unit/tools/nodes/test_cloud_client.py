"""What the cloud makes of the API server's answers, and of none."""

import json
import re
import threading

import pytest

from tools.cluster.api import Api
from tools.errors import ToolError
from tools.nodes.cloud.client import Client, Object, Refused
from tools.nodes.cloud.journal import Journal, write
from tools.nodes.cloud.loop import run


class _Answering(Client):
    """Gets the same answer to everything."""

    def __init__(self, status: int, body: Object) -> None:
        self.answer = status, json.dumps(body)

    def _exchange(self, *_: object) -> tuple[int, str]:
        return self.answer


def test_objects_that_appeared_or_went_meanwhile_are_no_trouble() -> None:
    _Answering(409, {"message": "exists"}).create("/things", {})
    gone = _Answering(404, {"message": "gone"})
    gone.patch("/things/one", {})
    gone.delete("/things/one")


@pytest.mark.parametrize(("method", "status"), [("create", 404), ("patch", 409), ("delete", 403), ("items", 404)])
def test_any_other_refusal_is_told_as_the_server_says_it(method: str, status: int) -> None:
    client = _Answering(status, {"message": "not today"})
    with pytest.raises(Refused, match=f"answered {status}: not today") as refused:
        getattr(client, method)("/things", *([{}] if method in {"create", "patch"} else []))

    assert refused.value.status == status


def test_a_refusal_in_plain_text_is_told_as_well() -> None:
    client = _Answering(503, {})
    client.answer = 503, "shutting down\n"

    with pytest.raises(Refused, match=r"answered 503: shutting down$"):
        client.items("/things")


def test_a_server_that_is_not_there_yet_is_looked_for_every_time() -> None:
    looked: list[str] = []

    def find() -> Api:
        looked.append("")
        raise FileNotFoundError("kubeconfig.yaml")

    client = Client(find)
    for _ in range(2):
        with pytest.raises(OSError, match=r"the API server does not answer: kubeconfig\.yaml"):
            client.items("/things")

    assert len(looked) == 2


def test_a_step_that_fails_is_told_once_and_stops_no_other() -> None:
    told: list[str] = []
    rounds: list[str] = []
    stop = threading.Event()

    def fails() -> None:
        if len(rounds) < 2:
            raise ToolError("no nft")

    def works() -> None:
        rounds.append("")
        if len(rounds) == 3:
            stop.set()

    stop.wait = lambda timeout=None: not timeout  # type: ignore[method-assign] # nobody waits in a test
    run({"Services": fails, "volumes": works}, stop, Journal(told.append))

    assert told == ["Services: no nft", "Services: as it should be again"]


def test_lines_begin_with_the_time_of_day(capsys: pytest.CaptureFixture[str]) -> None:
    write("node-a serves tracardi/track")

    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} node-a serves tracardi/track\n", capsys.readouterr().err)
