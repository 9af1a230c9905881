"""The declared parts, against the Go modules that they name and the SDKs that they serve."""

import re
from collections import Counter

import pytest

from tools.layout import repository
from tools.toolchain.model import ModuleFile, Part
from tools.toolchain.parts import PARTS, PULUMI_VERSION, PYTHON_TOOLS

SOURCES = repository() / "tools" / "go"
PULUMI = ".".join(str(number) for number in PULUMI_VERSION)

every_part = pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)


def taken_files() -> list[tuple[Part, ModuleFile]]:
    return [(part, file) for part in PARTS for file in (*part.embeds, *part.files)]


@every_part
def test_a_part_has_a_checksummed_module(part: Part) -> None:
    folder = SOURCES / part.source

    assert re.search(r"^go 1\.\d+", (folder / "go.mod").read_text(), re.MULTILINE)
    assert " h1:" in (folder / "go.sum").read_text()


@pytest.mark.parametrize(
    ("part", "file"), taken_files(), ids=lambda each: getattr(each, "path", each.__class__.__name__)
)
def test_a_file_is_taken_from_a_module_whose_content_has_a_checksum(part: Part, file: ModuleFile) -> None:
    sums = (SOURCES / part.source / "go.sum").read_text()

    assert re.search(rf"^{re.escape(file.module)} v\S+(?<!/go\.mod) h1:", sums, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "requirement"),
    [
        ("pulumi", f"github.com/pulumi/pulumi/pkg/v3 v{PULUMI}"),
        ("pulumi", f"github.com/pulumi/pulumi/sdk/v3 v{PULUMI}"),
        ("control-plane", "k8s.io/kubernetes v1.36.3"),
        ("kwok", "sigs.k8s.io/kwok v0.8.0"),
        ("containerd", "github.com/containerd/containerd/v2 v2.1.5"),
        ("kubernetes-node", "k8s.io/kubernetes v1.36.3"),
        ("coredns", "github.com/coredns/coredns v1.13.1"),
        ("kube-router", "github.com/cloudnativelabs/kube-router/v2 v2.1.0"),
        ("metrics-server", "sigs.k8s.io/metrics-server v0.8.0"),
        ("kube-score", "github.com/zegl/kube-score v1.20.0"),
    ],
)
def test_what_a_part_calls_itself_is_what_its_module_pins(name: str, requirement: str) -> None:
    (part,) = [part for part in PARTS if part.name == name]
    version = requirement.rpartition(" v")[2]

    assert requirement in (SOURCES / part.source / "go.mod").read_text()
    assert version in part.title


def test_what_a_python_tool_calls_itself_is_what_its_project_and_lock_pin() -> None:
    for tool in PYTHON_TOOLS:
        name, version = tool.title.split()
        project = repository() / tool.source

        assert f'dependencies = ["{name}=={version}"]' in (project / "pyproject.toml").read_text()
        assert f'name = "{name}"\nversion = "{version}"' in (project / "uv.lock").read_text()


def test_no_two_parts_claim_a_name() -> None:
    names = [part.name for part in PARTS] + [tool.name for tool in PYTHON_TOOLS]
    names += [command for tool in PYTHON_TOOLS for command in tool.commands]
    names += [command for part in PARTS for program in part.programs for command in program.commands]
    names += [plugin.file for part in PARTS for plugin in part.plugins]

    # A part may be called like its only command.
    twice = {name for name, times in Counter(names).items() if times > 1}
    assert twice <= {part.name for part in PARTS} | {tool.name for tool in PYTHON_TOOLS}
    assert max(Counter(names).values()) <= 2


def test_the_pinned_pulumi_is_the_sdks() -> None:
    assert f'"pulumi=={PULUMI}"' in (repository() / "pyproject.toml").read_text()
