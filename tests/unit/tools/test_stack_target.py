from pathlib import Path

import pytest

from tools.cluster import Cluster
from tools.errors import ToolError
from tools.stack.target import (
    BUILT_IN_PASSPHRASE,
    Target,
    context,
    embedded,
    local_folder,
    refuse_without_passphrase,
    stack_files_own,
)

KUBECONFIG = "contexts:\n- context: {cluster: a, user: a}\n  name: kind-me\n"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    cluster = Cluster.at("demo", tmp_path)
    cluster.folder.mkdir(parents=True)
    cluster.kubeconfig.write_text('{"current-context": "embedded-demo"}', encoding="utf-8")
    return cluster


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    """A user with a kubeconfig."""
    config = tmp_path / "home" / ".kube" / "config"
    config.parent.mkdir(parents=True)
    config.write_text(KUBECONFIG, encoding="utf-8")
    return {"HOME": str(tmp_path / "home")}


def test_an_embedded_cluster_keeps_its_state_and_copies_in_its_own_folder(cluster: Cluster) -> None:
    target = embedded(cluster, {}, {})

    assert target.state == cluster.state
    assert target.copies.is_relative_to(cluster.folder)
    assert target.private_state


def test_an_embedded_cluster_is_named_to_the_program_and_to_kubectl(cluster: Cluster) -> None:
    variables = embedded(cluster, {}, {}).variables

    assert variables["TRACARDI_KUBECONFIG"] == variables["KUBECONFIG"] == str(cluster.kubeconfig)
    assert variables["TRACARDI_KUBE_CONTEXT"] == "embedded-demo"
    assert variables["TRACARDI_EMBEDDED"] == "1"


@pytest.mark.parametrize("variable", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_the_built_in_passphrase_gives_way_to_one_of_the_users(cluster: Cluster, variable: str) -> None:
    assert embedded(cluster, {}, {}).variables["PULUMI_CONFIG_PASSPHRASE"] == BUILT_IN_PASSPHRASE
    assert "PULUMI_CONFIG_PASSPHRASE" not in embedded(cluster, {variable: "x"}, {}).variables


def test_a_backend_of_the_users_is_used_for_every_kind_of_target(
    cluster: Cluster, own: dict[str, str], tmp_path: Path
) -> None:
    own |= {"PULUMI_BACKEND_URL": "s3://bucket"}

    targets = (
        embedded(cluster, own, {}),
        context("kind-me", own, tmp_path),
        stack_files_own("prod", own, tmp_path),
    )

    assert {target.backend for target in targets} == {"s3://bucket"}
    assert not any(target.private_state for target in targets)
    assert all(target.state is None for target in targets)


def test_a_context_has_a_state_of_its_own_in_the_ignored_folder(own: dict[str, str], tmp_path: Path) -> None:
    target = context("kind-me", own, tmp_path)

    assert target.state == tmp_path / "state" / "kind-me"
    assert not target.embedded
    assert dict(target.variables) == {
        "TRACARDI_KUBECONFIG": f"{own['HOME']}/.kube/config",
        "TRACARDI_KUBE_CONTEXT": "kind-me",
    }


def test_contexts_that_differ_only_in_odd_characters_do_not_share_a_state(own: dict[str, str], tmp_path: Path) -> None:
    names = ("arn:aws:eks/one", "arn-aws:eks:one", "arn-aws-eks-one")
    Path(own["HOME"], ".kube", "config").write_text("".join(f"- name: {name}\n" for name in names), encoding="utf-8")

    states = [context(name, own, tmp_path).state for name in names]

    assert len(set(states)) == len(names)
    assert all(state is not None and state.parent == tmp_path / "state" for state in states)


def test_a_context_is_looked_for_in_every_file_of_kubeconfig(own: dict[str, str], tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.write_text('{"contexts": [{"name": "other"}]}', encoding="utf-8")
    own["KUBECONFIG"] = f"{tmp_path / 'missing'}:{own['HOME']}/.kube/config:{second}"

    assert context("other", own, tmp_path).variables["TRACARDI_KUBECONFIG"] == str(second)


@pytest.mark.parametrize("name", ["kind", "me", "kind-me2", "kind.me"])
def test_a_context_that_is_not_there_is_refused(own: dict[str, str], tmp_path: Path, name: str) -> None:
    with pytest.raises(ToolError, match=rf"no context {name} in .*\.kube/config"):
        context(name, own, tmp_path)


def outside(backend: str = "file:///state") -> Target:
    return Target("context prod", backend, Path("/copies"), {})


@pytest.mark.parametrize("own", [{}, {"PULUMI_CONFIG_PASSPHRASE_FILE": ""}])
def test_real_secrets_are_not_locked_without_a_passphrase(own: dict[str, str]) -> None:
    with pytest.raises(ToolError, match="need a passphrase of your own: set PULUMI_CONFIG_PASSPHRASE"):
        refuse_without_passphrase(outside(), own, "prod", None)


def test_real_secrets_are_not_locked_with_the_built_in_passphrase() -> None:
    with pytest.raises(ToolError, match="which is public"):
        refuse_without_passphrase(outside(), {"PULUMI_CONFIG_PASSPHRASE": BUILT_IN_PASSPHRASE}, "prod", None)


@pytest.mark.parametrize(
    ("target", "own", "provider"),
    [
        (outside(), {"PULUMI_CONFIG_PASSPHRASE": "mine"}, None),
        (outside(), {"PULUMI_CONFIG_PASSPHRASE_FILE": "/mine"}, None),
        (outside(), {}, "awskms://alias/x"),
        (outside("https://api.pulumi.com"), {}, None),
    ],
)
def test_a_way_of_the_users_to_lock_secrets_is_enough(
    target: Target, own: dict[str, str], provider: str | None
) -> None:
    refuse_without_passphrase(target, own, "prod", provider)


@pytest.mark.parametrize(
    ("backend", "folder"),
    [
        ("file:///a/b%20c", Path("/a/b c")),
        ("file:///a?metadata=skip", Path("/a")),
        ("file://~", Path.home()),
        ("file://./here", Path.cwd() / "here"),
        ("s3://bucket/a", None),
        ("https://api.pulumi.com", None),
    ],
)
def test_only_a_file_backend_is_a_folder(backend: str, folder: Path | None) -> None:
    assert local_folder(backend) == folder
