"""Users and event sources in MySQL, as from release 0.9 on."""

import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import anyio.to_thread
import pymysql

from .environment import Configuration, MySql
from .metadata import Record, User
from .names import Context

_TABLES = ("user", "event_source", "bridge")
_COLUMNS = (
    "id VARCHAR(64), tenant VARCHAR(40), production BOOLEAN, content MEDIUMTEXT, PRIMARY KEY (id, tenant, production)"
)
_UNIQUE, _MISSING_TABLE, _MISSING_DATABASE = 1062, 1146, 1049
_CONNECT_SECONDS = 10
Row = tuple[Any, ...]


class MySqlMetadata:
    """See Metadata. Asked in threads: the event loop goes on while MySQL hangs."""

    def __init__(self, configuration: Configuration, settings: MySql) -> None:
        self._tenant = configuration.tenant
        self._settings = settings

    def ping(self) -> None:
        """Without a database: installation makes it.

        Raises:
            pymysql.MySQLError: there is no answer, or a refusal.
        """
        connect(self._settings, None).close()

    async def install(self) -> None:
        """Makes database and tables, where they are missing."""
        await anyio.to_thread.run_sync(self._install)

    async def has_database(self) -> bool:
        """Whether the database is there, with or without tables."""
        return bool(
            await anyio.to_thread.run_sync(self._ask, None, "SHOW DATABASES LIKE %s", [self._settings.database])
        )

    async def installed(self) -> bool:
        """Whether all tables are there."""
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
        rows = await anyio.to_thread.run_sync(self._ask, None, query, (self._settings.database,))
        return set(_TABLES) <= {row[0] for row in rows}

    async def user(self, context: Context, number: str) -> User | None:
        """By id."""
        record = await self._get("user", context, number)
        return User.of(record) if record else None

    async def user_by_email(self, context: Context, email: str) -> User | None:
        """By the name that one logs in with."""
        return next((user for user in await self.users(context) if user.email == email), None)

    async def users(self, context: Context) -> list[User]:
        """All of them."""
        return [User.of(record) for record in await self._list("user", context)]

    async def save_user(self, context: Context, user: User) -> None:
        """New or changed."""
        await self._put("user", context, user.record)

    async def add_first_admin(self, user: User) -> bool:
        """The primary key lets one of several win."""
        try:
            await self._run(
                "INSERT INTO user (id, tenant, production, content) VALUES (%s, %s, %s, %s)",
                (user.id, self._tenant, 0, json.dumps(user.record)),
            )
        except pymysql.IntegrityError as error:
            if error.args[0] != _UNIQUE:
                raise
            return False
        return True

    async def delete_user(self, context: Context, number: str) -> bool:
        """Whether there was one."""
        return await self._delete("user", context, number)

    async def has_admin(self) -> bool:
        """False as well while nothing is installed."""
        try:
            return any("admin" in user.roles for user in await self.users("staging"))
        except pymysql.MySQLError as error:
            if error.args[0] in (_MISSING_TABLE, _MISSING_DATABASE):
                return False
            raise

    async def source(self, context: Context, number: str) -> Record | None:
        """Raises pymysql.MySQLError while nothing is installed."""
        return await self._get("event_source", context, number)

    async def sources(self, context: Context) -> list[Record]:
        """All of them."""
        return await self._list("event_source", context)

    async def save_source(self, context: Context, source: Record) -> None:
        """New or changed."""
        await self._put("event_source", context, source)

    async def delete_source(self, context: Context, number: str) -> bool:
        """Whether there was one."""
        return await self._delete("event_source", context, number)

    async def _get(self, table: str, context: Context, number: str) -> Record | None:
        rows = await self._run(
            f"SELECT content FROM {table} WHERE id = %s AND tenant = %s AND production = %s",  # noqa: S608 - our names
            (number, self._tenant, context == "production"),
        )
        return _record(rows[0]) if rows else None

    async def _list(self, table: str, context: Context) -> list[Record]:
        rows = await self._run(
            f"SELECT content FROM {table} WHERE tenant = %s AND production = %s ORDER BY id",  # noqa: S608 - our names
            (self._tenant, context == "production"),
        )
        return [_record(row) for row in rows]

    async def _put(self, table: str, context: Context, record: Record) -> None:
        await self._run(
            f"REPLACE INTO {table} (id, tenant, production, content) VALUES (%s, %s, %s, %s)",  # noqa: S608 - our names
            (record["id"], self._tenant, context == "production", json.dumps(record)),
        )

    async def _delete(self, table: str, context: Context, number: str) -> bool:
        there = await self._get(table, context, number) is not None
        await self._run(
            f"DELETE FROM {table} WHERE id = %s AND tenant = %s AND production = %s",  # noqa: S608 - our names
            (number, self._tenant, context == "production"),
        )
        return there

    async def _run(self, query: str, values: Sequence[object]) -> Sequence[Row]:
        return await anyio.to_thread.run_sync(self._ask, self._settings.database, query, values)

    def _ask(self, database: str | None, query: str, values: Sequence[object]) -> Sequence[Row]:
        with closing(connect(self._settings, database)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def _install(self) -> None:
        with closing(connect(self._settings, None)) as connection, connection.cursor() as cursor:
            # Without a warning where it exists.
            cursor.execute("SET sql_notes = 0")
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{self._settings.database}` CHARACTER SET utf8mb4")
            for table in _TABLES:
                cursor.execute(f"CREATE TABLE IF NOT EXISTS `{self._settings.database}`.{table} ({_COLUMNS})")


def connect(settings: MySql, database: str | None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """A connection in plain, as Tracardi's.

    Raises:
        pymysql.MySQLError: there is no answer, or a refusal.
    """
    return pymysql.connect(
        host=settings.host,
        port=settings.port,
        user=settings.username,
        password=settings.password,
        database=database,
        connect_timeout=_CONNECT_SECONDS,
        charset="utf8mb4",
        autocommit=True,
    )


def _record(row: Row) -> Record:
    record: Record = json.loads(row[0])
    return record
