"""Installations that differ in what matters come up on a real control plane, stay as they are, and go again."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
import trustme
from pulumi import automation

from components.context import context_of
from components.existing import ExpectedSecret, expected_secrets
from model.roles import Role
from settings.root import Settings
from tests.cluster.live import JsonObject, role_of
from tests.cluster.stacks import Deployment
from tests.policies.analysis import configuration
from tests.policies.test_variants import fitting
from tests.unit.stacks import REPOSITORY, changed, settings_of
from tests.unit.variants import Configuration, variants

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

VARIANTS = variants()
KEPT = "kept data"
ALIKE = {
    "small",
    "production",
    "release 0.8.2.1",
    "NodePort",
    "mirror",
    "no service",
    "declared load",
    "commercial 0.8.2.1 with a queue in plain text",
}
"""Those of which other tests on embedded clusters have all that a control plane makes a difference to."""


class Surroundings:
    """What a variant relies on and does not make."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.secrets: set[str] = set()
        """Every secret value in it."""

    def provide(self, settings: Settings) -> None:
        """Make the Secrets that `settings` name, and their namespaces."""
        for expected in expected_secrets(settings):
            data = _pair() if expected.tls else {key: f"{expected.name}-{key}-Kw7_9pXz~42" for key in expected.keys}
            self.secrets |= {value for key, value in data.items() if not key.endswith(".crt")}
            self._apply(_namespace(expected.namespace))
            self._apply(_secret(expected, data))

    def _apply(self, manifest: JsonObject) -> None:
        file = self._deployment.folder / "manifest.json"
        file.write_text(json.dumps(manifest), encoding="utf-8")
        self._deployment.kubectl("apply", f"--filename={file}")


def _pair() -> dict[str, str]:
    issued = trustme.CA().issue_cert("track.example.com")
    files = {"tls.crt": issued.cert_chain_pems[0], "tls.key": issued.private_key_pem}
    return {name: file.bytes().decode() for name, file in files.items()}


def _namespace(name: str) -> JsonObject:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _secret(expected: ExpectedSecret, data: dict[str, str]) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": expected.name, "namespace": expected.namespace},
        "type": "kubernetes.io/tls" if expected.tls else "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def configure(deployment: Deployment, configuration: Configuration) -> None:
    """Configure as a person would: what is secret is encrypted."""
    credentials, installation = configuration.get("tracardi:credentials", {}), configuration["tracardi:installation"]
    given = {f"credentials.{key}.value": source["value"] for key, source in credentials.items() if "value" in source}
    given |= {f"installation.{key}": value for key, value in installation.items() if key == "licence"}
    deployment.configure(
        {
            **configuration,
            "tracardi:credentials": {key: source for key, source in credentials.items() if "value" not in source},
            "tracardi:installation": {key: value for key, value in installation.items() if key != "licence"},
        }
    )
    if given:
        deployment.stack.set_all_config(
            {f"tracardi:{key}": automation.ConfigValue(value, secret=True) for key, value in given.items()}, path=True
        )


def judged(deployment: Deployment, configured: JsonObject) -> list[str]:
    """What the policy pack, with a configuration, says of the stack's state."""
    configuration_file = deployment.folder / "pack.json"
    configuration_file.write_text(json.dumps(configured), encoding="utf-8")
    state = deployment.folder / "state.json"
    state.write_text(json.dumps(vars(deployment.stack.export_stack())), encoding="utf-8")
    pack = REPOSITORY / "policies"
    # As JSON: told to people, a violation that belongs to no single resource ends Pulumi 3.250.0 with a panic.
    command = ["pulumi", "policy", "analyze", "--json", f"--file={state}", f"--policy-pack={pack}", "--non-interactive"]
    command.append(f"--policy-pack-config={configuration_file}")
    environment = {**os.environ, **deployment.stack.workspace.env_vars}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=deployment.folder, env=environment, timeout=60
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    (summary,) = (event["summaryEvent"] for event in events if "summaryEvent" in event)
    told = [event["policyEvent"]["message"] for event in events if "policyEvent" in event]
    assert summary["PolicyPacks"].keys() == {"tracardi-production"}, done.stderr
    assert (summary["result"] == "succeeded") is (not told), done.stderr
    return told


def unready(deployment: Deployment) -> list[str]:
    """Workloads of which less runs than should."""
    workloads = [*deployment.objects("deployments"), *deployment.objects("statefulsets")]
    assert len(workloads) > 4
    wanted = {item["metadata"]["name"]: item["spec"]["replicas"] for item in workloads}
    ready = {item["metadata"]["name"]: item["status"].get("readyReplicas", 0) for item in workloads}
    return [name for name in wanted if wanted[name] != ready[name]]


