"""Installs Tracardi through its GUI API, once, and proves it. Runs as a Job, from a ConfigMap, in Tracardi's API image.

Standard library only, Python 3.10 or newer. Waits for the API and the databases behind it, posts `/install` until it
is answered, logs in as the administrator (the answer of `/install` proves nothing: it is the same when another
administrator exists), and creates the declared event sources in the production context. Two at once do no harm.

`GET /install` says ready before the plugins are registered, and nothing else says whether they are: only an answered
POST does. Event sources are saved after that, so a declared source that exists proves that an earlier run had its
answer; then nothing is posted, and running it again changes nothing. Without one, an installed system gets one POST
more, which is harmless (same administrator, same password, same data) but for one thing: plugins that somebody hid or
disabled in the GUI are as new afterwards. That is why it is not posted always.

Environment (durations in seconds, with their defaults):
  TRACARDI_API_URL                  address of the GUI API, http or https
  TRACARDI_API_CA_FILE              CA certificates for https; without it the system's
  TRACARDI_ADMIN_EMAIL              login of the administrator
  TRACARDI_SECRETS_DIR              folder with the files installation-token and admin-password
  TRACARDI_EVENT_SOURCES_FILE       JSON list of event sources as Tracardi takes them; without it none
  TRACARDI_DEADLINE_SECONDS         1800: gives up after this long
  TRACARDI_INSTALL_TIMEOUT_SECONDS  600: waits this long for the answer of POST /install
  TRACARDI_SETTLE_SECONDS           120: an unanswered installation has ended when GET /install stands still so long
  TRACARDI_REQUEST_TIMEOUT_SECONDS  20: waits this long for other answers (13 with an Elasticsearch that hangs)
  TRACARDI_POLL_SECONDS             1: first pause between two attempts; pauses grow to ten times as much

Exit status: 0 done; 1 refused, trying again will not help; 2 gave up at the deadline, trying again may help.
"""

import http.client
import json
import os
import re
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import SplitResult, quote, quote_plus, urlencode, urlsplit

QUOTED_LENGTH = 300
"""Characters of a foreign text that a message repeats at most."""
LOGIN_ATTEMPTS = 3
"""Elasticsearch shows a new account, and Redis forgets a session, at times of their own: one refusal proves nothing."""
READY = (True, True)
"""What GET /install says of an installed Tracardi: its schema, its administrator."""
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REMEDIES = {
    "Invalid installation token": "The API was started with another INSTALLATION_TOKEN than the file "
    "installation-token holds: take both from one Secret, and restart the API, which reads it once.",
    "Invalid admin account": "TRACARDI_ADMIN_EMAIL has to be an e-mail address with a dotted domain.",
    "Incorrect username or password": "Tracardi has an administrator with another password or e-mail address already, "
    "and POST /install changes neither. Put what is in force into the file admin-password and TRACARDI_ADMIN_EMAIL, "
    "or change it in the GUI; or, if nobody needs the data, remove it and install anew.",
    "account was disabled": "Enable the administrator's account in the GUI.",
    "account has expired": "Extend the administrator's account in the GUI.",
    "Access forbidden": "This API has EXPOSE_GUI_API=no; TRACARDI_API_URL has to be the address of the GUI API.",
}
"""What to do when Tracardi refuses, by its own words."""
WRONG_ADDRESS = "Check that TRACARDI_API_URL is the address of the GUI API, of a release that this program knows."


class Refused(Exception):  # noqa: N818 - named after the outcome that its exit status stands for
    """Trying again will not help; the message says what will."""

    outcome, status = "refused", 1


class GaveUp(Exception):  # noqa: N818 - as above
    """The deadline passed; the message says what was missing."""

    outcome, status = "gave up", 2


