"""What the programs of a node are told."""

import json
from ipaddress import IPv4Address

from tools.nodes.addresses import DNS, PODS, SERVICES, Node

CONTAINERD = "/etc/containerd/config.toml"
SOCKET = "/run/containerd/containerd.sock"
CTR = ("ctr", f"--address={SOCKET}", "--namespace=k8s.io")
PROGRAMS = frozenset({"containerd", "kubelet", "kube-proxy", "kube-router"})
PAUSE = "images.test/pause:1"

_KUBELET = "/etc/kubelet.yaml"
_NETWORKS = "/etc/cni/net.d/pods.conflist"
_CREDENTIALS = "/etc/kubernetes"

_RUNTIME = """\
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "{socket}"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"

[plugins."io.containerd.cri.v1.runtime"]
  # The machine may lack the right to lower a process's score, and without this every sandbox dies.
  restrict_oom_score_adj = true
  disable_apparmor = true

[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "/etc/cni/net.d"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "/usr/sbin/runc"
  SystemdCgroup = false
"""


def files(node: Node, group: str) -> dict[str, str]:
    """The text of every file; `group` is the node's control group."""
    return {
        CONTAINERD: _RUNTIME.format(socket=SOCKET, pause=PAUSE),
        _NETWORKS: json.dumps(_pod_network(node)),
        _KUBELET: json.dumps(_kubelet(group)),
        # Pods ask the cluster's DNS alone; the node itself looks nothing up.
        "/etc/resolv.conf": "",
        "/etc/hosts": f"127.0.0.1 localhost\n{node.address} {node.name}\n",
        "/etc/machine-id": f"{int(node.address):032x}\n",
    }


def daemons(node: Node) -> list[tuple[str, ...]]:
    """What runs on the node besides its container runtime: command lines."""
    return [
        (
            "kubelet",
            f"--config={_KUBELET}",
            f"--kubeconfig={_CREDENTIALS}/kubelet.conf",
            f"--hostname-override={node.name}",
            f"--node-ip={node.address}",
            "--v=1",
        ),
        (
            "kube-proxy",
            f"--kubeconfig={_CREDENTIALS}/kube-proxy.conf",
            f"--hostname-override={node.name}",
            f"--cluster-cidr={PODS}",
            f"--bind-address={node.address}",
            "--proxy-mode=nftables",
            f"--healthz-bind-address={node.address}:10256",
            # The table's size is the machine's, not the node's.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        ),
        (
            "kube-router",
            f"--kubeconfig={_CREDENTIALS}/kube-router.conf",
            f"--hostname-override={node.name}",
            "--run-router=false",
            "--run-service-proxy=false",
            "--run-loadbalancer=false",
            "--run-firewall=true",
            f"--service-cluster-ip-range={SERVICES}",
            "--iptables-sync-period=30s",
            "--health-port=0",
            "--metrics-port=0",
        ),
    ]


def kubeconfig(server: IPv4Address, port: int, user: str) -> str:
    """The kubeconfig of one program of a node, whose credentials stand beside it."""
    cluster = {"server": f"https://{server}:{port}", "certificate-authority": "ca.crt"}
    credentials = {"client-certificate": f"{user}.crt", "client-key": f"{user}.key"}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": user, "context": {"cluster": "cluster", "user": user}}],
            "current-context": user,
        }
    )


def _pod_network(node: Node) -> dict[str, object]:
    # A link for each pod, and no bridge: what pods of one node say to each other is then routed, and judged as well.
    address = {"type": "host-local", "ranges": [[{"subnet": str(node.pods)}]], "routes": [{"dst": "0.0.0.0/0"}]}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipMasq": False, "ipam": address}]}


def _kubelet(group: str) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": group,
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [str(DNS)],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{_CREDENTIALS}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{_CREDENTIALS}/kubelet.crt",
        "tlsPrivateKeyFile": f"{_CREDENTIALS}/kubelet.key",
        # Images are here because nobody could fetch them again.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        # A node that is lost is to be noticed within seconds; a cluster of three can afford the questions.
        "nodeStatusUpdateFrequency": "4s",
        "nodeStatusReportFrequency": "4s",
        "syncFrequency": "10s",
        "maxPods": 110,
    }
