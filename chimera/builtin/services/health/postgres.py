"""Asking PostgreSQL whether it accepts connections, as libpq's PQping judges it.

A startup message is sent, and what comes first decides: a request for authentication, or an error
other than 57P03 (cannot_connect_now), is a server that accepts connections; 57P03 is one that
rejects them; anything else is no response. Refuses to log in: nothing is authenticated.
"""

from __future__ import annotations

import struct
from contextlib import suppress

from chimera.builtin.services.health.probing import Deadline, ProbeError, Tools
from chimera.builtin.services.health.selecting import Target
from chimera.builtin.services.health.sockets import Stream, connected
from chimera.builtin.services.spec.checks import PostgresCheck

_VERSION_3 = 3 << 16
_CANNOT_CONNECT_NOW = "57P03"
_LONGEST = 30_000
"""What libpq takes for the longest error of a server that speaks the protocol."""
_NEGOTIATIONS = 3


def ask(check: PostgresCheck, target: Target, tools: Tools, deadline: Deadline) -> str:
    """Ask once; return what was well, and raise `ProbeError` where something was not."""
    try:
        with connected(tools, target.host, target.port, deadline) as stream:
            stream.send(_startup(check))
            found = _heard(stream, tools)
            with suppress(ProbeError):
                stream.send(b"X\0\0\0\4")
    except ProbeError as error:
        if isinstance(error, _RejectedError):
            raise
        raise type(error)(f"no response: {error.message}", help=error.help) from error
    return found


class _RejectedError(ProbeError):
    """The server says that it takes nobody now."""


def _startup(check: PostgresCheck) -> bytes:
    given = {"user": check.user, "database": check.database, "application_name": "chimera-health"}
    pairs = "".join(f"{name}\0{value}\0" for name, value in given.items() if value is not None)
    body = struct.pack("!i", _VERSION_3) + pairs.encode() + b"\0"
    return struct.pack("!i", len(body) + 4) + body


def _heard(stream: Stream, tools: Tools) -> str:
    for _ in range(_NEGOTIATIONS):
        kind = stream.exactly(1)
        if kind == b"R":
            return "accepting connections"
        (length,) = struct.unpack("!i", stream.exactly(4))
        if kind not in {b"E", b"v"} or not 4 <= length <= _LONGEST:
            raise ProbeError("it does not answer as PostgreSQL")
        body = stream.exactly(length - 4)
        if kind == b"E":
            return _judged(_fields(body), tools)
    raise ProbeError("it negotiates, and never answers")


def _fields(body: bytes) -> dict[str, str]:
    """Return the fields of an error by their letters: C is the SQLSTATE, M the message."""
    texts = (field.decode(errors="replace") for field in body.split(b"\0") if field)
    return {text[0]: text[1:] for text in texts}


def _judged(fields: dict[str, str], tools: Tools) -> str:
    state, said = fields.get("C", ""), tools.shown(fields.get("M", ""))
    if len(state) != 5:
        raise ProbeError("it answered with an error that has no SQLSTATE")
    if state == _CANNOT_CONNECT_NOW:
        raise _RejectedError(f"rejecting connections: {said}", help="wait until it is ready")
    return f"accepting connections ({said})"