@dataclass(frozen=True)
class Config:
    """What the environment and the files it names say; durations in seconds."""

    url: SplitResult
    tls: ssl.SSLContext | None
    email: str
    token: str = field(repr=False)
    password: str = field(repr=False)
    sources: tuple[Mapping[str, object], ...]
    deadline: float
    install_timeout: float
    settle: float
    request_timeout: float
    poll: float

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Config":
        """Raises Refused, naming the variable or the file, when something is missing or malformed."""
        try:
            url = urlsplit(environment["TRACARDI_API_URL"])
            secrets = Path(environment["TRACARDI_SECRETS_DIR"])
            email = environment["TRACARDI_ADMIN_EMAIL"]
        except KeyError as error:
            raise Refused(f"{error.args[0]} is not set; the head of this program lists what it needs.") from error
        if url.scheme not in {"http", "https"} or not url.hostname or url.username is not None:
            raise Refused("TRACARDI_API_URL has to look like http://host:8080, without user and password.")
        sources = environment.get("TRACARDI_EVENT_SOURCES_FILE")
        return cls(
            url=url,
            tls=_tls(environment.get("TRACARDI_API_CA_FILE")) if url.scheme == "https" else None,
            email=email,
            token=_secret(secrets / "installation-token"),
            password=_secret(secrets / "admin-password"),
            sources=_sources(Path(sources)) if sources else (),
            deadline=float(environment.get("TRACARDI_DEADLINE_SECONDS", "1800")),
            install_timeout=float(environment.get("TRACARDI_INSTALL_TIMEOUT_SECONDS", "600")),
            settle=float(environment.get("TRACARDI_SETTLE_SECONDS", "120")),
            request_timeout=float(environment.get("TRACARDI_REQUEST_TIMEOUT_SECONDS", "20")),
            poll=float(environment.get("TRACARDI_POLL_SECONDS", "1")),
        )


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise Refused(f"{ca_file} holds no usable CA certificates ({error.strerror or error}).") from error


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}); mount it into this pod.") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8 text.") from error


def _secret(path: Path) -> str:
    secret = _text(path)
    if not secret.strip() or secret.endswith("\n"):
        raise Refused(f"{path} is empty or ends with a line break; store the bare value, as Tracardi gets it.")
    return secret


def _sources(path: Path) -> tuple[Mapping[str, object], ...]:
    try:
        sources = json.loads(_text(path))
    except ValueError as error:
        raise Refused(f"{path} is not JSON ({error}).") from error
    if not isinstance(sources, list) or not all(isinstance(item, dict) and item.get("id") for item in sources):
        raise Refused(f"{path} has to hold a list of event sources, each with an id.")
    return tuple(sources)


class Journal:
    """Everything that this program prints; secrets never pass."""

    def __init__(self) -> None:
        self._hidden: set[str] = set()
        self._state = ""
        self.last = "nothing yet"

    def hide(self, secret: str) -> None:
        """Keeps a secret out of whatever is printed later, in each notation that an answer may repeat it in."""
        escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
        self._hidden |= escaped | {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}

    def scrub(self, text: str) -> str:
        """The text without hidden values, user names in addresses, and hashes (of passwords, or login tokens)."""
        for secret in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(secret, "***")
        return re.sub(r"(?<=//)[^/\s@]*(?=@)|[0-9A-Fa-f]{32,}", "***", text)

    def quote(self, text: str) -> str:
        """A foreign text as one short line, without the statement and its parameters that SQL errors carry."""
        clean = self.scrub(text.partition("[SQL")[0].partition("[parameters")[0])
        line = " ".join("".join(c if c.isascii() and c.isprintable() else " " for c in clean).split())
        return line if len(line) <= QUOTED_LENGTH else f"{line[:QUOTED_LENGTH]}..."

    def say(self, text: str) -> None:
        """A line of progress."""
        sys.stdout.write(self.scrub(text) + "\n")
        sys.stdout.flush()

    def waiting(self, state: str, text: str) -> None:
        """One line for a state that lasts, when it begins."""
        self.last = text
        if state != self._state:
            self.say(f"waiting: {text}")
            self._state = state


@dataclass(frozen=True)
class Answer:
    """What came back from a request; status 0 when no whole answer did."""

    status: int
    body: bytes = field(default=b"", repr=False)
    location: str = ""
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request was granted."""
        return self.status == HTTPStatus.OK

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in {0, 408, 425, 429} or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def outcome_unknown(self) -> bool:
        """Whether the API may have done, or still be doing, what it was asked for."""
        return self.status in {0, 502, 503, 504}

    def member(self, name: str) -> object:
        """A member of the JSON object in the body; None without one."""
        data = self.data()
        return data.get(name) if isinstance(data, dict) else None

    def data(self) -> object:
        """The JSON in the body; None without any."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def reason(self) -> str:
        """What the API says about a failure; of field errors only place and message: they repeat the input too."""
        reason = self.member("detail") or self.member("errors")
        if isinstance(reason, list):
            return "; ".join(f"{e.get('loc')}: {e.get('msg')}" if isinstance(e, dict) else str(e) for e in reason)
        return reason if isinstance(reason, str) else ""


