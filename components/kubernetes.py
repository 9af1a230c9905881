"""Small pieces that most components need: metadata, encoded Secret data, digests, endpoints of the await logic."""

import base64
import hashlib
from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from model.roles import Role

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For Services whose pods are awaited already: the provider's own wait takes about 10 s for each."""


def metadata(
    context: Context, role: Role, suffix: str | None = None, annotations: Mapping[str, str] | None = None
) -> k8s.meta.v1.ObjectMetaArgs:
    """Metadata of an object of `role`, named after it, in its namespace."""
    return k8s.meta.v1.ObjectMetaArgs(
        name=f"{role}-{suffix}" if suffix else role.value,
        namespace=context.namespace(role.tier),
        labels=context.labels(role),
        annotations=dict(annotations) if annotations else None,
    )


def encoded(value: pulumi.Input[str]) -> pulumi.Output[str]:
    """`value` as a Secret's `data` has it; `stringData` would show a difference at every preview."""
    return pulumi.Output.from_input(value).apply(lambda text: base64.b64encode(text.encode()).decode())


def digest(*texts: str) -> str:
    """A short digest of `texts`, for names and annotations that change with them."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:10]
