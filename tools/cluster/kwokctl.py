"""Running kwokctl and kubectl for a cluster, offline and away from the user's own configuration."""

import json
import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

from tools.cluster import processes
from tools.cluster.model import Cluster, ClusterTools
from tools.cluster.processes import components
from tools.errors import ToolError
from tools.layout import cache_dir
from tools.locks import exclusive
from tools.nodes import lifecycle as nodes

_CONFIGURATION = Path(__file__).parent / "kwokctl.yaml"
_PATIENCE_SECONDS = 150


def link(cluster: Cluster, tools: ClusterTools) -> None:
    """Put the programs where kwokctl keeps a cluster's own: it downloads what it does not find there.

    Raises ToolError where one is missing.
    """
    _bin(cluster).mkdir(parents=True, exist_ok=True)
    for name, program in [(name, tools.program(name)) for name in (*components(cluster), "kubectl", "kwokctl")]:
        place = _bin(cluster) / name
        place.unlink(missing_ok=True)
        place.symlink_to(program)


def create(cluster: Cluster) -> None:
    """Create the cluster and start it; returns once its API server answers. Raises ToolError."""
    with _ports():
        configuration = nodes.control_plane(cluster) if nodes.is_real(cluster) else _CONFIGURATION
        # Zero in the configuration file would mean the default. A lease outlives a killed kwok by minutes, in which the
        # next one would leave the nodes alone; without leases it takes over at once.
        options = [f"--config={configuration}", "--kubeconfig=", "--node-lease-duration-seconds=0"]
        _run(cluster, ["kwokctl", f"--name={cluster.name}", "create", "cluster", *options])


def start(cluster: Cluster) -> None:
    """Start the components that do not run, on the data there is. Raises ToolError."""
    alive = {process.program for process in processes.of(cluster)}
    for record in (cluster.folder / "pids").glob("*.pid"):
        if record.stem not in alive:
            record.unlink()  # kwokctl takes any live process of that id for its own
    _run(cluster, ["kwokctl", f"--name={cluster.name}", "start", "cluster"])


def restart(cluster: Cluster, *names: str) -> None:
    """End components and start them again, on the ports that they have. Raises ToolError."""
    with _ports():
        for name in names:
            processes.end(cluster, only=name)
        start(cluster)


def apply(cluster: Cluster, documents: str) -> None:
    """Apply a stream of YAML documents as their owner. Raises ToolError."""
    options = ["--server-side", "--force-conflicts", "--field-manager=embedded-cluster", "--validate=false"]
    _run(cluster, ["kubectl", "apply", *options, "--filename=-"], documents)


def write_kubeconfig(cluster: Cluster) -> None:
    """Write the cluster's kubeconfig, credentials inline, readable by its owner only. Raises ToolError."""
    source = f"--kubeconfig={cluster.folder}/kubeconfig.yaml"
    config = json.loads(_run(cluster, ["kubectl", "config", "view", source, "--raw", "--flatten", "--output=json"]))
    name = f"embedded-{cluster.name}"
    config["clusters"][0]["name"] = config["users"][0]["name"] = config["current-context"] = name
    config["contexts"] = [{"name": name, "context": {"cluster": name, "user": name}}]
    draft = cluster.kubeconfig.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(config, indent=2) + "\n")
    draft.replace(cluster.kubeconfig)


def environment(cluster: Cluster) -> dict[str, str]:
    """What kwokctl and kubectl see: nothing of the user's that could change what they do, or be changed by them."""
    # KWOK_* variables take precedence over kwokctl.yaml.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KWOK_")}
    return kept | {
        # kwokctl takes kubectl from PATH before it looks into its own folder.
        "PATH": f"{_bin(cluster)}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "KUBECONFIG": str(cluster.kubeconfig),
        "KUBECACHEDIR": str(cluster.folder / "cache"),
        "KUBERC": "off",
        "KWOK_WORKDIR": str(cluster.folder.parent.parent),
    }


def _ports() -> AbstractContextManager[None]:
    """Kept while ports are free for a moment: kwokctl picks a new cluster's, which nobody else may take, by looking."""
    return exclusive(cache_dir() / "cluster-ports.lock")


def _bin(cluster: Cluster) -> Path:
    return cluster.folder / "bin"


def _run(cluster: Cluster, command: list[str], stdin: str = "") -> str:
    program, *arguments = command
    # What kwokctl starts stays in the network that it was started in.
    place = nodes.entering(cluster) if program == "kwokctl" and nodes.is_real(cluster) else []
    try:
        done = subprocess.run(
            # Started through the cluster's folder, so that processes.py finds it if we are killed first.
            [*place, _bin(cluster) / program, *arguments],
            input=stdin,
            env=environment(cluster),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"cluster {cluster.name}: {program} did not finish within {_PATIENCE_SECONDS} s.") from error
    if done.returncode != 0:
        said = "\n".join(f"  {line}" for line in (done.stderr or done.stdout).splitlines()[-5:])
        raise ToolError(f"cluster {cluster.name}: {program} failed:\n{said}")
    return done.stdout
