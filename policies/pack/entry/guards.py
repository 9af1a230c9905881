"""What keeps strangers out behind an entry: proxies that let nobody pass but clients of a list."""

from policies.pack.entry.reach import Answering, Reach
from policies.pack.programs.haproxy.clients import Told, client_lists, misplaced_trust


def listed(answering: Answering, told: Told) -> bool:
    """Whether a proxy lets nobody pass but clients of its list, by the addresses that they really have."""
    trusting = told is Told.CONNECTION and any(misplaced_trust(answering.frontend, answering.bind))
    return not trusting and any(found.limits for found in client_lists(answering.frontend) if found.told is told)


def unguarded(reach: Reach, told: Told) -> str | None:
    """Why a client may get past the lists of proxies; None where all that is reached is behind one."""
    if not reach.answering or reach.dead_ends or not all(end.proxied for end in reach.ends):
        return "not all that it leads to is a proxy with a source allow list"
    for answering in reach.answering:
        if not listed(answering, told):
            name = answering.frontend.name
            if told is Told.HEADER:
                return f"frontend {name} has no list of the clients that it tells"
            return f"frontend {name} behind it has no source allow list"
    return None
