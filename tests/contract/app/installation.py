"""`/install` (section 5 of the behaviour table): makes real indices, and reports what is really there."""

import asyncio
import logging
import re
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .elastic import Exists, Missing
from .mappings import mapping
from .metadata import User, hashed
from .metadata_mysql import MySqlMetadata
from .names import PLUGIN, Context, Kind, Names
from .server import Refusal, Server, answer, json_object

_LOG = logging.getLogger("tracardi")
_CONTEXTS: tuple[Context, Context] = ("staging", "production")
_PLUGINS = tuple(f"tracardi.process_engine.action.v1.plugin_{number:03}" for number in range(1, 118))
_EMAIL = re.compile(r"[A-Za-z0-9]+(?:[.\-_+][A-Za-z0-9]+)*@[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?:\.[A-Za-z0-9-]+)+")
_HANG_SECONDS = 20


class Installation:
    """The routes; open to everyone on every process."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def status(self, _: Request) -> Response:
        """GET /install."""
        metadata = self._server.metadata
        if isinstance(metadata, MySqlMetadata) and not await metadata.has_database():
            return answer({"schema_ok": False, "admin_ok": False, "form_ok": False, "warning": None})
        schema_ok = await self._schema_ok()
        unknown = self._server.configuration.mysql is not None and not schema_ok
        admin_ok = None if unknown else schema_ok and await metadata.has_admin()
        form_ok = None if unknown else True
        return answer({"schema_ok": schema_ok, "admin_ok": admin_ok, "form_ok": form_ok, "warning": None})

    async def install(self, request: Request) -> Response:
        """POST /install: may run again, and twice at once; says `admin: true` whoever the administrator is."""
        body = await json_object(request, "username", "password", "token", "needs_admin")
        configuration = self._server.configuration
        if configuration.installation_token not in ("", body["token"]):
            raise Refusal(403, "Installation forbidden. Invalid installation token.")
        if configuration.multi_tenant:
            reason = "Multi-tenant installation is not allowed in open-source version."
            raise Refusal(403, f"Installation forbidden. {reason}")
        if body["needs_admin"] and not (body["password"] and _EMAIL.fullmatch(str(body["username"]))):
            raise Refusal(
                403,
                "Installation forbidden. Invalid admin account login or password. "
                "Login must be a valid email and password can not be empty.",
            )
        return answer(await self._install(body))

    async def plugins(self, _: Request) -> Response:
        """GET /install/plugins: registers them again; takes long to notice that nothing is installed."""
        if not await self._exists(Names(self._server.configuration, "staging"), PLUGIN):
            await asyncio.sleep(_HANG_SECONDS * self._server.configuration.costs.pause_scale)
            raise Missing("NotFoundError(404, 'index_not_found_exception')")
        return answer({"registered": await self._register_plugins()})

    async def _install(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        server = self._server
        replicas = await self._replicas()
        if isinstance(server.metadata, MySqlMetadata):
            await server.metadata.install()
        created = {context: await self._create(context, replicas) for context in _CONTEXTS}
        if body["needs_admin"] and not await server.metadata.has_admin():
            await server.metadata.add_first_admin(self._admin(body))
        admin = await server.metadata.has_admin()
        plugins = {"registered": await self._register_plugins()}
        return [{"created": created[context], "admin": admin, "plugins": plugins} for context in _CONTEXTS]

    def _admin(self, body: dict[str, Any]) -> User:
        return User(
            # The same for all who install at once, so that one of them wins.
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._server.configuration.tenant}.first-admin")),
            email=body["username"],
            password=hashed(body["password"]),
            full_name="Default Admin",
            roles=("admin", "maintainer"),
        )

    async def _replicas(self) -> int:
        health = await self._server.elastic.ask("GET", "/_cluster/health")
        wanted = self._server.configuration.shape.replicas
        if health["number_of_data_nodes"] == 1 and wanted:
            _LOG.warning("Elasticsearch replicas decreased to 0 due to only one data node in the cluster.")
            return 0
        return wanted

    async def _create(self, context: Context, replicas: int) -> dict[str, list[str]]:
        names = Names(self._server.configuration, context)
        templates = [names.template(kind) for kind in names.kinds if await self._template(names, kind, replicas)]
        # At once, for small machines: an index takes Elasticsearch longer than all else of an installation.
        made = await asyncio.gather(*(self._index(names, kind, replicas) for kind in names.kinds))
        indices = [names.index(kind) for kind, new in zip(names.kinds, made, strict=True) if new]
        return {"templates": templates, "indices": indices, "aliases": []}

    async def _template(self, names: Names, kind: Kind, replicas: int) -> bool:
        path = f"/_index_template/{names.template(kind)}"
        if not kind.partitioned or await self._there(path):
            return False
        template = {"index_patterns": [names.pattern(kind)], "template": self._settings(names, kind, replicas)}
        await self._server.elastic.ask("PUT", path, template)
        return True

    async def _index(self, names: Names, kind: Kind, replicas: int) -> bool:
        path = f"/{names.index(kind)}"
        if await self._there(f"{path}/_settings"):
            return False
        try:
            await self._server.elastic.ask("PUT", path, self._settings(names, kind, replicas))
        except Exists:
            return False
        return True

    def _settings(self, names: Names, kind: Kind, replicas: int) -> dict[str, Any]:
        shape = self._server.configuration.shape
        shards = shape.shards if kind.partitioned else shape.configuration_shards
        return {
            "settings": {
                "index.number_of_shards": shards,
                "index.number_of_replicas": replicas,
                "index.mapping.total_fields.limit": 2000,
                "index.refresh_interval": "1s",
            },
            "mappings": mapping(kind),
            "aliases": {names.alias(kind): {}},
        }

    async def _register_plugins(self) -> list[str]:
        alias = Names(self._server.configuration, "staging").alias(PLUGIN)
        await self._server.elastic.bulk([(alias, name, {"id": name}) for name in _PLUGINS], refresh=True)
        return list(_PLUGINS)

    async def _schema_ok(self) -> bool:
        if isinstance(self._server.metadata, MySqlMetadata) and not await self._server.metadata.installed():
            return False
        for context in _CONTEXTS:
            names = Names(self._server.configuration, context)
            for kind in names.kinds:
                if not await self._exists(names, kind):
                    return False
        return True

    async def _exists(self, names: Names, kind: Kind) -> bool:
        """An alias that leads somewhere, not an index of its name; and the template of its future."""
        template = f"/_index_template/{names.template(kind)}"
        return await self._there(f"/_alias/{names.alias(kind)}") and (
            not kind.partitioned or await self._there(template)
        )

    async def _there(self, path: str) -> bool:
        try:
            await self._server.elastic.ask("GET", path)
        except Missing:
            return False
        return True
