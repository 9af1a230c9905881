"""What the environment says, read as Tracardi reads it: crashes at the same values.

Tracardi/tracardi `tracardi/config.py` and Tracardi/tracardi-api `app/config.py` of branch 0.8.2.1, and 0.9.0-dev.
"""

import hashlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_TRUE, _FALSE = ("yes", "on", "true"), ("no", "off", "false")
_SEPARATORS = "@:/#?"
_OLD_DATABASE, _NEW_DATABASE = "0820", "09x"


@dataclass(frozen=True)
class Elasticsearch:
    """Where events are kept."""

    hosts: tuple[str, ...]
    username: str
    password: str | None = field(repr=False)
    """Without one, the name is not sent either."""
    authority: str | None
    """File with the certificates of trusted authorities."""
    verify: bool
    timeout: float
    """Seconds; ELASTIC_QUERY_TIMEOUT."""


@dataclass(frozen=True)
class Redis:
    """Where sessions and tokens are kept. Neither TLS, nor a user, nor another database than the first is possible."""

    host: str
    port: int
    password: str | None = field(repr=False)


@dataclass(frozen=True)
class MySql:
    """Where releases from 0.9 on keep users and event sources."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    database: str


@dataclass(frozen=True)
class Shape:
    """What indices are like; decided when they are made."""

    shards: int
    configuration_shards: int
    replicas: int
    partitioning: Mapping[str, str]
    """`month`, `quarter` or `year` of each type that is partitioned. Others are accepted, and noticed only later."""


@dataclass(frozen=True)
class Costs:
    """CPU seconds, and how long to wait."""

    start: float
    known_visitor: float
    new_visitor: float
    pause_scale: float


@dataclass(frozen=True)
class Configuration:
    """One process of Tracardi's API."""

    version: str
    database_version: str
    tenant: str
    private: bool
    """EXPOSE_GUI_API."""
    production: bool
    multi_tenant: bool
    documented: bool
    """API_DOCS."""
    checks_sources: bool
    """ENABLE_EVENT_SOURCE_CHECK."""
    refuses_bots: bool
    installation_token: str = field(repr=False)
    """Where it is empty, every token is right."""
    profile_merging: str = field(repr=False)
    client_header: str | None
    """USE_X_FORWARDED_IP: the header whose whole value is a client's address."""
    elasticsearch: Elasticsearch
    redis: Redis
    mysql: MySql | None
    shape: Shape
    costs: Costs
    logging_level: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Configuration":
        """Raises what ends Tracardi's start: ValueError, or ModuleNotFoundError for a licence of another edition."""
        if "LICENSE" in environment:
            importlib.import_module("com_tracardi")
        new = "MYSQL_HOST" in environment
        flags = _Flags(environment, new=new)
        database_version = _NEW_DATABASE if new else _OLD_DATABASE
        default_tenant = hashlib.md5(database_version.encode(), usedforsecurity=False).hexdigest()[:5]
        return cls(
            version="1.0.0" if new else "0.8.2",
            database_version=database_version,
            tenant=environment.get("TENANT_NAME", default_tenant),
            private=flags.read("EXPOSE_GUI_API", default=True),
            production=flags.read("PRODUCTION", default=False),
            # The only word of these that 0.8.2.1 reads with an eye on capitals.
            multi_tenant=flags.read("MULTI_TENANT", default=False, exact=True),
            documented=flags.read("API_DOCS", default=True),
            checks_sources=flags.read("ENABLE_EVENT_SOURCE_CHECK", default=True),
            refuses_bots=_refuses_bots(flags, new=new),
            installation_token=environment.get("INSTALLATION_TOKEN", "tracardi"),
            profile_merging=environment.get("AUTO_PROFILE_MERGING", ""),
            client_header=environment.get("USE_X_FORWARDED_IP"),
            elasticsearch=_elasticsearch(environment, flags, new=new),
            redis=_redis(environment, new=new),
            mysql=_mysql(environment) if new else None,
            shape=_shape(environment),
            costs=_costs(environment),
            logging_level=environment.get("LOGGING_LEVEL", "warning").upper(),
        )


