"""Services: whose pods they lead to, and whether those are the pods that their users mean."""

from collections import Counter
from collections.abc import Iterator

from policies.pack.connections import uses
from policies.pack.entry.base import Entry
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Workload
from policies.pack.programs.surroundings import other_names
from policies.pack.resources import Resource
from policies.pack.roles import Role, collects_only
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_MANUAL = ("Endpoints", "EndpointSlice")


@rule(
    "services-lead-to-pods-of-the-stack",
    severity=Severity.HIGH,
    remedy="Give the Service a selector with the labels of pods of this stack, in their namespace; lists of addresses "
    "and aliases lead where no rule can follow, and internalTrafficPolicy: Local leads nowhere from most nodes.",
)
def services_lead_to_pods_of_the_stack(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every Service leads to pods of the stack by their labels, and no list of addresses stands in for them."""
    for service in _services(stack):
        if problem := _leads_elsewhere(stack, service):
            yield Finding(service, problem)
    for kind in _MANUAL:
        for listed in stack.of_kind(kind):
            if listed.is_kubernetes_object:
                yield Finding(listed, "is a list of addresses, whatever pods they belong to")


def _services(stack: StackView) -> Iterator[Resource]:
    return (service for service in stack.of_kind("Service") if service.group_kind == "core/Service")


def _leads_elsewhere(stack: StackView, service: Resource) -> str | None:
    spec = service.spec
    if spec["type"].text == "ExternalName" or spec["externalName"].given:
        return "is an alias of another name"
    if not spec["selector"].fields:
        return "has a selector that cannot be seen" if spec["selector"].hidden or spec.hidden else "has no selector"
    if any(value.text is None for value in spec["selector"].fields.values()):
        return "has a selector that cannot be seen"
    found = stack.selected(service)
    if not found:
        return "selects no pods of the stack"
    return next(_leads_nowhere(spec, found), None)


def _leads_nowhere(spec: Value, pods: tuple[Workload, ...]) -> Iterator[str]:
    """How connections to a Service do not arrive at `pods`, which it selects."""
    near = spec["internalTrafficPolicy"]
    # DNS gives the addresses of all pods where the Service has none of its own.
    if near.given and near.text != "Cluster" and spec["clusterIP"].text != "None":
        yield "leads nowhere from nodes without such pods (internalTrafficPolicy)"
    for entry in spec["ports"]:
        for workload in pods:
            if (target := entry["targetPort"].text) is not None and workload.port(entry["targetPort"]) is None:
                yield f"leads to port {target}, which no container of {workload.label} has"


@rule(
    "services-lead-to-one-role",
    severity=Severity.CRITICAL,
    remedy="Select the pods of one role by a label that no others have, and no pods of jobs.",
)
def services_lead_to_one_role(stack: StackView, _: Options) -> Iterator[Finding]:
    """No Service's selector catches pods of another role, or such as others can reach."""
    for service in _services(stack):
        pods = stack.selected(service)
        yield from (
            Finding(service, f"leads to {workload.label}, which is {Role.JOB.value}")
            for workload in pods
            if stack.role(workload) is Role.JOB
        )
        serving = [workload for workload in pods if stack.role(workload) is not Role.JOB]
        for workload in serving[1:]:
            if _kind(stack, workload) != _kind(stack, serving[0]):
                names = " and to ".join(f"{found.label} ({_purpose(stack, found)})" for found in (serving[0], workload))
                yield Finding(service, f"leads to {names}")


def _kind(stack: StackView, workload: Workload) -> tuple[object, ...]:
    """What pods of one Service have in common: what they are for, who reaches them, and what a balancer leads to."""
    role = stack.role(workload)
    exposed = frozenset(bool(entry.open_because) for entry in stack.entries if _reaches(entry, workload))
    # Of what is not known, one is not like another.
    unknown = workload.resource.urn if role is Role.OTHER else None
    return role, exposed, uses.behind(stack, workload), unknown, workload.runs(Program.API) and collects_only(workload)


def _reaches(entry: Entry, workload: Workload) -> bool:
    reached = [*(end.workload for end in entry.reach.ends), *(found.workload for found in entry.reach.answering)]
    return workload in reached


def _purpose(stack: StackView, workload: Workload) -> str:
    role = stack.role(workload)
    behind = " and ".join(sorted(found.value for found in uses.behind(stack, workload)))
    if workload.runs(Program.API) and not collects_only(workload):
        return f"{role.value}, without EXPOSE_GUI_API=no"
    return f"{role.value} for {behind}" if behind else role.value


@rule(
    "services-lead-where-users-mean",
    severity=Severity.HIGH,
    remedy="Name in REDIS_HOST, MYSQL_HOST, ELASTIC_HOST, PULSAR_HOST, in URLs of jobs and in backends of balancers "
    "the Service of the pods that are meant, under the cluster's own domain; check its selector. Let pods ask the "
    "cluster's DNS, without hostAliases for such names and without nameservers and searches of their own.",
)
def services_lead_where_users_mean(stack: StackView, _: Options) -> Iterator[Finding]:
    """Whoever names a Service gets to the pods that they mean, and pods that serve others are led to."""
    for workload in stack.workloads:
        for problem in dict.fromkeys(_misled(stack, workload)):
            yield Finding(workload.resource, problem)
    yield from _in_other_domains(stack)
    led_to = {end.workload.resource.urn for entry in stack.entries for end in entry.reach.ends}
    balancers = [workload for workload in stack.workloads if uses.balances(stack, workload)]
    for balancer in balancers:
        led_to.update(use.target.resource.urn for use in uses.uses(stack, balancer))
    if not all(uses.readable(stack, balancer) for balancer in balancers):
        return
    for workload in stack.in_role(Role.COLLECTOR, Role.GUI_API, Role.CONSOLE):
        listens = any(container.ports for container in workload.serving)
        if listens and workload.resource.urn not in led_to:
            yield Finding(workload.resource, f"is {stack.role(workload).value}, but no balancer or entry leads to it")


def _misled(stack: StackView, workload: Workload) -> Iterator[str]:
    named = tuple(uses.addresses(stack, workload))
    if named and not stack.proxies_of(workload):
        # Of proxies, those say so that cannot judge them then.
        problems = other_names(workload.pod, [address.host for address in named])
        yield from (f"may get elsewhere by names that it is told: {problem}" for problem in problems)
    # A job's variables for a store are URLs as well.
    stores = {(address.host, role) for address in named if not address.is_url for role in address.expected}
    for address in named:
        service = stack.service_at(address.host, workload.namespace)
        for target in stack.selected(service) if service else ():
            role = stack.role(target)
            if role not in address.expected and not (address.is_url and (address.host, role) in stores):
                yield f"gets to {target.label}, which is {role.value}, by {address.host} in {address.said_by}"


def _in_other_domains(stack: StackView) -> Iterator[Finding]:
    """Names of Services under another domain than most: they belong to somebody else."""
    named = [
        (workload, address.host, domain)
        for workload in stack.workloads
        for address in uses.addresses(stack, workload)
        if (domain := _domain(address.host)) and stack.service_at(address.host, workload.namespace)
    ]
    usual = Counter(domain for _, _, domain in named).most_common(1)
    for workload, host, domain in named:
        if domain != usual[0][0]:
            yield Finding(workload.resource, f"names {host}, which is not under {usual[0][0]} as other Services are")


def _domain(host: str) -> str:
    """What follows the part that says that a name is a Service's."""
    return host.lower().removesuffix(".").partition(".svc.")[2]
