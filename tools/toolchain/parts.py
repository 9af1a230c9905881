"""Every part of the toolchain, as data. A new one is one more entry; what a part can say is in `model.py`.

The order is the order of building: two parts are built at a time, so the longest begin first and the short ones fill
the time that is left. The language host stays ahead of all, because it fills the build cache with the standard
library that two builds at once would both compile.
"""

from tools.toolchain.model import ModuleFile, Part, Plugin, Program, PythonTool

PULUMI_VERSION = (3, 250, 0)
"""Oldest Pulumi that is taken from PATH, and the one that is built otherwise."""

_PULUMI = "3.250.0"
_KUBERNETES_PLUGIN = "4.25.0"
_KUBERNETES = "1.36.3"
_KWOK = "0.8.0"
_CONTAINERD = "2.1.5"
_KUBE_ROUTER = "2.1.0"
_COREDNS = "1.13.1"
_METRICS_SERVER = "0.8.0"
_KUBE_SCORE = "1.20.0"
_CHECKOV = "3.3.30"

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PULUMI_VERSION_VARIABLE = (f"{_PULUMI_SDK}/go/common/version.Version", f"v{_PULUMI}")
_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_PROVIDER_FILES = "cmd/pulumi-resource-kubernetes"
_BUILT_KUBERNETES = "k8s.io/component-base/version"
_KUBERNETES_VERSION_VARIABLES = (
    (f"{_BUILT_KUBERNETES}.gitVersion", f"v{_KUBERNETES}"),
    (f"{_BUILT_KUBERNETES}.gitMajor", "1"),
    (f"{_BUILT_KUBERNETES}.gitMinor", "36"),
)
_CONTAINERD_MODULE = "github.com/containerd/containerd/v2"
_KUBE_ROUTER_MODULE = "github.com/cloudnativelabs/kube-router/v2"