@dataclass(frozen=True)
class _Flags:
    environment: Mapping[str, str]
    new: bool

    def read(self, name: str, *, default: bool, exact: bool = False) -> bool:
        """Up to 0.8.2.1 nothing but `yes` means yes; later releases know more words, and crash at all others."""
        if name not in self.environment:
            return default
        word = self.environment[name]
        if not self.new:
            return (word if exact else word.lower()) == "yes"
        if word.lower() in _TRUE:
            return True
        if word.lower() in _FALSE:
            return False
        raise ValueError(f"Invalid value of {name}: {word!r}. Expected yes or no.")


def _refuses_bots(flags: _Flags, *, new: bool) -> bool:
    if new:
        return flags.read("DISALLOW_BOT_TRAFFIC", default=True)
    return not flags.read("ALLOW_BOT_TRAFFIC", default=False)


def _elasticsearch(environment: Mapping[str, str], flags: _Flags, *, new: bool) -> Elasticsearch:
    hosts = environment.get("ELASTIC_HOST", "http://localhost:9200")
    if not hosts or hosts.isnumeric():
        raise ValueError("Env ELASTIC_HOST must be sting")
    scheme = environment.get("ELASTIC_SCHEME", "http")
    return Elasticsearch(
        hosts=tuple(_address(host, scheme) for host in hosts.split(",")),
        username=environment.get("ELASTIC_HTTP_AUTH_USERNAME", "elastic"),
        password=environment.get("ELASTIC_HTTP_AUTH_PASSWORD"),
        authority=environment.get("ELASTIC_CA_FILE"),
        verify=flags.read("ELASTIC_VERIFY_CERTS", default=not new),
        timeout=float(environment.get("ELASTIC_QUERY_TIMEOUT", "12")),
    )


def _address(host: str, scheme: str) -> str:
    """As elasticsearch-py 7.10 has it: https means 443 where no port is given, anything else 9200."""
    url = urlsplit(host if "://" in host else f"//{host}", scheme=scheme)
    port = url.port or (443 if url.scheme == "https" else 9200)
    return f"{url.scheme}://{url.hostname}:{port}"


def _redis(environment: Mapping[str, str], *, new: bool) -> Redis:
    host = environment.get("REDIS_HOST", "localhost").partition("://")
    port = environment.get("REDIS_PORT", "6379")
    if new and not port.isdigit():
        port = "6379"
    # Scheme and port of the host are dropped, whatever they say.
    return Redis((host[2] or host[0]).partition(":")[0], int(port), environment.get("REDIS_PASSWORD"))


def _mysql(environment: Mapping[str, str]) -> MySql:
    password = environment.get("MYSQL_PASSWORD", "root")
    # Tracardi puts the values into an address as they are.
    if set(password) & set(_SEPARATORS):
        raise ValueError(f"MYSQL_PASSWORD has one of {_SEPARATORS}, which mean something else in an address")
    return MySql(
        host=environment["MYSQL_HOST"],
        port=int(environment.get("MYSQL_PORT", "3306")),
        username=environment.get("MYSQL_USERNAME", "root"),
        password=unquote(password),
        database=environment.get("MYSQL_DATABASE", "tracardi"),
    )


def _shape(environment: Mapping[str, str]) -> Shape:
    defaults = {"EVENT": "month", "PROFILE": "quarter", "SESSION": "quarter", "LOG": "month"}
    return Shape(
        shards=int(environment.get("ELASTIC_INDEX_SHARDS", "3")),
        configuration_shards=int(environment.get("ELASTIC_CONF_INDEX_SHARDS", "1")),
        replicas=int(environment.get("ELASTIC_INDEX_REPLICAS", "1")),
        partitioning={
            name.lower(): environment.get(f"{name}_PARTITIONING", default) for name, default in defaults.items()
        },
    )


def _costs(environment: Mapping[str, str]) -> Costs:
    return Costs(
        start=float(environment.get("START_CPU_SECONDS", "1.0")),
        known_visitor=float(environment.get("COST_KNOWN_MS", "6")) / 1000,
        new_visitor=float(environment.get("COST_NEW_MS", "20")) / 1000,
        pause_scale=float(environment.get("PAUSE_SCALE", "1")),
    )
