"""Rows of a table of requests and answers."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contract.api import Answer, Api


@dataclass(frozen=True)
class Row:
    """A request, and what it is answered; `name` begins with the section of the behaviour table that says so."""

    name: str
    method: str
    path: str
    status: int
    body: object = None
    expected: object = None
    """The whole answer, in JSON's terms; None where only the status is said."""
    detail: str | None = None
    """A part of `detail`."""
    headers: dict[str, str] = field(default_factory=dict)
    form: bool = False

    def check(self, api: Api, **more: Any) -> Answer:  # noqa: ANN401 - what Api.ask takes
        """Send the request, and compare."""
        answer = api.ask(self.method, self.path, self.body, form=self.form, headers=self.headers, **more)
        assert answer.status == self.status, answer.body
        if self.expected is not None:
            assert answer.json == self.expected
        if self.detail is not None:
            assert self.detail in answer.detail
        return answer


def table(*rows: Row) -> pytest.MarkDecorator:
    """Runs a test for each row."""
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])