PARTS: tuple[Part, ...] = (
    Part(
        name="language-host",
        title="Pulumi's Python language host",
        group="pulumi",
        source="pulumi-language-python",
        programs=(
            Program(
                package="github.com/pulumi/pulumi/sdk/python/cmd/pulumi-language-python/v3",
                file="pulumi-language-python",
                commands=("pulumi-language-python",),
            ),
        ),
        variables=(_PULUMI_VERSION_VARIABLE,),
        # Later releases of the module no longer hold the script that starts policy packs.
        files=(
            ModuleFile(
                module=_PULUMI_SDK,
                path="python/dist/pulumi-analyzer-policy-python",
                to="bin/pulumi-analyzer-policy-python",
            ),
        ),
    ),
    Part(
        name="kubernetes-plugin",
        title=f"Kubernetes plugin {_KUBERNETES_PLUGIN}",
        group="pulumi",
        source="pulumi-kubernetes",
        programs=(Program(package=".", file="k8s", plugins=(Plugin("kubernetes", _KUBERNETES_PLUGIN),)),),
        variables=((f"{_PROVIDER}/pkg/version.Version", _KUBERNETES_PLUGIN),),
        # The provider's release job writes these two; its module holds what they are made from.
        embeds=(
            ModuleFile(_PROVIDER, f"{_PROVIDER_FILES}/schema.json", "schema.json", version=_KUBERNETES_PLUGIN),
            ModuleFile(_PROVIDER, f"{_PROVIDER_FILES}/terraform-mapping.json", "terraform-mapping.json"),
        ),
    ),
    Part(
        name="control-plane",
        title=f"Kubernetes {_KUBERNETES} control plane and kubectl",
        group="cluster",
        source="control-plane",
        programs=(
            Program(
                package=".",
                file="controlplane",
                commands=("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
            ),
            Program(package="k8s.io/kubernetes/cmd/kubectl", file="kubectl", commands=("kubectl",)),
        ),
        variables=_KUBERNETES_VERSION_VARIABLES,
    ),
    Part(
        name="pulumi",
        title=f"Pulumi {_PULUMI}",
        group="pulumi",
        source="pulumi-cli",
        programs=(Program(package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", file="pulumi", commands=("pulumi",)),),
        variables=(_PULUMI_VERSION_VARIABLE,),
        files=(ModuleFile(_PULUMI_SDK, "python/cmd/pulumi-language-python-exec", "bin/pulumi-language-python-exec"),),
    ),
    Part(
        name="bridged-plugins",
        title="random and tls plugins",
        group="pulumi",
        source="pulumi-bridged",
        programs=(
            Program(
                package="./pulumi-resource-bridged",
                file="pulumi-resource-bridged",
                plugins=(Plugin("random", "4.21.1"), Plugin("tls", "5.3.1")),
            ),
        ),
    ),
    Part(
        name="kwok",
        title=f"kwok {_KWOK}",
        group="cluster",
        source="kwok",
        programs=(
            Program(package="sigs.k8s.io/kwok/cmd/kwok", file="kwok", commands=("kwok",)),
            Program(package="sigs.k8s.io/kwok/cmd/kwokctl", file="kwokctl", commands=("kwokctl",)),
        ),
        variables=(("sigs.k8s.io/kwok/pkg/consts.Version", _KWOK),),
    ),
    # It fills the build cache for the other parts of real nodes, as the language host does for all.
    Part(
        name="containerd",
        title=f"containerd {_CONTAINERD}",
        group="nodes",
        source="containerd",
        programs=tuple(
            Program(package=f"{_CONTAINERD_MODULE}/cmd/{name}", file=name, commands=(name,))
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        ),
        variables=((f"{_CONTAINERD_MODULE}/version.Version", f"v{_CONTAINERD}"),),
    ),
    Part(
        name="kubernetes-node",
        title=f"Kubernetes {_KUBERNETES} kubelet and kube-proxy",
        group="nodes",
        source="kubernetes-node",
        programs=tuple(
            Program(package=f"k8s.io/kubernetes/cmd/{name}", file=name, commands=(name,))
            for name in ("kubelet", "kube-proxy")
        ),
        variables=_KUBERNETES_VERSION_VARIABLES,
    ),
    Part(
        name="coredns",
        title=f"CoreDNS {_COREDNS}",
        group="nodes",
        source="coredns",
        programs=(Program(package="github.com/coredns/coredns", file="coredns", commands=("coredns",)),),
    ),
    Part(
        name="kube-router",
        title=f"kube-router {_KUBE_ROUTER}",
        group="nodes",
        source="kube-router",
        programs=(
            Program(package=f"{_KUBE_ROUTER_MODULE}/cmd/kube-router", file="kube-router", commands=("kube-router",)),
        ),
        variables=((f"{_KUBE_ROUTER_MODULE}/pkg/version.Version", f"v{_KUBE_ROUTER}"),),
    ),
    Part(
        name="metrics-server",
        title=f"metrics-server {_METRICS_SERVER}",
        group="metrics",
        source="metrics-server",
        programs=(
            Program(
                package="sigs.k8s.io/metrics-server/cmd/metrics-server",
                file="metrics-server",
                commands=("metrics-server",),
            ),
        ),
        variables=(("k8s.io/client-go/pkg/version.gitVersion", f"v{_METRICS_SERVER}"),),
    ),
    Part(
        name="kube-score",
        title=f"kube-score {_KUBE_SCORE}",
        group="checks",
        source="kube-score",
        programs=(
            Program(package="github.com/zegl/kube-score/cmd/kube-score", file="kube-score", commands=("kube-score",)),
        ),
        variables=(("main.version", _KUBE_SCORE),),
    ),
)

PYTHON_TOOLS: tuple[PythonTool, ...] = (
    # Among its hundred packages are other versions of what Pulumi's SDK pins.
    PythonTool(
        name="checkov", title=f"checkov {_CHECKOV}", group="checks", source="tools/checkov", commands=("checkov",)
    ),
)
"""Every Python tool, as data; none depends on another."""
