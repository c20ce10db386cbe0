"""Asking Redis: AUTH where there is a password, then PING. Refuses any other command."""

from __future__ import annotations

from chimera.builtin.services.health.probing import Deadline, ProbeError, Tools
from chimera.builtin.services.health.selecting import Target
from chimera.builtin.services.health.sockets import Stream, connected
from chimera.builtin.services.spec.checks import RedisCheck

_LINE = 4096
_MEANINGS = {
    b"LOADING": ("it is still loading its data", "wait until it has"),
    b"NOAUTH": ("it wants a password", "give the check a password"),
    b"WRONGPASS": ("it does not take the password", "correct the secret that password refers to"),
    b"MASTERDOWN": ("it has lost its master, and serves nothing stale", "see to the master"),
    b"DENIED": ("it is protected, and takes nobody from elsewhere", "see its protected-mode"),
    b"NOPERM": ("the user may not PING", "give the user the permission +ping"),
    b"MISCONF": ("it cannot save its data", "see to its disk"),
}


def ask(check: RedisCheck, target: Target, tools: Tools, deadline: Deadline) -> str:
    """Ask once; return what was well, and raise `ProbeError` where something was not."""
    named = {} if check.password is None else {"password": check.password}
    secrets = tools.secrets(named, deadline)
    with connected(tools, target.host, target.port, deadline) as stream:
        if "password" in secrets:
            user = () if check.username is None else (check.username,)
            _say(stream, "AUTH", *user, secrets["password"])
            _heard(stream, b"+OK", tools)
        _say(stream, "PING")
        _heard(stream, b"+PONG", tools)
    return "PING was answered with PONG"


def _say(stream: Stream, *words: str) -> None:
    """Send a command, as RESP writes it: an array of bulk strings."""
    data = [word.encode() for word in words]
    parts = [b"*%d\r\n" % len(data), *(b"$%d\r\n%b\r\n" % (len(one), one) for one in data)]
    stream.send(b"".join(parts))


def _heard(stream: Stream, wanted: bytes, tools: Tools) -> None:
    line = stream.line(_LINE)
    if line == wanted:
        return
    if not line.startswith(b"-"):
        raise ProbeError(f"it does not answer as Redis: {tools.shown(line)!r}")
    said = tools.shown(line[1:])
    meaning, help = _MEANINGS.get(line[1:].partition(b" ")[0], ("it refuses to answer", None))
    raise ProbeError(f"{meaning}: {said}", help=help)
