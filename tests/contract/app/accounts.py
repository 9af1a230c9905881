"""Logins, and user management (section 6 of the behaviour table)."""

import logging
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from .guard import bearer, caller
from .memory import Memory, told
from .metadata import Record, User, hashed
from .server import Refusal, Server, answer, invalid, json_object

_LOG = logging.getLogger("tracardi")


class Accounts:
    """The routes. Logins look into the staging users, all others into those of the request's context."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._prefix = "Authentication error" if server.configuration.mysql else "Redis authentication error"

    async def log_in(self, request: Request) -> Response:
        """POST /user/token. Whatever fails is a 400, a database that is down as well."""
        email, password = await _credentials(request)
        if not self._server.configuration.private:
            raise Refusal(403, "Access forbidden")
        user = await self._authenticate(email, password)
        try:
            token = self._server.memory.log_in(user.record)
        except Memory.Unavailable as error:
            # What Redis itself says, such as WRONGPASS, comes without a prefix.
            refused = isinstance(error, Memory.Refused)
            raise Refusal(400, told(error) if refused else f"{self._prefix}: {error}") from error
        return answer({"access_token": token, "token_type": "bearer", "roles": list(user.roles), "preference": {}})

    async def log_out(self, request: Request) -> Response:
        """POST /user/logout, on public processes as well."""
        self._server.memory.log_out(bearer(request))
        return answer(None)

    async def read_own(self, request: Request) -> Response:
        """GET /user-account."""
        number = caller(self._server, request)["id"]
        return answer((await self._user(request, number)).record)

    async def change_own(self, request: Request) -> Response:
        """POST /user-account: a new password, at once for all processes; tokens live on."""
        body = await json_object(request, "password", "full_name")
        user = await self._user(request, caller(self._server, request)["id"])
        return await self._change(request, replace(user, full_name=body["full_name"]), body["password"])

    async def read(self, request: Request) -> Response:
        """GET /user/{id}."""
        return answer((await self._user(request, request.path_params["id"])).record)

    async def list(self, request: Request) -> Response:
        """GET /users/{start}/{limit}."""
        start, limit = request.path_params["start"], request.path_params["limit"]
        users = await self._server.metadata.users(self._server.context(request))
        return answer([user.record for user in users[start : start + limit]])

    async def change(self, request: Request) -> Response:
        """POST /user/{id}."""
        body = await json_object(request, "password", "full_name", "email", "roles")
        user = await self._user(request, request.path_params["id"])
        if user.id == caller(self._server, request)["id"] and "admin" not in body["roles"]:
            raise Refusal(403, "You cannot remove the role of admin from your own account")
        changed = replace(
            user,
            full_name=body["full_name"],
            email=body["email"],
            roles=tuple(body["roles"]),
            disabled=bool(body.get("disabled")),
            expiration_date=body.get("expiration_date"),
        )
        return await self._change(request, changed, body["password"])

    async def create(self, request: Request) -> Response:
        """POST /user."""
        body = await json_object(request, "password", "full_name", "email", "roles")
        context = self._server.context(request)
        if await self._server.metadata.user_by_email(context, body["email"]):
            raise Refusal(409, f"User with email '{body['email']}' already exists.")
        number = str(uuid.uuid4())
        user = User(
            id=number,
            email=body["email"],
            password=hashed(body["password"]),
            full_name=body["full_name"],
            roles=tuple(body["roles"]),
            disabled=bool(body.get("disabled")),
            expiration_date=body.get("expiration_date"),
        )
        await self._server.metadata.save_user(context, user)
        return answer({"saved": 1, "errors": [], "ids": [number]})

    async def delete(self, request: Request) -> Response:
        """DELETE /user/{id}; the user's token lives on."""
        number = request.path_params["id"]
        if number == caller(self._server, request)["id"]:
            raise Refusal(403, "You cannot delete your own account")
        await self._user(request, number)
        await self._server.metadata.delete_user(self._server.context(request), number)
        return answer({"deleted": 1})

    async def _change(self, request: Request, user: User, password: str) -> Response:
        # A client that edits other fields sends the hash back that it was given.
        new = password if password == user.password else hashed(password)
        await self._server.metadata.save_user(self._server.context(request), replace(user, password=new))
        return answer({"inserted": 1})

    async def _user(self, request: Request, number: str) -> User:
        user = await self._server.metadata.user(self._server.context(request), number)
        if user is None:
            raise Refusal(404, f"User does not exist {number}")
        return user

    async def _authenticate(self, email: str, password: str) -> User:
        try:
            user = await self._server.metadata.user_by_email("staging", email)
        except Exception as error:
            raise Refusal(400, f"{self._prefix}: System not installed. Got error {error}") from error
        if user is None or user.password != hashed(password):
            _LOG.warning("Incorrect username or password.")
            raise Refusal(400, f"{self._prefix}: Incorrect username or password.")
        if user.disabled:
            raise Refusal(400, f"{self._prefix}: This account was disabled")
        if user.expiration_date and datetime.fromisoformat(user.expiration_date).astimezone(UTC) < datetime.now(UTC):
            raise Refusal(400, f"{self._prefix}: This account has expired")
        return user


async def _credentials(request: Request) -> tuple[str, str]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise invalid("username")
    form: Record = {name: values[0] for name, values in parse_qs((await request.body()).decode("utf-8")).items()}
    for name in ("username", "password"):
        if name not in form:
            raise invalid(name)
    if form.get("grant_type", "password") != "password":
        raise invalid("grant_type", 'string does not match regex "password"')
    return form["username"], form["password"]
