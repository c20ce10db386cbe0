"""Asking by HTTP: one request over one connection, one answer, whole and bounded.

The message is read by `http.client`, which bounds lines and the number of headers; time and bytes
are bounded below it. Refuses redirects, proxies, cookies and encodings: what is asked is this
service.
"""

from __future__ import annotations

import codecs
import http.client
import io
from collections.abc import Mapping
from typing import Any

from chimera.builtin.services.health.matching import mismatch
from chimera.builtin.services.health.probing import Deadline, ProbeError, Tools
from chimera.builtin.services.health.selecting import Target
from chimera.builtin.services.health.sockets import Stream, connected
from chimera.builtin.services.spec.checks import HttpCheck

_HEAD = 256 << 10
"""Bytes that may come beside a body: status lines, headers, bounds of chunks."""
_INTERIM = 10
_SWITCHING = 101
_OF_PYTHON = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Encodings that no server means: a megabyte of punycode takes hours to read."""


def ask(check: HttpCheck, target: Target, tools: Tools, deadline: Deadline) -> str:
    """Ask once; return what was well, and raise `ProbeError` where something was not."""
    headers = {**check.headers, **tools.secrets(check.secret_headers, deadline)}
    most = check.max_bytes * 2 + _HEAD  # chunks of one byte have bounds of five
    with connected(
        tools, target.host, target.port, deadline, tls=target.is_secure, most=most
    ) as stream:
        stream.send(_request(check, target, headers))
        response, body = _answered(check, stream, tools)
    if response.status not in (check.statuses or range(200, 300)):
        said = tools.shown(body)
        raise ProbeError(
            f"{check.path} answered with status {response.status}" + (f": {said}" if said else "")
        )
    if check.body is not None:
        wrong = mismatch(check.body, _text(response, body), tools.shown)
        if wrong is not None:
            raise ProbeError(wrong)
    return f"{check.path} answered with status {response.status}"


def _request(check: HttpCheck, target: Target, headers: Mapping[str, str]) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = 443 if target.is_secure else 80
    sent = {
        "Host": host if target.port == usual else f"{host}:{target.port}",
        "User-Agent": "chimera-health",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    given = {name.lower() for name in headers}
    lines = [f"{check.method} {check.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in sent.items() if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    try:
        return "\r\n".join((*lines, "", "")).encode("latin-1")
    except UnicodeEncodeError:
        raise ProbeError("a secret header has characters that HTTP cannot send") from None


class _Messages:
    """Gives `http.client` one reader for all the messages of a connection."""

    def __init__(self, stream: Stream) -> None:
        self._file = stream.makefile("rb")

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._file


def _answered(
    check: HttpCheck, stream: Stream, tools: Tools
) -> tuple[http.client.HTTPResponse, bytes]:
    messages: Any = _Messages(stream)
    heard: list[http.client.HTTPResponse] = []  # one that is let go of closes what all read from
    try:
        for _ in range(_INTERIM):
            response = http.client.HTTPResponse(messages, method=check.method)
            heard.append(response)
            response.begin()
            if response.status >= 200 or response.status == _SWITCHING:
                return response, _body(check, response)
    except http.client.IncompleteRead as error:
        raise ProbeError("the answer is not whole: it ended in the middle of a chunk") from error
    except http.client.RemoteDisconnected:
        raise ProbeError("it closed the connection without an answer") from None
    except http.client.BadStatusLine as error:
        raise ProbeError(f"it answered with no HTTP: {tools.shown(str(error))}") from error
    except (http.client.HTTPException, ValueError) as error:
        said = tools.shown(str(error) or type(error).__name__)
        raise ProbeError(f"its answer cannot be read: {said}") from error
    raise ProbeError(f"it announced an answer {_INTERIM} times, and gave none")


def _body(check: HttpCheck, response: http.client.HTTPResponse) -> bytes:
    body = response.read(check.max_bytes + 1)
    if len(body) > check.max_bytes:
        raise ProbeError(
            f"the answer is larger than {check.max_bytes} bytes",
            help="ask for less, or raise maxBytes",
        )
    if response.length:
        said = len(body) + response.length
        raise ProbeError(
            f"the answer is not whole: it said that {said} bytes would come, and {len(body)} did"
        )
    return body


def _text(response: http.client.HTTPResponse, body: bytes) -> str:
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if body and encoding != "identity":
        raise ProbeError(f"the answer is encoded as {encoding}, which nobody asked for")
    charset = response.headers.get_content_charset("utf-8")
    try:
        known = codecs.lookup(charset).name.replace("_", "-")
        return body.decode("utf-8" if known in _OF_PYTHON else charset, "replace")
    except (LookupError, ValueError):  # no charset, or one that is no encoding of text
        return body.decode(errors="replace")
