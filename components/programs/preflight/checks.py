"""All stores at once, each for as long as it may just be starting."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from . import elasticsearch, mysql, pulsar, redis
from .connections import End
from .report import Failed, Finding, Journal
from .store import Store

Check = Callable[[], Iterator[Finding]]
_SECRETS = ("ELASTIC_HTTP_AUTH_PASSWORD", "REDIS_PASSWORD", "MYSQL_PASSWORD", "PULSAR_AUTH_TOKEN")


@dataclass(frozen=True)
class Patience:
    """Durations in seconds."""

    starting: float
    answer: float
    deadline: float
    poll: float

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Patience":
        """As the variables say, or as usual."""

        def seconds(name: str, usual: float) -> float:
            return float(environment.get(f"PREFLIGHT_{name}_SECONDS", usual))

        return cls(seconds("PATIENCE", 90), seconds("TIMEOUT", 8), seconds("DEADLINE", 240), seconds("POLL", 1))


def main(environment: Mapping[str, str]) -> int:
    """Checks every store of the plan; returns the exit status."""
    journal, patience = Journal(), Patience.read(environment)
    for name in _SECRETS:
        journal.hide(environment.get(name, ""))
    plan = json.loads(Path(environment["PREFLIGHT_PLAN"]).read_text(encoding="utf-8"))
    stores = [Store.of(name, plan["release"], told, patience.answer) for name, told in plan["stores"].items()]
    findings = _all(stores, environment, patience, journal)
    for finding in findings:
        journal.complain(str(finding))
    if findings:
        journal.complain(f"{len(findings)} finding(s): Tracardi {plan['release']} would not work with these stores.")
    return 1 if findings else 0


def _all(
    stores: list[Store], environment: Mapping[str, str], patience: Patience, journal: Journal
) -> tuple[Finding, ...]:
    ended: queue.Queue[tuple[str, list[Finding] | BaseException]] = queue.Queue()
    ends = time.monotonic() + patience.deadline

    def one(store: Store, check: Check) -> None:
        try:
            ended.put((store.name, _patiently(store, check, patience, journal)))
        except BaseException as bug:  # noqa: BLE001 - raised again where people see it
            ended.put((store.name, bug))

    for store in stores:
        threading.Thread(target=one, args=(store, _check(store, environment, journal)), daemon=True).start()
    found: dict[str, list[Finding]] = {}
    while len(found) < len(stores):
        try:
            name, outcome = ended.get(timeout=max(0, ends - time.monotonic()))
        except queue.Empty:
            break
        if isinstance(outcome, BaseException):
            raise outcome
        found[name] = outcome
    late = f"no end within {patience.deadline:g} s"
    for store in stores:
        if store.name not in found:
            remedy = "Look whether the service answers in reasonable time."
            found[store.name] = [Finding(store.place, "checking it", late, remedy)]
    return tuple(finding for store in stores for finding in found[store.name])


def _patiently(store: Store, check: Check, patience: Patience, journal: Journal) -> list[Finding]:
    ends, pause, told = time.monotonic() + patience.starting, patience.poll, ""
    while True:
        findings = _once(check)
        starting = [finding for finding in findings if finding.passing]
        if not findings:
            journal.say(f"{store.name}: as it should be")
        # What is sure to stay is told at once: whoever mends it has to run this again anyhow.
        if len(starting) < len(findings) or not findings or time.monotonic() + pause > ends:
            return findings
        if str(starting[0]) != told:
            told = str(starting[0])
            journal.say(f"waiting: {starting[0].tried}: {starting[0].came}")
        time.sleep(pause)
        pause = min(pause * 2, patience.poll * 10)


def _once(check: Check) -> list[Finding]:
    findings: list[Finding] = []
    try:
        for finding in check():
            findings.append(finding)  # noqa: PERF402 - what was found before a failure stays found
    except Failed as failed:
        findings.append(failed.finding)
    return findings


def _check(store: Store, environment: Mapping[str, str], journal: Journal) -> Check:
    def told(name: str) -> str:
        return environment[name]

    def of_elasticsearch() -> Iterator[Finding]:
        access = elasticsearch.Access(
            urls=tuple(told("ELASTIC_HOST").split(",")),
            authority=environment.get("ELASTIC_CA_FILE"),
            username=told("ELASTIC_HTTP_AUTH_USERNAME"),
            password=told("ELASTIC_HTTP_AUTH_PASSWORD"),
        )
        journal.hide(access.token)
        return elasticsearch.check(store, access)

    def of_redis() -> Iterator[Finding]:
        end = End(told("REDIS_HOST"), int(told("REDIS_PORT")))
        return redis.check(store, redis.Access(end, told("REDIS_PASSWORD")))

    def of_mysql() -> Iterator[Finding]:
        end = End(told("MYSQL_HOST"), int(told("MYSQL_PORT")))
        access = mysql.Access(end, told("MYSQL_USERNAME"), told("MYSQL_PASSWORD"), told("MYSQL_DATABASE"))
        return mysql.check(store, access)

    def of_pulsar() -> Iterator[Finding]:
        access = pulsar.Access(
            queue=_end(told("PULSAR_HOST")),
            api=_end(told("PULSAR_API")),
            token=told("PULSAR_AUTH_TOKEN"),
            cluster=told("PULSAR_CLUSTER"),
            tenant=told("PULSAR_TENANT"),
        )
        return pulsar.check(store, access)

    rows: dict[str, Check] = {
        "elasticsearch": of_elasticsearch,
        "redis": of_redis,
        "mysql": of_mysql,
        "pulsar": of_pulsar,
    }
    return rows[store.name]


def _end(url: str) -> End:
    """Where an address with a host and a port leads."""
    parts = urlsplit(url)
    return End(parts.hostname or "", parts.port or 0)
