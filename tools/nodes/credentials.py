"""Certificates and kubeconfigs for what a node runs, signed by the cluster's own authority."""

import shutil
from pathlib import Path

from tools.nodes.addresses import ROUTER, Node
from tools.nodes.configuration import kubeconfig
from tools.nodes.programs import debian, run

_DAYS = "3650"


def issue(node: Node, pki: Path, folder: Path, openssl: Path, port: int) -> None:
    """Write the node's credentials into a new `folder`, which is there only once it is complete.

    `pki` holds the authority, `openssl` is the root of Debian's programs. Raises ToolError.
    """
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    shutil.copyfile(pki / "ca.crt", draft / "ca.crt")
    names = f"IP:{node.address},DNS:{node.name}"
    subjects = {
        # The API server lets a node's kubelet see and change only what is that node's.
        "kubelet": f"/O=system:nodes/CN=system:node:{node.name}",
        "kube-proxy": "/CN=system:kube-proxy",
        "kube-router": "/CN=kube-router",
    }
    for user, subject in subjects.items():
        _certificate(debian(openssl, "usr/bin/openssl"), pki, draft / user, subject, names)
        (draft / f"{user}.conf").write_text(kubeconfig(ROUTER, port, user), encoding="utf-8")
    draft.replace(folder)


def _certificate(openssl: list[str], pki: Path, file: Path, subject: str, names: str) -> None:
    run(
        [
            *(*openssl, "req", "-config", "/dev/null", "-x509", "-days", _DAYS, "-subj", subject),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-CA", str(pki / "ca.crt"), "-CAkey", str(pki / "ca.key")),
            *("-addext", f"subjectAltName={names}", "-addext", "extendedKeyUsage=clientAuth,serverAuth"),
            *("-keyout", f"{file}.key", "-out", f"{file}.crt"),
        ]
    )
