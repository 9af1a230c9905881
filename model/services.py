"""Tracardi's further services ("jobs and workers"): what each is, needs and runs, for each edition and release."""

from model.evidence import Evidence
from model.service import Audience, Edition, Health, Need, Service, Usual, Variables

_OPEN = (Edition.OPEN_SOURCE, Edition.COMMERCIAL)
_LICENSED = (Edition.COMMERCIAL,)
_STORES = frozenset({Need.ELASTICSEARCH, Need.REDIS, Need.MYSQL})
_OLD_STORES = frozenset({Need.ELASTICSEARCH, Need.REDIS})
_EVERYTHING = frozenset(Need)
_OLD, _NEW = ("0.8.2.1",), ("1.0.0",)

_APM = ("/opt/venv/bin/python3", "app/main.py")
_LOOP: Variables = (("MODE", "worker"), ("PAUSE", "60"))
_ONCE: Variables = (("MODE", "job"),)
_MIGRATION_SECONDS = 600
"""For a worker to finish a part of a migration; what it has not finished then, it has to be told again."""
_CHART = "Tracardi/helm tracardi-com-082 values.yaml, templates/workers and jobs"
_NEW_CHART = "Tracardi/argocd tracardi/templates"

_SERVICES = (
    Service(
        name="apm",
        purpose="merges profiles that turn out to be one person's",
        editions=_OPEN,
        releases=_NEW,
        repository="tracardi/apm",
        evidence=Evidence.DOCUMENTED,
        source="Tracardi/apm docker/Dockerfile, app/main.py of 0.9; Tracardi/argocd workers/tracardi-apm.yaml",
        needs=_STORES,
        with_licence=frozenset({Need.PULSAR}),
        # Assumed: of 0.9, no round asks MySQL anything, and there is one loop that does one thing at a time.
        mysql_connections=1,
        command=_APM,
        folder="/app",
        # It goes through production and staging in turn.
        environment=_LOOP,
        scheduled=_ONCE,
        merges=True,
        cpu="100m",
        memory="128Mi",
        # It keeps the identifiers of all duplicates of a round; the chart's 250Mi are too few for the API already.
        memory_limit="512Mi",
        quiet_seconds=60,
        usual=Usual.PRODUCTION,
    ),
    Service(
        name="apm",
        purpose="merges profiles that turn out to be one person's",
        editions=_OPEN,
        releases=_OLD,
        repository="tracardi/apm",
        evidence=Evidence.DOCUMENTED,
        source="Tracardi/apm docker/Dockerfile, app/main.py of 0.8.2.1",
        needs=_OLD_STORES,
        with_licence=frozenset({Need.PULSAR}),
        command=_APM,
        folder="/app",
        # Without PRODUCTION it never gets beyond its first context; collectors write to this one. A job does both.
        environment=(*_LOOP, ("PRODUCTION", "yes")),
        scheduled=_ONCE,
        merges=True,
        cpu="100m",
        memory="128Mi",
        memory_limit="512Mi",
        quiet_seconds=60,
        usual=Usual.PRODUCTION,
    ),
    Service(
        name="update-worker",
        purpose="migrates data of earlier releases, and imports data",
        editions=_OPEN,
        releases=_NEW,
        repository="tracardi/update-worker",
        evidence=Evidence.DOCUMENTED,
        source="Tracardi/tracardi tracardi/worker/worker.py of 0.9; Tracardi/argocd workers/redis/upgrades.yaml",
        needs=_STORES,
        # One task at a time, but parts of a migration may run at once (`asynchronous`): the pool of the one engine that
        # tasks use, 3 and 2 more (0.9 tracardi/worker/worker.py, service/storage/mysql/engine.py).
        mysql_connections=5,
        command=("huey_consumer.py", "tracardi.worker.worker.queue"),
        folder="/app",
        # At TERM it drops what it is at, and does not come back to it.
        stop_signal="INT",
        grace_seconds=_MIGRATION_SECONDS,
        cpu="300m",
        memory="128Mi",
        memory_limit="512Mi",
    ),
    Service(
        name="update-worker",
        purpose="migrates data of earlier releases, and imports data",
        editions=_OPEN,
        releases=_OLD,
        repository="tracardi/update-worker",
        # The release's compose file has it commented out, so nobody knows of an image with this tag.
        evidence=Evidence.ASSUMED,
        source="Tracardi/tracardi worker Dockerfile, tracardi/worker/celery_worker.py, config.py of 0.8.2.1",
        needs=_OLD_STORES,
        # Its own command begins as root to become nobody, and takes a process for each core of the node.
        command=("celery", "-A", "tracardi.worker.celery_worker", "worker", "-l", "info", "--concurrency=1"),
        folder="/app",
        redis_port_in_host=True,
        grace_seconds=_MIGRATION_SECONDS,
        cpu="300m",
        memory="128Mi",
        memory_limit="512Mi",
    ),
    Service(
        name="init",
        purpose="makes Pulsar's tenant, namespaces and topics, and the databases, ready",
        editions=_LICENSED,
        releases=_NEW,
        repository="tracardi/init",
        evidence=Evidence.DOCUMENTED,
        source=f"{_NEW_CHART}/backend/workers/pulsar/background.yaml (initContainers); Tracardi/documentation of the "
        "commercial installation (it is started before any other image)",
        needs=_EVERYTHING,
        health=Health.ENDS,
        usual=Usual.ALWAYS,
        prepares=True,
    ),
    Service(
        name="background-worker",
        purpose="stores events, runs workflows and sends to destinations, from Pulsar",
        editions=_LICENSED,
        releases=_NEW,
        repository="tracardi/background-worker",
        evidence=Evidence.DOCUMENTED,
        source=f"{_NEW_CHART}/backend/workers/pulsar/background.yaml",
        needs=_EVERYTHING,
        merges=True,
        scales=True,
        memory="128Mi",
        # The chart's 250Mi are too few for the open-source API already.
        memory_limit="512Mi",
        usual=Usual.ALWAYS,
    ),
    Service(
        name="tms",
        purpose="manages the tenants of a multi-tenant installation",
        editions=_LICENSED,
        releases=(*_NEW, *_OLD),
        repository="tracardi/tms",
        evidence=Evidence.DOCUMENTED,
        source=f"{_NEW_CHART}/backend/api/tms.yaml; its API_KEY and SECRET are secrets of its own",
        needs=frozenset({Need.MYSQL}),
        audience=Audience.API,
        port=80,
        health=Health.HTTP,
    ),
    Service(
        name="tms-gui",
        purpose="the console of the tenant manager",
        editions=_LICENSED,
        releases=(*_NEW, *_OLD),
        repository="tracardi/tms-gui",
        evidence=Evidence.DOCUMENTED,
        source=f"{_NEW_CHART}/frontend/tms.yaml",
        needs=frozenset(),
        audience=Audience.TRUSTED,
        port=80,
        health=Health.HTTP,
    ),
    Service(
        name="bridge-queue",
        purpose="brings events from a queue into event sources",
        editions=_LICENSED,
        releases=(*_NEW, *_OLD),
        repository="tracardi/com-bridge-queue",
        evidence=Evidence.DOCUMENTED,
        source=f"{_NEW_CHART}/backend/bridges/queue.yaml",
        needs=_EVERYTHING,
        environment=(("PRODUCTION", "yes"), ("BRIDGE_CHECK", "1800")),
        cpu="300m",
        memory="80Mi",
    ),
    *(
        Service(
            name=name,
            purpose=purpose,
            editions=_LICENSED,
            releases=_OLD,
            repository=f"tracardi/{repository}",
            evidence=Evidence.DOCUMENTED,
            source=_CHART,
            needs=_OLD_STORES | {Need.PULSAR},
            environment=environment,
            scales=True,
            usual=Usual.ALWAYS,
        )
        for name, repository, environment, purpose in (
            ("profile-flusher", "com-tracardi-flusher-worker", (("CONSUMER_TYPE", "profile"),), "saves profiles"),
            ("session-flusher", "com-tracardi-flusher-worker", (("CONSUMER_TYPE", "session"),), "saves sessions"),
            ("event-storage", "com-tracardi-storage-worker", (("CONSUMER_TYPE", "event"),), "stores events"),
            ("profile-storage", "com-tracardi-storage-worker", (("CONSUMER_TYPE", "profile"),), "stores profiles"),
            ("session-storage", "com-tracardi-storage-worker", (("CONSUMER_TYPE", "session"),), "stores sessions"),
            ("workflow-worker", "com-tracardi-workflow-worker", (), "runs workflows"),
            ("event-outbound", "com-tracardi-outbound-worker", (("CONSUMER_TYPE", "event"),), "sends events on"),
            ("profile-outbound", "com-tracardi-outbound-worker", (("CONSUMER_TYPE", "profile"),), "sends profiles on"),
            ("metrics-worker", "com-tracardi-metrics-worker", (), "computes metrics"),
            ("scheduler-worker", "com-tracardi-scheduler-worker", (), "starts what is due"),
            ("visit-end-checker", "com-tracardi-visit-end-checker-worker", (), "finds visits that have ended"),
            ("visit-ended", "com-tracardi-visit-ended-worker", (), "tells of visits that have ended"),
            ("segmentation-worker", "com-tracardi-segmentation-worker", (), "puts profiles into segments"),
            ("copying-worker", "com-tracardi-coping-worker", (), "copies properties of events to profiles"),
        )
    ),
    *(
        Service(
            name=name,
            purpose=purpose,
            editions=_LICENSED,
            releases=_OLD,
            repository=f"tracardi/{repository}",
            evidence=Evidence.DOCUMENTED,
            source=_CHART,
            needs=_OLD_STORES | {Need.PULSAR},
            schedule=schedule,
            health=Health.ENDS,
            usual=usual,
        )
        for name, repository, schedule, usual, purpose in (
            ("metrics-job", "com-metrics-job", "*/30 * * * *", Usual.ALWAYS, "has metrics computed"),
            (
                "segmentation-by-conditions",
                "com-cond-segmentation-job",
                "*/10 * * * *",
                Usual.ALWAYS,
                "has profiles put into segments",
            ),
            (
                "segmentation-by-workflows",
                "com-wf-segmentation-job",
                "*/15 * * * *",
                Usual.OFF,
                "has profiles put into segments",
            ),
        )
    ),
)
"""The catalogue. Whatever else has to know of a service takes it from here."""

SERVICE_NAMES = tuple(dict.fromkeys(service.name for service in _SERVICES))
"""Every service of any edition and release."""


def catalogue() -> tuple[Service, ...]:
    """Every row."""
    return _SERVICES


def services_of(edition: Edition, release: str) -> dict[str, Service]:
    """The services that `release` has in `edition`, by their names."""
    return {
        service.name: service.in_edition(edition)
        for service in _SERVICES
        if edition in service.editions and release in service.releases
    }


def needs_of(name: str) -> frozenset[Need]:
    """What a service needs, in whatever edition and release it needs most."""
    rows = (service.in_edition(Edition.COMMERCIAL) for service in _SERVICES if service.name == name)
    return frozenset(need for row in rows for need in row.needs)


def merges(name: str) -> bool:
    """Whether a service must know the secret that profiles are merged by."""
    return any(service.merges for service in _SERVICES if service.name == name)


def takes_licence(name: str) -> bool:
    """Whether a service is given the licence, in an edition that has one."""
    return any(service.takes_licence for service in _SERVICES if service.name == name)
