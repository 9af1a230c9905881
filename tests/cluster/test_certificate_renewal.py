"""Certificates of the stack's own, replaced on demand and near their end, with what is deployed under them.

Time does not pass in tests: the state is told that a certificate ends sooner. pulumi-tls goes by the state as well, so
from there on everything is real.
"""

import base64
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509

from tests.cluster.live import Client, JsonObject
from tests.cluster.stacks import PODS
from tests.unit.stacks import REPOSITORY, changed, stack_file
from tools.cluster import Cluster
from tools.stack import commands, session
from tools.stack.session import Request, Session, prepare

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

LEAF = "tracardi-dev-track-balancer-certificate-certificate"
SHOWN = "tracardi-dev-track/track-balancer-tls"
AUTHORITY = "tracardi-dev-entries-authority-certificate"
NO_CHANGE = "preview: accepted; no change"


@dataclass
class Stack:
    """The small stack with TLS everywhere, run by the commands behind the Makefile."""

    session: Session
    client: Client
    told: list[str] = field(default_factory=list)

    def configure(self, **changes: object) -> None:
        """Write the stack file: the small stack's, with changes."""
        configuration = changed(stack_file("dev"), certificates__encryption="full", **changes)
        self.session.stack.tracked.write_text(yaml.safe_dump({"config": configuration}), encoding="utf-8")

    def up(self) -> None:
        """Bring it up, as `make up` does."""
        assert commands.up(self.session, self.told.append) == 0

    def preview(self) -> tuple[int, list[str]]:
        """Exit status of `make preview`, and what it adds to Pulumi's own words."""
        told: list[str] = []
        return commands.preview(self.session, told.append), told

    def age(self, name: str, days: float) -> None:
        """Let a certificate have `days` left."""
        assert self.session.target.state is not None
        file = self.session.target.state / ".pulumi" / "stacks" / "tracardi" / "dev.json"
        state = json.loads(file.read_text(encoding="utf-8"))
        (found,) = (each for each in state["checkpoint"]["latest"]["resources"] if each["urn"].endswith(f"::{name}"))
        # A moment more, so that whole days are left while the test runs.
        end = datetime.now(UTC) + timedelta(days=days, minutes=30)
        found["outputs"]["validityEndTime"] = f"{end:%Y-%m-%dT%H:%M:%SZ}"
        file.write_text(json.dumps(state), encoding="utf-8")

    def secrets(self) -> dict[str, JsonObject]:
        """The Secrets with certificates, by namespace and name."""
        found = self.client.items("/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls")
        return {f"{each['metadata']['namespace']}/{each['metadata']['name']}": each for each in found}

    def pods(self) -> set[str]:
        """Whatever pods there are, by identity."""
        return {pod["metadata"]["uid"] for pod in self.client.items(PODS)}


def data(secret: JsonObject, key: str) -> bytes:
    """What a Secret holds."""
    return base64.b64decode(secret["data"][key])


def certificate(secret: JsonObject, key: str = "tls.crt") -> x509.Certificate:
    """A certificate in a Secret."""
    return x509.load_pem_x509_certificate(data(secret, key))


@pytest.fixture(scope="module")
def stack(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, up."""
    folder = tmp_path_factory.mktemp("clone")
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "main": str(REPOSITORY)}), encoding="utf-8")
    for name in (".venv", "policies"):
        (folder / name).symlink_to(REPOSITORY / name)
    shutil.copy(REPOSITORY / "Pulumi.dev.yaml", folder)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "TRACARDI_"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "repository", lambda: folder)
        patch.setattr(session, "work_dir", lambda: folder / ".work")
        patch.setattr(session, "cluster_up", lambda *_, **__: cluster)
        stack = Stack(prepare(Request(), own, print), Client(cluster))
        stack.configure()
        stack.up()
        yield stack


def test_a_counter_replaces_every_certificate_and_its_key_and_nothing_else(stack: Stack) -> None:
    before, pods = stack.secrets(), stack.pods()
    assert len(before) == 7

    stack.configure(certificates__rotation=1)
    stack.up()

    after = stack.secrets()
    assert after.keys() == before.keys()
    for name, old in before.items():
        new = after[name]
        assert new["metadata"]["uid"] == old["metadata"]["uid"], "whoever mounts it never misses it"
        assert data(new, "ca.crt") == data(old, "ca.crt")
        assert data(new, "tls.key") != data(old, "tls.key")
        certificate(new).verify_directly_issued_by(certificate(old, "ca.crt"))
        assert certificate(new).public_key() != certificate(old).public_key()
    assert stack.pods() == pods, "programs read them again by themselves"
    assert stack.preview() == (0, [NO_CHANGE])


def test_a_certificate_near_its_end_is_told_then_fails_the_preview_and_up_renews_it(stack: Stack) -> None:
    before = stack.secrets()[SHOWN]
    stack.age(LEAF, 91)
    assert stack.preview() == (0, [NO_CHANGE])

    stack.age(LEAF, 60)
    status, told = stack.preview()
    assert status == 0
    assert f"{LEAF} ends on " in told[1]
    assert told[1].endswith(", in 60 days")
    assert told[-1] == "preview: accepted; the changes are those above"

    stack.age(LEAF, 5)
    status, told = stack.preview()
    assert status == 1
    assert "`make up` renews them, and is overdue" in told[0]
    assert told[1].endswith(", in 5 days")
    assert "rules have nothing against the changes" in told[-1], "they see the certificate that is to be"

    stack.up()

    after = stack.secrets()[SHOWN]
    assert certificate(after).not_valid_after_utc > certificate(before).not_valid_after_utc
    assert data(after, "tls.key") == data(before, "tls.key")
    assert stack.preview() == (0, [NO_CHANGE])


def test_the_renewal_of_an_authority_breaks_no_trust(stack: Stack) -> None:
    """While old and new certificates meet, each verifies with either of the authority's."""
    before = stack.secrets()[SHOWN]
    stack.age(AUTHORITY, 800)
    assert stack.preview()[0] == 0

    stack.up()

    after = stack.secrets()[SHOWN]
    assert data(after, "ca.crt") != data(before, "ca.crt")
    assert data(after, "tls.crt") != data(before, "tls.crt")
    for leaf in (before, after):
        for authority in (before, after):
            certificate(leaf).verify_directly_issued_by(certificate(authority, "ca.crt"))
    assert stack.preview() == (0, [NO_CHANGE])
