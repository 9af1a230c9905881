"""What else decides what a proxy does: its variables, what is mounted over its programs, what is run beside it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from policies.pack.kubernetes.files import mounted
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.unreadable import UnreadableError
from policies.pack.values import NOTHING, Value

_PROGRAMS = tuple(
    map(PurePosixPath, ("/bin", "/lib", "/lib64", "/proc", "/sbin", "/usr/bin", "/usr/lib", "/usr/local", "/usr/sbin"))
)
_CONFIGURATION = PurePosixPath("/usr/local/etc")
_LIBRARIES = PurePosixPath("/etc")
_LOADER = frozenset({"ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload"})
_DECIDING = re.compile(
    r"(LD|DYLD|OPENSSL|GCONV|LUA|MALLOC)_.*|PATH|ENV|BASH_ENV|IFS|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS"
)
_HARMLESS = frozenset({"kill", "pgrep", "pidof", "sleep", "test", "true"})
_HANDLERS = (
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
)
_READ = ("env", "envFrom", "lifecycle")
_NAMES = ("nameservers", "searches")
_CLUSTER_DNS = frozenset({"ClusterFirst", "ClusterFirstWithHostNet"})


def check(workload: Workload, container: Container) -> None:
    """Make sure that nothing beside its command line and configuration decides what `container` does.

    Raises:
        UnreadableError: something does; the message says what.
    """
    for problem in _problems(workload, container):
        raise UnreadableError(problem)


def _problems(workload: Workload, container: Container) -> Iterator[str]:
    for place in _READ:
        if container.properties[place].given and not isinstance(container.properties[place].raw, list | dict):
            yield f"its {place} cannot be seen"
    yield from _of_variables(workload, container)
    for path in mounted(container):
        if over_programs(path):
            yield f"{path} is mounted over programs of its image"
    for handler in _HANDLERS:
        yield from _of_handler(".".join(handler), container.properties.at(*handler))
    yield from _of_pod(workload.pod)


def _of_variables(workload: Workload, container: Container) -> Iterator[str]:
    for source in container.properties["envFrom"]:
        name = source.at("configMapRef", "name").text
        if name is None or not workload.config_maps.get(name, NOTHING).fields:
            yield "it takes variables from where they cannot be seen"
    # Names alone, so that one whose value is hidden counts as well.
    for variable in container.environment:
        if _DECIDING.fullmatch(variable):
            yield f"its variable {variable} decides what it runs"
    if any(entry["name"].text is None for entry in container.properties["env"]):
        yield "it has a variable that cannot be seen"


def over_programs(path: PurePosixPath) -> bool:
    """Whether a volume at `path` puts something in the place of programs or libraries of an image."""
    if path.is_relative_to(_CONFIGURATION):
        return False
    loader = path.parent == _LIBRARIES and path.name in _LOADER
    return loader or path == _LIBRARIES or any(path.is_relative_to(each) or path in each.parents for each in _PROGRAMS)


def _of_handler(name: str, handler: Value) -> Iterator[str]:
    command = handler.at("exec", "command")
    if handler.hidden or handler["exec"].hidden:
        yield f"its {name} cannot be seen"
    elif handler["exec"].given:
        words = command.words
        if not command.seen_words or PurePosixPath(words[0]).name not in _HARMLESS:
            yield f"its {name} runs {words[0] if words else 'something that cannot be seen'}"


def _has_aliases(aliases: Value, told: Iterable[str] | None) -> bool:
    if told is None or not isinstance(aliases.raw, list):
        return aliases.given and aliases.raw != []
    wanted = {host.lower().rstrip(".") for host in told}
    names = [name.text for alias in aliases for name in alias["hostnames"]]
    hidden = None in names or any(alias.hidden or alias["hostnames"].hidden for alias in aliases)
    return hidden or any(name.lower().rstrip(".") in wanted for name in names if name)


def _of_pod(pod: Value) -> Iterator[str]:
    if pod["shareProcessNamespace"].on:
        yield "its pods share their processes among containers (shareProcessNamespace)"
    yield from other_names(pod)


def other_names(pod: Value, told: Iterable[str] | None = None) -> Iterator[str]:
    """In what ways names, or those that pods are `told`, may lead elsewhere than the cluster's DNS says."""
    if _has_aliases(pod["hostAliases"], told):
        yield "its pods have host names of their own (hostAliases)"
    names = pod["dnsConfig"]
    if names.hidden or any(names[name].given and names[name].raw != [] for name in _NAMES):
        yield "its pods resolve names in their own way (dnsConfig)"
    if pod["dnsPolicy"].given and pod["dnsPolicy"].text not in _CLUSTER_DNS:
        yield "its pods do not ask the cluster's DNS (dnsPolicy)"
