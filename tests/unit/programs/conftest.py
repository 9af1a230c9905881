"""A Tracardi that listens, and a Job against it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .contract_server import PLUGINS, Server, Tracardi, serving
from .job import EMAIL, PASSWORD, TOKEN, Job, job_against


@pytest.fixture
def tracardi() -> Tracardi:
    return Tracardi(token=TOKEN)


@pytest.fixture
def installed(tracardi: Tracardi) -> Tracardi:
    tracardi.schema_ok = True
    tracardi.plugins[:] = PLUGINS
    tracardi.admins[EMAIL] = PASSWORD
    return tracardi


@pytest.fixture
def server(tracardi: Tracardi) -> Iterator[Server]:
    with serving(tracardi) as server:
        yield server


@pytest.fixture
def job(server: Server, tmp_path: Path) -> Job:
    return job_against(server.url, tmp_path)
