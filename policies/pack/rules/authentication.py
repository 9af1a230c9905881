"""Authentication: stores in the stack let nobody in who does not show a password from a Secret."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from model.credentials import Credential
from policies.pack.credentials.lookup import Use, passwords
from policies.pack.kubernetes import files
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs import pulsar
from policies.pack.roles import Role
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.unreadable import UnreadableError

_PROGRAMS = {
    Role.ELASTICSEARCH: Program.ELASTICSEARCH,
    Role.REDIS: Program.REDIS,
    Role.MYSQL: Program.MYSQL,
    Role.PULSAR: Program.PULSAR,
}
_MYSQL_OPEN = re.compile(r"skip[-_]grant[-_]tables", re.IGNORECASE)
_MYSQL_EMPTY = ("MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD")
_REDIS_OPEN = re.compile(r"^\s*(user\s+.*\bnopass\b|requirepass\s+([\"']{2})?\s*$)", re.MULTILINE | re.IGNORECASE)
_INCLUDED = re.compile(r"^\s*(?:include|aclfile)\s+[\"']?([^\s\"']+)", re.MULTILINE | re.IGNORECASE)
_REDIS_SERVER = "redis-server"


@rule(
    "stores-ask-for-passwords",
    severity=Severity.CRITICAL,
    remedy="Give Elasticsearch ELASTIC_PASSWORD and MySQL MYSQL_ROOT_PASSWORD and MYSQL_PASSWORD (or the file of each) "
    "from a Secret, and let Redis's configuration include a file of a Secret that says requirepass. In the file that "
    "PULSAR_STANDALONE_CONF names, switch authentication and authorization on, with AuthenticationProviderToken alone, "
    "a tokenSecretKey in a file of a Secret, superUserRoles, and no anonymousUserRole.",
)
def stores_ask_for_passwords(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every store in the stack has a password, and the store reads it from a Secret."""
    for role, program in _PROGRAMS.items():
        for workload in stack.in_role(role):
            known = [container for container in workload.serving if container.program is program]
            for container in known or workload.serving:
                for problem in _problems(stack, role, workload, container):
                    yield Finding(workload.resource, f"{problem} in container {container.name}")


def _problems(stack: StackView, role: Role, workload: Workload, container: Container) -> Iterator[str]:
    own = [use for use in stack.credentials.uses if use.workload is workload and use.container is container]
    if role is Role.REDIS:
        yield from _redis(stack, workload, container, own)
        return
    if role is Role.PULSAR:
        yield from pulsar.problems(workload, container, own)
        return
    wanted = ["ELASTIC_PASSWORD"] if role is Role.ELASTICSEARCH else ["MYSQL_ROOT_PASSWORD"]
    if role is Role.MYSQL and "MYSQL_USER" in container.environment:
        wanted.append("MYSQL_PASSWORD")
    yield from (f"has no {name} from a Secret" for name in wanted if not _given(container, name, own))
    if role is Role.MYSQL:
        yield from (f"has {name}" for name in _MYSQL_EMPTY if name in container.environment)
        if any(_MYSQL_OPEN.search(word) for word in container.command_line):
            yield "asks nobody for a password"


def _given(container: Container, name: str, own: list[Use]) -> bool:
    variable, file = container.environment.get(name), container.environment.get(f"{name}_FILE")
    if variable is not None and variable.secret and not variable.optional:
        return True
    return file is not None and any(use.in_file and use.key and use.place == file.value for use in own)


def _redis(stack: StackView, workload: Workload, container: Container, own: list[Use]) -> Iterator[str]:
    try:
        line = container.seen_command_line
        file = _configuration_file(line)
        # All of it may be in a Secret; what is there is looked at below, as far as it can be seen.
        whole = [use for use in own if use.in_file and use.key and PurePosixPath(use.place) == file]
        configuration = "" if whole else files.read(workload, container, file)
    except UnreadableError as problem:
        yield f"may ask nobody for a password ({problem})"
        return
    if _REDIS_OPEN.search(configuration) or _REDIS_OPEN.search(" ".join(line[2:]).replace("--", "\n")):
        yield "lets in whoever shows no password"
    included = {file, *(PurePosixPath(path) for path in _INCLUDED.findall(configuration))}
    telling = [use for use in own if use.in_file and use.purpose == Credential.REDIS and _is_included(use, included)]
    if not telling:
        yield "reads no password from a Secret"
    for use in telling:
        for _secret, text in stack.credentials.found(use):
            if _REDIS_OPEN.search(text) or passwords(text) == (text,):
                yield f"finds no password in {use.place}"


def _configuration_file(line: tuple[str, ...]) -> PurePosixPath:
    program, file, *_ = (*line, "", "")
    if PurePosixPath(program).name != _REDIS_SERVER or not file or file.startswith("-"):
        raise UnreadableError("it does not start with a configuration")
    return PurePosixPath(file)


def _is_included(use: Use, included: set[PurePosixPath]) -> bool:
    path = PurePosixPath(use.place)
    # Where keys cannot be seen, all that the folder has may be included.
    return path in included if use.key else any(path in file.parents for file in included)