def send(config: Config, request: str, body: str, headers: Mapping[str, str], timeout: float) -> Answer:
    """One request (`POST /install`) on a connection of its own, so that each attempt may reach another pod.

    Follows no redirect and uses no proxy: either would carry the secrets elsewhere.
    """
    method, path = request.split(" ")
    host, port = config.url.hostname or "", config.url.port
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    if config.tls:
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=config.tls)
    try:
        path = config.url.path.rstrip("/") + path
        connection.request(method, path, body.encode() or None, {**headers, "Connection": "close"})
        response = connection.getresponse()
        return Answer(response.status, response.read(), response.getheader("Location") or "")
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, problem=getattr(error, "strerror", None) or type(error).__name__)
    finally:
        connection.close()


class Installation:
    """The steps; each may be repeated, by this run, by the next, or by another at the same time."""

    def __init__(self, config: Config, journal: Journal) -> None:
        self._config = config
        self._journal = journal
        self._session = ""
        self._ends = time.monotonic() + config.deadline

    def run(self) -> None:
        """Raises Refused or GaveUp unless Tracardi ends up installed, open to the administrator, with its sources."""
        self._patiently("GET /healthcheck")
        self._journal.say(f"the API at {self._config.url.geturl()} answers")
        status = _status(self._patiently("GET /install"))
        if status == READY:
            self._login()
        if status == READY and any(self._stored(source).ok for source in self._config.sources):
            self._journal.say("an earlier run has installed Tracardi")
        else:
            self._install(status)
        if not self._session:
            self._login()
        for source in self._config.sources:
            self._ensure_source(source)
        self._journal.say(f"done: installed, with {len(self._config.sources)} declared event source(s)")

    def _install(self, status: tuple[bool, bool]) -> None:
        """Ends with an answered POST: one that was lost may have been cut off before it registered all plugins."""
        pauses, answered = self._pauses(), False
        while not answered or status != READY:
            self._journal.say(f"{_describe(status)}: posting /install, which can take minutes")
            answer = self._post_install()
            answered = answer.ok
            if answered:
                self._journal.say("POST /install was answered 200")
                self._settle()
            elif answer.outcome_unknown:
                lost = f"POST /install {self._summary(answer)}; only an answer tells that all plugins are registered"
                self._journal.waiting(f"lost {answer.status} {answer.problem}", lost)
                self._settle()
            else:
                self._cannot("POST /install", answer)
            next(pauses)
            status = _status(self._patiently("GET /install"))
        self._journal.say("Tracardi is installed")

    def _post_install(self) -> Answer:
        config = self._config
        order = {"username": config.email, "password": config.password, "token": config.token, "needs_admin": True}
        return self._call("POST /install", json.dumps(order), JSON, config.install_timeout)

    def _settle(self) -> None:
        """Returns when all is there or nothing moves any more: an API that lost its client works on."""
        pauses, seen, since = self._pauses(), None, time.monotonic()
        while True:
            answer = self._call("GET /install")
            status = _status(answer) if answer.ok else None
            if status != seen:
                seen, since = status, time.monotonic()
            if status == READY or time.monotonic() - since >= self._config.settle:
                return
            self._journal.waiting(f"settle {status}", f"the installation may go on ({_describe(status)})")
            next(pauses)

    def _login(self) -> None:
        pauses, refusals = self._pauses(), 0
        who = urlencode({"username": self._config.email, "password": self._config.password, "grant_type": "password"})
        while not (answer := self._call("POST /user/token", who, FORM)).ok:
            # A database that is down is a 400 as well: only the text tells a wrong password from it.
            refusals = refusals + 1 if _remedy(answer.reason()) else 0
            unsure = answer.status == HTTPStatus.BAD_REQUEST and refusals < LOGIN_ATTEMPTS
            self._cannot("POST /user/token", answer, wait=unsure)
            next(pauses)
        token = answer.member("access_token")
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
            raise Refused(f"POST /user/token was answered 200, but without a usable access_token. {WRONG_ADDRESS}")
        self._journal.hide(token)
        self._journal.say(f"{self._config.email} can log in")
        self._session = token

    def _ensure_source(self, source: Mapping[str, object]) -> None:
        stored = self._stored(source)
        if stored.ok and _same(stored.data(), source):
            self._journal.say(f"event source {source['id']} is as declared")
        else:
            self._of_source(source, "POST /event-source", json.dumps(source))
            self._journal.say(f"event source {source['id']} saved")

    def _stored(self, source: Mapping[str, object]) -> Answer:
        """What Tracardi holds under the identifier of a source; status 404 if nothing."""
        return self._of_source(source, f"GET /event-source/{quote(str(source['id']), safe='')}")

    def _of_source(self, source: Mapping[str, object], request: str, body: str = "") -> Answer:
        """The answer to the administrator, who logs in again when Redis loses the session."""
        pauses, refusals = self._pauses(), 0
        while True:
            headers = {**JSON, "Authorization": f"Bearer {self._session}", "X-Context": "production"}
            answer = self._call(request, body, headers)
            absent = answer.status == HTTPStatus.NOT_FOUND and not body
            if absent or (answer.ok and not answer.member("errors")):
                return answer
            expired = answer.status == HTTPStatus.UNAUTHORIZED
            refusals += expired
            remedy = "Correct its declaration, or give the administrator the role admin."
            self._cannot(f"event source {source['id']}", answer, remedy, wait=expired and refusals < LOGIN_ATTEMPTS)
            next(pauses)
            if expired:
                self._login()

    def _patiently(self, request: str) -> Answer:
        pauses = self._pauses()
        while not (answer := self._call(request)).ok:
            self._cannot(request, answer)
            next(pauses)
        return answer

    def _call(self, request: str, body: str = "", headers: Mapping[str, str] = JSON, limit: float = 0) -> Answer:
        left = max(self._ends - time.monotonic(), self._config.poll)
        return send(self._config, request, body, headers, min(limit or self._config.request_timeout, left))

    def _cannot(self, request: str, answer: Answer, remedy: str = WRONG_ADDRESS, *, wait: bool = False) -> None:
        """Says what stands in the way; raises Refused unless it may go away (by `wait`, or by the answer's status)."""
        text = f"{request} {self._summary(answer)}"
        if not (wait or answer.temporary):
            raise Refused(f"{text}. {_remedy(answer.reason()) or remedy}")
        self._journal.waiting(f"{request} {answer.status} {answer.problem}", text)

    def _summary(self, answer: Answer) -> str:
        if not answer.status:
            return f"got no answer ({self._journal.quote(answer.problem)})"
        target = answer.location.partition("?")[0]
        reason = self._journal.quote(f"redirect to {target}, not followed" if target else answer.reason())
        return f"was answered {answer.status}" + (f" ({reason})" if reason else "")

    def _pauses(self) -> Iterator[None]:
        """Each step is a pause, twice as long as the one before; raises GaveUp when none fits before the deadline."""
        pause = self._config.poll
        while self._ends - time.monotonic() > pause:
            time.sleep(pause)
            pause = min(pause * 2, self._config.poll * 10)
            yield
        raise GaveUp(f"{self._config.deadline:g} s were not enough; at the end: {self._journal.last}")


