"""Extra environment variables of API pods, and the names that are not for settings to set."""

from collections.abc import Mapping
from types import MappingProxyType

from model.index_shape import shapes_indices
from settings.base import Refusal, Refusals
from settings.types import VariableName

Environment = dict[VariableName, str]

_RESERVED: Mapping[str, str] = MappingProxyType(
    {
        "EXPOSE_GUI_API": "it decides which cluster is which",
        "PRODUCTION": "user management works only without it, and collection only with it",
        "INSTALLATION_TOKEN": "it is generated",
        "AUTO_PROFILE_MERGING": "it is generated",
        "LICENSE": "the open-source image does not start with it, not even when it is empty; the commercial edition "
        "gets tracardi:installation.licence",
        "MULTI_TENANT": "the open-source edition refuses to be installed with it",
        **dict.fromkeys(
            ("PULSAR_HOST", "PULSAR_API", "PULSAR_AUTH_TOKEN", "PULSAR_CLUSTER", "PULSAR_TENANT"),
            "it comes from tracardi:data",
        ),
        **dict.fromkeys(
            ("PULSAR_SYSTEM_NAMESPACE", "PULSAR_FUNCTION_TOPIC", "PULSAR_TOPIC_TYPE", "PULSAR_DISABLED"),
            "it must be equal in every pod, and is Tracardi's own",
        ),
        "TENANT_NAME": "it must be equal in every pod; set tracardi:index.tenantName",
        "API_DOCS": "the track cluster must not publish its interface",
        "USE_X_FORWARDED_IP": "the balancer decides which client address is true",
        "WEB_CONCURRENCY": "one pod runs one worker",
        "SAVE_LOGS": "it would write a log entry to Elasticsearch for every event",
        "DEMO": "it opens a page and makes up events",
        "TRACK_DEBUG": "it tells strangers what happens inside",
        "HOME": "the file system is read-only but for one folder",
    }
)
_RESERVED_PREFIXES = (
    ("ELASTIC_", "it comes from tracardi:data and tracardi:index"),
    ("REDIS_", "it comes from tracardi:data"),
    ("MYSQL_", "it comes from tracardi:data"),
    ("PYTHON", "it decides what the interpreter runs"),
    ("LD_", "it decides what every program loads"),
)


def refusals(environment: Environment, path: tuple[str, ...]) -> Refusals:
    """Every reserved name in `environment`, which stands at `path`."""
    for name, value in environment.items():
        reason = _RESERVED.get(name) or next(
            (why for prefix, why in _RESERVED_PREFIXES if name.startswith(prefix)), None
        )
        reason = reason or ("it is part of tracardi:index" if shapes_indices(name) else None)
        if reason:
            yield Refusal((*path, name), value, f"reserved: {reason}", "Remove it.")