def shown_in_state(deployment: Deployment, secrets: set[str]) -> list[str]:
    """The secrets that stand in the state file in clear."""
    state = (deployment.folder / "state" / ".pulumi" / "stacks" / "tracardi" / "test.json").read_text(encoding="utf-8")
    return [value for value in secrets if value in state or json.dumps(value)[1:-1] in state]


def volumes(deployment: Deployment) -> dict[str, str]:
    """The volume of each claim."""
    claims = deployment.objects("persistentvolumeclaims")
    return {item["metadata"]["name"]: item["spec"]["volumeName"] for item in claims}


def awaited(deployment: Deployment) -> list[JsonObject]:
    """The Jobs that `pulumi up` waits for: those that no CronJob has made."""
    return [job for job in deployment.objects("jobs") if not job["metadata"].get("ownerReferences")]


def remaining(deployment: Deployment) -> list[str]:
    """What is there of an installation, and of any volume."""
    kinds = ("namespaces", "all", "secrets")
    objects = [item for kind in kinds for item in deployment.objects(kind)]
    volumes = json.loads(deployment.kubectl("get", "persistentvolumes", "-ojson"))["items"]
    return [f"{item['kind']}/{item['metadata']['name']}" for item in [*objects, *volumes]]


# The longest of all first, so that no worker is left with it in the end.
def test_kept_data_outlive_their_stack_and_are_adopted_by_the_next(deployment: Deployment, tmp_path: Path) -> None:
    deployment.configure(VARIANTS[KEPT])
    password = deployment.stack.up().outputs["adminPassword"].value
    assert unready(deployment) == []
    secrets = deployment.secrets()
    assert shown_in_state(deployment, set(secrets.values())) == []
    assert judged(deployment, configuration("dev")) == []
    # By the measure of production, something is wrong with it.
    assert judged(deployment, configuration("prod")) != []
    assert deployment.previewed() == {"same"}
    kept = {name: value for name, value in secrets.items() if "/kept-" in name}
    claims = volumes(deployment)

    deployment.stack.destroy()

    (namespace,) = deployment.objects("namespaces")
    assert namespace["metadata"]["name"] == "tracardi-dev-data"
    assert deployment.objects("all") == []
    assert deployment.secrets() == kept
    assert volumes(deployment) == claims
    assert len(kept) == 2 * 7
    assert len(claims) == 3

    # With a state of its own, as on another machine or after the state was lost.
    later = Deployment(deployment.cluster, tmp_path / "later")
    later.configure(VARIANTS[KEPT])
    try:
        assert later.stack.up().outputs["adminPassword"].value == password
        assert unready(later) == []
        assert later.secrets().items() >= kept.items()
        found = later.secrets()
        assert {name: found[name] for name in secrets if "-credentials/" in name} == {
            name: value for name, value in secrets.items() if "-credentials/" in name
        }
        assert volumes(later) == claims
        assert shown_in_state(later, set(found.values())) == []
        assert later.previewed() == {"same"}

        later.change(data__keep=False)
        assert later.stack.up().outputs["adminPassword"].value == password
    finally:
        later.stack.destroy()
    assert remaining(later) == []


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.thorough] if name in ALIKE else []) for name in VARIANTS if name != KEPT],
)
def test_a_variant_comes_up_stays_as_it_is_and_leaves_nothing(deployment: Deployment, name: str) -> None:
    settings = settings_of(VARIANTS[name])
    surroundings = Surroundings(deployment)
    surroundings.provide(settings)
    configure(deployment, VARIANTS[name])

    outputs = deployment.stack.up().outputs

    assert unready(deployment) == []
    roles = context_of(settings).roles
    done = {role_of(job): job["status"]["succeeded"] for job in awaited(deployment)}
    assert done == dict.fromkeys(roles & {Role.INSTALLATION, Role.PREFLIGHT, Role("init")}, 1)
    assert outputs["adminPassword"].secret
    secrets = {*deployment.secrets().values(), *surroundings.secrets}
    assert len(secrets) > 10
    assert shown_in_state(deployment, secrets) == []
    assert judged(deployment, fitting(name)) == []
    assert deployment.previewed() == {"same"}

    deployment.stack.destroy()
    assert remaining(deployment) == []


def test_variants_that_are_left_out_by_choice_are_variants() -> None:
    assert VARIANTS.keys() >= ALIKE


def test_a_secret_that_others_forgot_stops_the_stack_before_anything_changes(deployment: Deployment) -> None:
    source = {"existingSecret": {"namespace": "elsewhere", "name": "cache"}}
    deployment.configure(changed(VARIANTS["small"], credentials__redis=source))

    with pytest.raises(automation.CommandError) as failed:
        deployment.stack.up()

    told = str(failed.value)
    assert "tracardi:credentials.redis.existingSecret" in told
    assert "a Secret with the key password in namespace elsewhere; there is none" in told
    assert "Traceback" not in told
    assert remaining(deployment) == []
