"""The variables that shape the indices. Every writer computes index names from them, so all pods must have the same."""

import re
from typing import Protocol

_VARIABLES = re.compile(r"ELASTIC_(CONF_)?INDEX_(SHARDS|REPLICAS)|[A-Z0-9_]*_PARTITIONING|TENANT_NAME")


class IndexShape(Protocol):
    """What decides the shape of the indices; fixed once Tracardi is installed."""

    @property
    def shards(self) -> int: ...
    @property
    def replicas(self) -> int: ...
    @property
    def event_partitioning(self) -> str: ...
    @property
    def profile_partitioning(self) -> str: ...
    @property
    def session_partitioning(self) -> str: ...
    @property
    def conf_shards(self) -> int: ...
    @property
    def item_partitioning(self) -> str: ...
    @property
    def log_partitioning(self) -> str: ...
    @property
    def dispatch_log_partitioning(self) -> str: ...
    @property
    def console_log_partitioning(self) -> str: ...
    @property
    def field_change_log_partitioning(self) -> str: ...
    @property
    def user_log_partitioning(self) -> str: ...
    @property
    def tenant_name(self) -> str | None: ...


def index_shape(shape: IndexShape) -> dict[str, str]:
    """The variables by name (Tracardi/tracardi `tracardi/config.py`)."""
    variables = {
        "ELASTIC_INDEX_SHARDS": str(shape.shards),
        "ELASTIC_INDEX_REPLICAS": str(shape.replicas),
        "EVENT_PARTITIONING": str(shape.event_partitioning),
        "PROFILE_PARTITIONING": str(shape.profile_partitioning),
        "SESSION_PARTITIONING": str(shape.session_partitioning),
        "ELASTIC_CONF_INDEX_SHARDS": str(shape.conf_shards),
        "ITEM_PARTITIONING": str(shape.item_partitioning),
        "LOG_PARTITIONING": str(shape.log_partitioning),
        "DISPATCH_LOG_PARTITIONING": str(shape.dispatch_log_partitioning),
        "CONSOLE_LOG_PARTITIONING": str(shape.console_log_partitioning),
        "FIELD_CHANGE_LOG_PARTITIONING": str(shape.field_change_log_partitioning),
        "USER_LOG_PARTITIONING": str(shape.user_log_partitioning),
    }
    return variables | ({"TENANT_NAME": shape.tenant_name} if shape.tenant_name else {})


def shapes_indices(variable: str) -> bool:
    """Whether `variable` decides the names or the shape of Tracardi's indices."""
    return _VARIABLES.fullmatch(variable) is not None
