"""Redis: who is logged in, which visitors are known, and who merges which profile.

Calls are synchronous and wait without end, as Tracardi's: a Redis that hangs stops the event loop, and with it every
other request of the process.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import redis

from .environment import Configuration
from .names import Context

_CONNECTIONS = 20
_TOKEN_SECONDS = 1800
_SESSION_SECONDS = 1800
_PROFILE_SECONDS = 3600
_LOCK_SECONDS = 5
_SALT = "contract"


def told(error: Exception) -> str:
    """What is said of an error: redis-py of these days drops the first word of one, that of Tracardi's did not."""
    text = str(error)
    return f"WRONGPASS {text}" if text.startswith("invalid username-password pair") else text


class Memory:
    """What Redis holds for one installation."""

    Unavailable = redis.RedisError
    """What is raised when Redis does not answer, or refuses."""

    Refused = redis.AuthenticationError
    """What is raised for a wrong password."""

    def __init__(self, configuration: Configuration) -> None:
        settings = configuration.redis
        self._tenant = configuration.tenant
        # No host is looked for before the first command.
        self._redis = redis.Redis(
            host=settings.host,
            port=settings.port,
            password=settings.password,
            max_connections=_CONNECTIONS,
            decode_responses=True,
        )

    def ping(self) -> None:
        """Raises redis.RedisError."""
        self._redis.ping()

    def log_in(self, user: Mapping[str, Any]) -> str:
        """The token of a user: the same at every login. It holds what the user was at the last one."""
        token = hashlib.sha1(f"{_SALT}{user['id']}".encode(), usedforsecurity=False).hexdigest()
        held = {name: user[name] for name in ("id", "email", "roles")}
        self._redis.set(self._token(token), json.dumps(held), ex=_TOKEN_SECONDS)
        return token

    def user(self, token: str) -> dict[str, Any] | None:
        """Who a token belongs to, until 30 minutes after the last look."""
        held = self._redis.getex(self._token(token), ex=_TOKEN_SECONDS)
        return json.loads(str(held)) if held is not None else None

    def log_out(self, token: str) -> None:
        """Ends all sessions of the token's user: they share it."""
        self._redis.delete(self._token(token))

    def known(self, context: Context, session: str) -> str | None:
        """The profile of a session that was seen lately."""
        profile = self._redis.get(self._key(context, "session", session))
        return str(profile) if profile is not None else None

    def knows_profile(self, context: Context, profile: str) -> bool:
        """Whether a profile was seen lately."""
        return bool(self._redis.exists(self._key(context, "profile", profile)))

    def remember(self, context: Context, session: str, profile: str) -> None:
        """A session and its profile were seen."""
        self._redis.set(self._key(context, "session", session), profile, ex=_SESSION_SECONDS)
        self._redis.set(self._key(context, "profile", profile), "1", ex=_PROFILE_SECONDS)

    def lock(self, context: Context, profile: str) -> bool:
        """Whether nobody else merges a profile; from then on it is the caller's, for 5 seconds."""
        key = self._key(context, "lock", profile)
        return bool(self._redis.set(key, "profile_merging_worker", nx=True, ex=_LOCK_SECONDS))

    def unlock(self, context: Context, profile: str) -> None:
        """Others may merge the profile."""
        self._redis.delete(self._key(context, "lock", profile))

    def _token(self, token: str) -> str:
        return f"token:{self._tenant}:{token}"

    def _key(self, context: Context, kind: str, number: str) -> str:
        return f"{kind}:{self._tenant}:{context}:{number}"
