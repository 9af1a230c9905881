"""A Redis with a password."""

import socket
from dataclasses import dataclass, field

INFO = {"redis_version": "7.2.4", "redis_mode": "standalone", "maxmemory": "1024", "maxmemory_policy": "volatile-lru"}


@dataclass
class Redis:
    """What it knows, and how it answers each command in place of carrying it out; the last answer stays."""

    password: str
    info: dict[str, str] = field(default_factory=lambda: dict(INFO))
    answers: dict[str, list[str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    def talk(self, connection: socket.socket) -> None:
        """Answers until the other side leaves."""
        stream, known = connection.makefile("rb"), False
        while line := stream.readline():
            words = []
            for _ in range(int(line[1:])):
                length = int(stream.readline()[1:])
                words.append(stream.read(length + 2)[:length].decode())
            self.commands.append(words[0])
            known = known or words == ["AUTH", self.password]
            connection.sendall(self._answer(words, known=known).encode())

    def _answer(self, words: list[str], *, known: bool) -> str:
        scripted = self.answers.get(words[0])
        if scripted:
            return (scripted.pop(0) if len(scripted) > 1 else scripted[0]) + "\r\n"
        if not known:
            wrong = "WRONGPASS invalid username-password pair or user is disabled."
            return f"-{wrong if words[0] == 'AUTH' else 'NOAUTH Authentication required.'}\r\n"
        return self._carried_out(words) + "\r\n"

    def _carried_out(self, words: list[str]) -> str:
        answer = f"-ERR unknown command '{words[0]}'"
        match words:
            case ["AUTH", _]:
                answer = "+OK"
            case ["PING"]:
                answer = "+PONG"
            case ["INFO"]:
                answer = _bulk("# Server\r\n" + "".join(f"{name}:{value}\r\n" for name, value in self.info.items()))
            case ["SET", key, value, "EX", _]:
                self.keys[key] = value
                answer = "+OK"
            case ["GET", key]:
                answer = _bulk(self.keys[key])
            case ["DEL", key]:
                del self.keys[key]
                answer = ":1"
        return answer


def _bulk(text: str) -> str:
    return f"${len(text)}\r\n{text}"
