"""One HTTP exchange over one connection, bounded in size and in time as a whole.

The exchange itself is httpx's. A timeout of a socket starts again with every byte; a watch over
the connection ends it when the time for everything is over, or when nobody wants the answer any
more. Refuses redirects, proxies, cookies, encodings that nobody asked for, and connections that
are kept.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chimera.model import ChimeraError
from chimera.runtime import PermanentError
from chimera.runtime.recovery import Category, StepError

if TYPE_CHECKING:
    import httpx

_LOOK_SECONDS = 0.1
_CHUNK = 64 << 10


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent where; the URL has been checked, the headers win over what is added.

    A request that `may_repeat` does no more harm the second time; of another one that may have
    arrived, a failure is permanent.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    may_repeat: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers are in lower case, and several of one are joined."""

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

    def error(self, *, may_repeat: bool = True) -> ChimeraError:
        """Return what to raise then."""
        if self.cancelled():
            return ChimeraError("the request was cancelled")
        return passing(
            f"there was no whole answer within {self.seconds:g} s",
            may_repeat=may_repeat,
            help="raise the timeout",
        )


def passing(message: str, *, may_repeat: bool, **more: Any) -> StepError:
    """Return a failure that another request may not meet, if another may be made."""
    if may_repeat:
        return StepError(message, category=Category.COMMUNICATION, transient=True, **more)
    unsure = "; it may have been done all the same, and whoever was asked knows no idempotency key"
    more.pop("retry_after", None)
    return PermanentError(message + unsure, category=Category.COMMUNICATION, **more)


def exchange(request: Request, max_bytes: int, deadline: Deadline) -> Answer:
    """Send `request` and return the answer, whatever its status.

    Raises `PermanentError` where another attempt would not help, `StepError` where it might.
    """
    import httpx

    with _Watch(deadline) as watch, _translated(request, deadline, watch):
        with _client(request.url, deadline) as client:
            sent = client.build_request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body or None,
                extensions={"trace": watch.trace},
            )
            response = client.send(sent, stream=True)
            try:
                body = _read(response, max_bytes)
            finally:
                response.close()
        if watch.has_ended_it:
            raise httpx.ReadTimeout("the time was over")
        return _answer(response, body)


def _client(url: str, deadline: Deadline) -> httpx.Client:
    """Return a client for one request: nothing of the environment, no cookie, no redirect."""
    import ssl

    import httpx

    # httpx would bring certificates of its own: those of the machine count.
    is_secure = urlsplit(url).scheme == "https"
    return httpx.Client(
        verify=ssl.create_default_context() if is_secure else False,
        trust_env=False,
        follow_redirects=False,
        timeout=deadline.left,
        headers={
            "User-Agent": "chimera",
            "Accept-Encoding": "identity",
            "Connection": "close",
        },
    )


def _read(response: httpx.Response, max_bytes: int) -> bytes:
    """Return the body as it was sent; raises `PermanentError` where it is larger than it may be."""
    body = bytearray()
    for chunk in response.iter_raw(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise PermanentError(
                f"the answer is larger than {max_bytes} bytes",
                category=Category.RESOURCE,
                help="raise maxBytes, or ask for less",
            )
    return bytes(body)


def _answer(response: httpx.Response, body: bytes) -> Answer:
    encoding = response.headers.get("content-encoding", "identity")
    if body and encoding.lower() != "identity":
        raise PermanentError(
            f"the answer is encoded as {encoding}, which nobody asked for",
            category=Category.COMMUNICATION,
        )
    return Answer(
        response.status_code, dict(response.headers), body, response.charset_encoding or "utf-8"
    )


@contextlib.contextmanager
def _translated(request: Request, deadline: Deadline, watch: _Watch) -> Iterator[None]:
    """Say of what httpx raises whether another attempt may help."""
    import ssl

    import httpx

    parts = urlsplit(request.url)
    host = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
        raise PermanentError(
            f"the request cannot be sent: {error}", category=Category.VALIDATION
        ) from error
    except (httpx.HTTPError, OSError) as error:
        # What was not connected has not been asked: it may be asked again in any case.
        is_unheard = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
        may_repeat = request.may_repeat or is_unheard
        certificate = _cause(error, ssl.SSLCertVerificationError)
        if certificate is not None:
            raise PermanentError(
                f"{parts.hostname} is not who it says: {certificate.verify_message}",
                category=Category.COMMUNICATION,
            ) from error
        if deadline.is_over or watch.has_ended_it:
            raise deadline.error(may_repeat=may_repeat) from error
        reason = str(error) or type(error).__name__
        raise passing(f"no whole answer from {host}: {reason}", may_repeat=may_repeat) from error


def _cause(error: BaseException | None, wanted: type[Any]) -> Any:
    """Return the exception of a type that `error` came from, however far back."""
    while error is not None and not isinstance(error, wanted):
        error = error.__cause__ or error.__context__
    return error


class _Watch:
    """Ends a connection from outside when its time is over."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._connection: socket.socket | None = None
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.has_ended_it = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from httpx that there is a connection."""
        if event == "connection.connect_tcp.complete":
            # A duplicate: TLS takes the first one over.
            self._connection = info["return_value"].get_extra_info("socket").dup()
            self._thread.start()

    def _look(self) -> None:
        assert self._connection is not None
        while not self._is_done.wait(_LOOK_SECONDS):
            if self._deadline.is_over:
                self.has_ended_it = True
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
                return

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        if self._connection is not None:
            self._thread.join()
            self._connection.close()
