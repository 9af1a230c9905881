"""Users and event sources in Elasticsearch, as up to release 0.8.2.1."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from .elastic import Elastic, Exists, Missing
from .environment import Configuration
from .metadata import Record, User
from .names import EVENT_SOURCE, USER, Context, Kind, Names

_MANY = 1000


class ElasticMetadata:
    """See Metadata."""

    def __init__(self, configuration: Configuration, elastic: Elastic) -> None:
        self._configuration = configuration
        self._elastic = elastic

    async def user(self, context: Context, number: str) -> User | None:
        """By id."""
        record = await self._get(context, USER, number)
        return User.of(record) if record else None

    async def user_by_email(self, context: Context, email: str) -> User | None:
        """Raises Missing while nothing is installed."""
        found = await self._search(context, USER, {"term": {"email": email}})
        return User.of(found[0]) if found else None

    async def users(self, context: Context) -> list[User]:
        """All of them."""
        return [User.of(record) for record in await self._search(context, USER, {"match_all": {}})]

    async def save_user(self, context: Context, user: User) -> None:
        """Visible at once."""
        await self._put(context, USER, user.record)

    async def add_first_admin(self, user: User) -> bool:
        """`_create` lets one of several win."""
        try:
            await self._elastic.ask("PUT", self._path("staging", USER, "_create", user.id), user.record)
        except Exists:
            return False
        return True

    async def delete_user(self, context: Context, number: str) -> bool:
        """Whether there was one."""
        return await self._delete(context, USER, number)

    async def has_admin(self) -> bool:
        """False as well while nothing is installed."""
        try:
            return bool(await self._search("staging", USER, {"term": {"roles": "admin"}}))
        except Missing:
            return False

    async def source(self, context: Context, number: str) -> Record | None:
        """None as well while nothing is installed."""
        return await self._get(context, EVENT_SOURCE, number)

    async def sources(self, context: Context) -> list[Record]:
        """All of them."""
        return await self._search(context, EVENT_SOURCE, {"match_all": {}})

    async def save_source(self, context: Context, source: Record) -> None:
        """Visible at once."""
        await self._put(context, EVENT_SOURCE, source)

    async def delete_source(self, context: Context, number: str) -> bool:
        """Whether there was one."""
        return await self._delete(context, EVENT_SOURCE, number)

    async def _get(self, context: Context, kind: Kind, number: str) -> Record | None:
        try:
            answer = await self._elastic.ask("GET", self._path(context, kind, "_doc", number))
        except Missing:
            return None
        record: Record = answer["_source"]
        return record

    async def _put(self, context: Context, kind: Kind, record: Record) -> None:
        # An index that is missing must not come into being by a write: an alias of its name is to be made.
        path = self._path(context, kind, "_doc", record["id"])
        await self._elastic.ask("PUT", f"{path}&require_alias=true", record)

    async def _delete(self, context: Context, kind: Kind, number: str) -> bool:
        try:
            await self._elastic.ask("DELETE", self._path(context, kind, "_doc", number))
        except Missing:
            return False
        return True

    async def _search(self, context: Context, kind: Kind, query: Mapping[str, Any]) -> list[Record]:
        alias = Names(self._configuration, context).alias(kind)
        answer = await self._elastic.ask("POST", f"/{alias}/_search", {"query": query, "size": _MANY})
        return [hit["_source"] for hit in answer["hits"]["hits"]]

    def _path(self, context: Context, kind: Kind, verb: str, number: str) -> str:
        alias = Names(self._configuration, context).alias(kind)
        # Tracardi refreshes after it writes; for a read of one document it means nothing.
        return f"/{alias}/{verb}/{quote(number, safe='')}?refresh=true"
