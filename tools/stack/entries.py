"""Entries that got no address: what Pulumi only calls a time-out, said so that it can be mended."""

import re
from collections.abc import Iterator

from tools.stack import report
from tools.stack.session import Session

# A paragraph of Pulumi's closing diagnostics. An entry waits for its address alone (components/load_balancer.py).
_PARAGRAPH = re.compile(
    r"^  kubernetes:core/v1:Service \((?P<name>\S+-entry)\):\n(?P<told>(?: {4}.*\n?)+)", re.MULTILINE
)
_GAVE_UP = "failed to fully initialize or become live: timed out waiting for the condition"
_SECTIONS = {"track-balancer": "track", "gui-api-balancer": "guiApi", "gui-balancer": "gui"}


def without_address(session: Session, text: str) -> Iterator[str]:
    """A paragraph about the entries that, by what Pulumi said, waited for an address in vain; nothing without any."""
    names = sorted({found["name"] for found in _PARAGRAPH.finditer(text) if _GAVE_UP in found["told"]})
    if not names:
        return
    yield ""
    yield "No address came for these Services of type LoadBalancer:"
    for name in names:
        yield f"  {name} ({_setting(name)})"
    yield f"Nothing on {session.target.title} gives out addresses, as on kind and on bare metal, or what should"
    yield "cannot (`kubectl describe service` tells why). Either"
    yield f"  * install something that does (MetalLB, cloud-provider-kind), then `{report.make('up', session)}`; or"
    yield f"  * set these settings in Pulumi.{session.stack.stack}.yaml to NodePort, or to ClusterIP behind an entry"
    yield "    of your own."


def _setting(name: str) -> str:
    section = next((section for role, section in _SECTIONS.items() if name.endswith(f"-{role}-entry")), "<section>")
    return f"tracardi:{section}.balancer.service.type"
