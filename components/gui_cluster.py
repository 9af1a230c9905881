"""GuiCluster: Tracardi's web console, static pages from nginx, for trusted networks only."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.haproxy import Upstream
from components.kubernetes import digest, metadata
from components.pods import TMP, Check, Container, Mount, Pod, Resources, config_volume, scratch
from components.rendering import render
from components.stateless import StatelessWorkload, StatelessWorkloadArgs
from model.lifecycle import INSTANCE_KEEP_ALIVE_SECONDS, LIVENESS, READINESS, SURGE
from model.ports import Port
from model.releases import Release
from model.roles import Role
from settings.clusters import GuiSettings

HEALTH_PATH = "/env-config.js"
"""Every other path answers with the same page, whether its files are there or not."""


@dataclass(frozen=True)
class GuiClusterArgs:
    """The console as `settings` describe it."""

    context: Context
    settings: GuiSettings


class GuiCluster(pulumi.ComponentResource):
    """The console's pods."""

    upstream: Upstream
    """Where a balancer finds the instances."""

    def __init__(self, name: str, args: GuiClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:GuiCluster", name, opts=opts)
        context = args.context
        files = {"nginx.conf": nginx_configuration(), "env-config.js": env_config(context.release)}
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-configuration",
            metadata=metadata(context, Role.GUI),
            data=files,
            opts=pulumi.ResourceOptions(parent=self),
        )
        StatelessWorkload(
            f"{name}-pods",
            StatelessWorkloadArgs(
                context=context,
                pod=_pod(args, digest(*files.values())),
                port=Port.HTTP,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[config_map]),
        )
        self.upstream = Upstream(
            host=context.host(Role.GUI),
            port=Port.HTTP,
            slots=args.settings.replicas + SURGE,
            health_path=HEALTH_PATH,
        )
        self.register_outputs({"host": self.upstream.host})


def nginx_configuration() -> str:
    """The whole configuration of nginx; the image's own asks for root."""
    return render("nginx.conf.j2", port=int(Port.HTTP), keep_alive=INSTANCE_KEEP_ALIVE_SECONDS)


def env_config(release: Release) -> str:
    """The script in which the console looks its settings up; the image would write it at every start."""
    return f"window._env_ = {json.dumps(dict(release.gui_environment), indent=2)};\n"


def _pod(args: GuiClusterArgs, configuration_digest: str) -> Pod:
    alive = Check(path=HEALTH_PATH, port=Port.HTTP)
    nginx = Container(
        name="gui",
        image=args.context.release.gui,
        resources=Resources(cpu="50m", memory="32Mi", memory_limit="128Mi"),
        command=("nginx", "-c", "/etc/tracardi/nginx.conf", "-g", "daemon off;"),
        ports={"http": Port.HTTP},
        mounts=(
            Mount("configuration", "/etc/tracardi"),
            Mount("tmp", TMP, read_only=False),
        ),
        readiness=alive.probe(READINESS),
        liveness=alive.probe(LIVENESS),
        drains=True,
    )
    return Pod(
        role=Role.GUI,
        containers=(nginx,),
        instances=args.settings.replicas,
        volumes=(config_volume("configuration", Role.GUI.value), scratch("tmp", "64Mi")),
        checksums={"configuration": configuration_digest},
    )
