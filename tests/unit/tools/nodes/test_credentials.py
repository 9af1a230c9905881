"""Certificates for a node: whom they name, and that none is used before all are there."""

import json
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.nodes import credentials
from tools.nodes.addresses import nodes

_NODE = nodes(1)[0]


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """An authority's folder."""
    folder = tmp_path / "pki"
    folder.mkdir()
    (folder / "ca.crt").write_text("authority")
    return folder


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every command that would have been run."""
    known: list[list[str]] = []
    monkeypatch.setattr(credentials, "run", known.append)
    return known


def _value(command: list[str], option: str) -> str:
    return command[command.index(option) + 1]


def test_a_kubelet_is_named_so_that_the_api_server_keeps_it_to_its_node(
    tmp_path: Path, pki: Path, commands: list[list[str]]
) -> None:
    credentials.issue(_NODE, pki, tmp_path / "issued", tmp_path, 6443)

    assert [_value(command, "-subj") for command in commands] == [
        "/O=system:nodes/CN=system:node:node-a",
        "/CN=system:kube-proxy",
        "/CN=kube-router",
    ]


def test_certificates_are_of_the_cluster_s_authority_and_for_the_node_s_address(
    tmp_path: Path, pki: Path, commands: list[list[str]]
) -> None:
    credentials.issue(_NODE, pki, tmp_path / "issued", tmp_path, 6443)

    for command in commands:
        assert (_value(command, "-CA"), _value(command, "-CAkey")) == (f"{pki}/ca.crt", f"{pki}/ca.key")
        assert "subjectAltName=IP:10.89.0.11,DNS:node-a" in command


def test_the_folder_is_private_and_says_where_the_api_server_is(
    tmp_path: Path, pki: Path, commands: list[list[str]]
) -> None:
    folder = tmp_path / "issued"

    credentials.issue(_NODE, pki, folder, tmp_path, 6443)

    assert len(commands) == 3
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "ca.crt").read_text() == "authority"
    for user in ("kubelet", "kube-proxy", "kube-router"):
        (cluster,) = json.loads((folder / f"{user}.conf").read_text())["clusters"]
        assert cluster["cluster"]["server"] == "https://10.89.0.1:6443"


def test_a_failure_leaves_no_folder_that_a_node_would_take_for_complete(
    tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_command: list[str]) -> None:
        raise ToolError("openssl failed")

    monkeypatch.setattr(credentials, "run", fail)
    with pytest.raises(ToolError, match="openssl failed"):
        credentials.issue(_NODE, pki, tmp_path / "issued", tmp_path, 6443)

    assert not (tmp_path / "issued").exists()


def test_what_an_attempt_left_that_was_cut_off_is_not_in_the_way(
    tmp_path: Path, pki: Path, commands: list[list[str]]
) -> None:
    (tmp_path / "issued.new").mkdir()
    (tmp_path / "issued.new" / "half").touch()

    credentials.issue(_NODE, pki, tmp_path / "issued", tmp_path, 6443)

    assert commands
    assert not (tmp_path / "issued" / "half").exists()
