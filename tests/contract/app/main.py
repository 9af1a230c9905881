"""`application`, made from the environment as soon as this is imported: a start that fails, fails here."""

import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router, request_response
from starlette.types import ASGIApp

from .elastic import Elastic
from .environment import Configuration
from .guard import Guard, in_json, refused
from .memory import Memory
from .metadata_elastic import ElasticMetadata
from .metadata_mysql import MySqlMetadata
from .routes import fallback, routes
from .server import Refusal, Server
from .start import get_ready


def create(configuration: Configuration, instance: str) -> ASGIApp:
    """The application of a process that is ready to serve."""
    _log_at(configuration.logging_level)
    memory = Memory(configuration)
    get_ready(configuration, memory)
    elastic = Elastic(configuration.elasticsearch)
    metadata = (
        MySqlMetadata(configuration, configuration.mysql)
        if configuration.mysql
        else ElasticMetadata(configuration, elastic)
    )
    server = Server(configuration, elastic, memory, metadata)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        yield
        await elastic.close()

    router = Router(routes=routes(server), default=request_response(fallback(server)), lifespan=lifespan)
    # Coroutines are awaited, which the annotation has forgotten.
    handlers: dict[Any, Any] = {HTTPException: in_json, Refusal: refused}
    answering = ExceptionMiddleware(router, handlers)
    # Any origin, method and header, as Tracardi has it; no variable changes that.
    everyone = CORSMiddleware(
        answering, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], allow_credentials=True
    )
    return Guard(everyone, server, instance)


def _log_at(level: str) -> None:
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s [%(levelname)s] %(name)s %(message)s")
    logging.getLogger("tracardi").setLevel(level)
    # Its lines name every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)


application = create(Configuration.read(os.environ), socket.gethostname())