def _status(answer: Answer) -> tuple[bool, bool]:
    """Whether schema and administrator are there; null counts as no. Raises Refused if it is not Tracardi's answer."""
    schema_ok, admin_ok = answer.member("schema_ok"), answer.member("admin_ok")
    if schema_ok is None:
        raise Refused(
            f"GET /install was answered 200, but with no installation status in its {len(answer.body)} bytes; "
            f"the GUI, for one, answers 200 to everything. {WRONG_ADDRESS}"
        )
    return schema_ok is True, admin_ok is True


def _describe(status: tuple[bool, bool] | None) -> str:
    if status is None:
        return "GET /install is not answered 200 at the moment"
    schema, admin = ("present" if half else "missing" for half in status)
    return f"schema {schema}, administrator {admin}"


def _same(stored: object, declared: object) -> bool:
    """Whether what Tracardi holds contains what is declared; some releases keep lists as text with commas."""
    if isinstance(declared, Mapping):
        return isinstance(stored, Mapping) and all(_same(stored.get(key), value) for key, value in declared.items())
    if isinstance(declared, list) and not isinstance(stored, list):
        stored = str(stored).split(",") if stored else []
    return stored in (declared, [declared])


def _remedy(reason: str) -> str:
    """What to do about a refusal; empty when Tracardi's words are not known."""
    return next((remedy for words, remedy in REMEDIES.items() if words in reason), "")


def main(environment: Mapping[str, str]) -> int:
    """Runs the installation; returns the exit status that the head of this file explains."""
    journal = Journal()
    try:
        config = Config.read(environment)
        journal.hide(config.token)
        journal.hide(config.password)
        Installation(config, journal).run()
    except (Refused, GaveUp) as error:
        sys.stderr.write(journal.scrub(f"{error.outcome}: {error}\n"))
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
