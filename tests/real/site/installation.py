"""One stack on real nodes: deployed with the policy pack, asked from outside, and its stores counted."""

import base64
import http
import json
from pathlib import Path
from typing import Any

import httpx
import trustme

from tests.cluster.live import JsonObject
from tests.cluster.stacks import Deployment
from tests.dataplane.clients.http import Client
from tests.dataplane.sandbox import Place
from tests.real.images import REGISTRY
from tests.real.site.machine import Machine
from tests.real.site.settings import SECRETS
from tests.unit.stacks import REPOSITORY

_PACK = REPOSITORY / "policies"
_ENTRIES = {"track": "track-balancer", "guiApi": "gui-api-balancer", "gui": "gui-balancer"}


class Installation(Deployment):
    """A stack, whom its certificates are from, and clients of its entries."""

    def __init__(self, machine: Machine, folder: Path, pack: str) -> None:
        """`pack` names the policy pack's configuration, dev or prod."""
        super().__init__(machine.cluster, folder)
        self.machine = machine
        self._pack = pack
        self._authority = _authority(folder / "authority.pem")

    def up(self) -> None:
        """Deploy what is configured, judged by the policy pack; whatever it needs beforehand is made."""
        if self.configuration["tracardi:certificates"].get("source") == "provided":
            self.provide_certificates()
        self.stack.up(policy_packs=[str(_PACK)], policy_pack_configs=[str(self._pack_configuration())])

    def _pack_configuration(self) -> Path:
        """The pack's own, and a word that the tests' registry is to be trusted."""
        own = json.loads((_PACK / "config" / f"{self._pack}.json").read_text(encoding="utf-8"))
        file = self.folder / "policies.json"
        file.write_text(json.dumps({**own, "images-come-from-known-registries": {"registries": [REGISTRY]}}))
        return file

    def provide_certificates(self) -> None:
        """Put certificates where the stack expects them: new ones each time."""
        for entry, secret in SECRETS.items():
            namespace = self.namespace("track" if entry == "track" else "console")
            issued = self._authority.issue_cert(self.host(entry))
            self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            data = {
                "tls.crt": b"".join(each.bytes() for each in issued.cert_chain_pems).decode(),
                "tls.key": issued.private_key_pem.bytes().decode(),
            }
            metadata = {"name": secret, "namespace": namespace}
            kind = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
            self.apply({**kind, "metadata": metadata, "stringData": data})

    def apply(self, manifest: JsonObject) -> None:
        """Create or change an object as `kubectl apply` does."""
        file = self.folder / "applied.json"
        file.write_text(json.dumps(manifest), encoding="utf-8")
        self.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=tests", f"--filename={file}")

    @property
    def name(self) -> str:
        """The installation's name, which its namespaces begin with."""
        return str(self.configuration["tracardi:installation"].get("name", "tracardi"))

    def namespace(self, tier: str) -> str:
        """The namespace of `track`, `console` or `data`."""
        return f"{self.name}-{tier}"

    def host(self, entry: str) -> str:
        """The host name of `track`, `guiApi` or `gui`."""
        return str(self.configuration[f"tracardi:{entry}"]["host"])

    def address(self, entry: str) -> str:
        """The address that the entry was given."""
        path = f"/api/v1/namespaces/{self.namespace('track' if entry == 'track' else 'console')}/services"
        (service,) = [
            each
            for each in self.client.items(path)
            if each["metadata"]["name"].startswith(_ENTRIES[entry]) and each["spec"]["type"] == "LoadBalancer"
        ]
        return str(service["status"]["loadBalancer"]["ingress"][0]["ip"])

    @property
    def authority(self) -> str:
        """Whom clients of the entries have to trust (PEM)."""
        if self.configuration["tracardi:certificates"].get("source") == "generated":
            return str(self.stack.outputs()["certificateAuthority"].value)
        return self._authority.cert_pem.bytes().decode()

    def client_of(self, entry: str, place: Place, **options: Any) -> Client:  # noqa: ANN401 - the client's own
        """A client of an entry, that connects from `place`."""
        return Client(place, self.address(entry), self.host(entry), self.authority, **options)

    def secret(self, tier: str, name: str, key: str) -> str:
        """A value of a Secret, in clear."""
        found = self.client.get(f"/api/v1/namespaces/{self.namespace(tier)}/secrets/{name}")
        return base64.b64decode(found["data"][key]).decode()

    def administrator(self, place: Place | None = None) -> "Administrator":
        """Somebody who has logged in to the GUI API with the generated password, from the trusted network."""
        return Administrator(self, place or self.machine.trusted)


def _authority(file: Path) -> trustme.CA:
    """The one in the file, or a new one that is written there: a kept installation goes on with it."""
    if file.exists():
        certificate, _, key = file.read_bytes().partition(b"\n\n")
        return trustme.CA.from_pem(certificate, key)
    authority = trustme.CA()
    file.write_bytes(authority.cert_pem.bytes() + b"\n\n" + authority.private_key_pem.bytes())
    return authority


class Administrator:
    """A session with the GUI API. Raises AssertionError where the login is refused."""

    def __init__(self, installation: Installation, place: Place) -> None:
        self._client = installation.client_of("guiApi", place)
        email = installation.configuration["tracardi:installation"]["adminEmail"]
        password = installation.secret("console", "installation-credentials", "admin-password")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = str(httpx.QueryParams({"username": email, "password": password})).encode()
        answer = self._client.post("/user/token", headers=form, content=body)
        assert answer.status_code == http.HTTPStatus.OK, answer.text
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "X-Context": "production"}

    def get(self, path: str) -> httpx.Response:
        """The answer to a GET with the session's token, in the context of production."""
        return self._client.get(path, headers=self._headers)

    def events(self) -> int:
        """How many events are stored."""
        answer = self.get("/event/count")
        assert answer.status_code == http.HTTPStatus.OK, answer.text
        return int(answer.json()["count"])

    def stored(self, session: str) -> list[JsonObject]:
        """The stored events of a session."""
        query = {
            "minDate": {"delta": {"type": "minus", "value": -1, "entity": "hour"}},
            "maxDate": {},
            "where": f'session.id="{session}"',
            "limit": 100,
            "start": 0,
        }
        content = json.dumps(query).encode()
        answer = self._client.post("/event/select/range", headers=self._headers, content=content)
        assert answer.status_code == http.HTTPStatus.OK, answer.text
        return list(answer.json()["result"])

    def close(self) -> None:
        """End the session's connection."""
        self._client.close()
