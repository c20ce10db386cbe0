"""One HTTP exchange over one connection, bounded in size and in time as a whole.

A timeout of a socket starts again with every byte; a watch over the connection ends it when the
time for everything is over, or when nobody wants the answer any more. Refuses redirects, proxies
and connections that are kept.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chimera.model import ChimeraError
from chimera.runtime import PermanentError

if TYPE_CHECKING:
    from http.client import HTTPResponse

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent where; the URL has been checked, the headers win over what is added."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers are in lower case, and the last of several counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    charset: str


@dataclass(slots=True)
class Deadline:
    """The time that a request may take as a whole, unless it is cancelled before."""

    seconds: float
    cancelled: Callable[[], bool]
    _began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds left; raises `ChimeraError` where there are none."""
        if self.is_over:
            raise self.error()
        return self._began + self.seconds - time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.cancelled() or time.monotonic() >= self._began + self.seconds

    def error(self) -> ChimeraError:
        """Return what to raise then."""
        if self.cancelled():
            return ChimeraError("the request was cancelled")
        return ChimeraError(
            f"there was no whole answer within {self.seconds:g} s", help="raise the timeout"
        )


def exchange(request: Request, max_bytes: int, deadline: Deadline) -> Answer:
    """Send `request` and return the answer, whatever its status.

    Raises `PermanentError` where another attempt would not help, `ChimeraError` where it might.
    """
    import ssl
    from http.client import HTTPConnection, HTTPException

    parts = urlsplit(request.url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    headers = {"Host": parts.netloc, "Connection": "close", "Accept-Encoding": "identity"}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = HTTPConnection(host, port)
    with contextlib.closing(connection), contextlib.ExitStack() as stack:
        watch = None
        try:
            plain = socket.create_connection((host, port), timeout=deadline.left)
            watch = stack.enter_context(_Watch(plain, deadline))
            connection.sock = plain
            if secure:
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(plain, server_hostname=host)
            connection.request(request.method, target, request.body, _over(headers, request))
            response = connection.getresponse()
            body = response.read(max_bytes + 1)
        except ssl.SSLCertVerificationError as error:
            raise PermanentError(f"{host} is not who it says: {error.verify_message}") from error
        except (OSError, HTTPException) as error:
            if deadline.is_over:
                raise deadline.error() from error
            reason = str(error) or type(error).__name__
            raise ChimeraError(f"no answer from {host}:{port}: {reason}") from error
        if watch.has_ended_it:
            raise deadline.error()
        return _answer(response, body, max_bytes)


def _over(headers: Mapping[str, str], request: Request) -> dict[str, str]:
    given = {name.lower() for name in request.headers}
    kept = {name: value for name, value in headers.items() if name.lower() not in given}
    return {**kept, **request.headers}


def _answer(response: HTTPResponse, body: bytes, max_bytes: int) -> Answer:
    if len(body) > max_bytes:
        raise PermanentError(
            f"the answer is larger than {max_bytes} bytes", help="raise maxBytes, or ask for less"
        )
    if response.length:
        raise ChimeraError(f"the answer ends {response.length} bytes too early")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body, response.headers.get_content_charset() or "utf-8")


class _Watch:
    """Ends a connection from outside when its time is over."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        # A duplicate: TLS takes the first one over.
        self._connection = connection.dup()
        self._deadline = deadline
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.has_ended_it = False

    def _look(self) -> None:
        while not self._is_done.wait(_LOOK_SECONDS):
            if self._deadline.is_over:
                self.has_ended_it = True
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
                return

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        self._thread.join()
        self._connection.close()
