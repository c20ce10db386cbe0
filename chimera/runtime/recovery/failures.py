"""Failures: which of the six categories an exception belongs to, and whether it may pass by itself.

A *transient* failure is one that another attempt, a little later, may well not meet. A *permanent*
one is known to come back. Of the rest nothing is known: an author who asks for retries gets them,
and the default strategy does not. Imports none of the libraries whose exceptions it knows.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from chimera.model import ChimeraError, GateError, StateError, UsageError

if TYPE_CHECKING:
    from chimera.state import Json


class Category(StrEnum):
    """The part of the system that a failure is one of (seed 003)."""

    WORKFLOW = "workflow_error"
    MODULE = "module_error"
    COMMUNICATION = "communication_error"
    RESOURCE = "resource_error"
    VALIDATION = "validation_error"
    SYSTEM = "system_error"


class StepError(ChimeraError):
    """The work of a step failed, and knows how.

    `retry_after` is how long whoever refused it asked to wait. `kind` names what happened, in
    words of the field; it is the name of the class unless it came from elsewhere.
    """

    def __init__(
        self,
        message: str,
        *,
        category: Category = Category.WORKFLOW,
        transient: bool = False,
        retry_after: timedelta | None = None,
        kind: str = "",
        help: str | None = None,
    ) -> None:
        super().__init__(message, help=help)
        self.category = category
        self.transient = transient
        self.retry_after = retry_after
        self.kind = kind or type(self).__name__


class PermanentError(StepError):
    """The step failed in a way that another attempt would not change: it is not retried."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it is decided on and recorded."""

    category: Category
    transient: bool
    message: str
    kind: str
    permanent: bool = False
    retry_after: timedelta | None = None

    def to_json(self) -> Json:
        """Return the failure as a journal keeps it."""
        after = self.retry_after
        return {
            "category": self.category.value,
            "transient": self.transient,
            "message": self.message,
            "kind": self.kind,
            **({"permanent": True} if self.permanent else {}),
            **({"retryAfter": after.total_seconds()} if after is not None else {}),
        }

    @classmethod
    def from_json(cls, value: Any) -> Failure:
        """Return the failure that `to_json` gave."""
        after = value.get("retryAfter")
        return cls(
            Category(value["category"]),
            value["transient"],
            value["message"],
            value["kind"],
            value.get("permanent", False),
            None if after is None else timedelta(seconds=after),
        )

    def as_error(self) -> StepError:
        """Return an error that is classified as this failure, such as one of another process."""
        return (PermanentError if self.permanent else StepError)(
            self.message,
            category=self.category,
            transient=self.transient and not self.permanent,
            retry_after=self.retry_after,
            kind=self.kind,
        )


_TRANSIENT = True
_LASTING = False

_BY_ERRNO: Final[dict[int, tuple[Category, bool]]] = {
    **dict.fromkeys(
        (
            errno.ECONNREFUSED,
            errno.ECONNRESET,
            errno.ECONNABORTED,
            errno.EPIPE,
            errno.ETIMEDOUT,
            errno.ENETDOWN,
            errno.ENETUNREACH,
            errno.ENETRESET,
            errno.EHOSTDOWN,
            errno.EHOSTUNREACH,
        ),
        (Category.COMMUNICATION, _TRANSIENT),
    ),
    **dict.fromkeys(
        (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTO, errno.EMSGSIZE),
        (Category.COMMUNICATION, _LASTING),
    ),
    **dict.fromkeys(
        (
            errno.EAGAIN,
            errno.EBUSY,
            errno.EMFILE,
            errno.ENFILE,
            errno.ENOBUFS,
            errno.ENOLCK,
            errno.ENOMEM,
            errno.ETXTBSY,
        ),
        (Category.RESOURCE, _TRANSIENT),
    ),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), (Category.RESOURCE, _LASTING)),
    **dict.fromkeys((errno.EINTR, errno.ESTALE), (Category.SYSTEM, _TRANSIENT)),
    **dict.fromkeys(
        (
            errno.ENOENT,
            errno.EEXIST,
            errno.ENOTDIR,
            errno.EISDIR,
            errno.ENOTEMPTY,
            errno.ENAMETOOLONG,
            errno.ELOOP,
        ),
        (Category.WORKFLOW, _LASTING),
    ),
    errno.EINVAL: (Category.VALIDATION, _LASTING),
}
"""What the system says; every other number is a lasting failure of the system."""

_BY_NAME: Final[dict[str, tuple[Category, bool]]] = {
    "builtins.TimeoutError": (Category.COMMUNICATION, _TRANSIENT),
    "builtins.ConnectionError": (Category.COMMUNICATION, _TRANSIENT),
    "builtins.EOFError": (Category.COMMUNICATION, _TRANSIENT),
    "builtins.MemoryError": (Category.RESOURCE, _TRANSIENT),
    "builtins.ImportError": (Category.MODULE, _LASTING),
    "builtins.NotImplementedError": (Category.MODULE, _LASTING),
    "builtins.UnicodeError": (Category.VALIDATION, _LASTING),
    "builtins.SystemExit": (Category.SYSTEM, _LASTING),
    "builtins.SystemError": (Category.SYSTEM, _LASTING),
    "asyncio.exceptions.IncompleteReadError": (Category.COMMUNICATION, _TRANSIENT),
    "concurrent.futures._base.BrokenExecutor": (Category.SYSTEM, _TRANSIENT),
    "http.client.HTTPException": (Category.COMMUNICATION, _TRANSIENT),
    "httpx.TransportError": (Category.COMMUNICATION, _TRANSIENT),
    "httpx.UnsupportedProtocol": (Category.VALIDATION, _LASTING),
    "httpx.InvalidURL": (Category.VALIDATION, _LASTING),
    "json.decoder.JSONDecodeError": (Category.VALIDATION, _LASTING),
    "jsonschema.exceptions.ValidationError": (Category.VALIDATION, _LASTING),
    "pydantic_core._pydantic_core.ValidationError": (Category.VALIDATION, _LASTING),
    "ray.exceptions.RaySystemError": (Category.SYSTEM, _TRANSIENT),
    "ray.exceptions.WorkerCrashedError": (Category.SYSTEM, _TRANSIENT),
    "ray.exceptions.NodeDiedError": (Category.SYSTEM, _TRANSIENT),
    "ray.exceptions.RayActorError": (Category.SYSTEM, _TRANSIENT),
    "ray.exceptions.ObjectLostError": (Category.SYSTEM, _TRANSIENT),
    "ray.exceptions.OutOfMemoryError": (Category.RESOURCE, _TRANSIENT),
    "socket.gaierror": (Category.COMMUNICATION, _LASTING),  # but EAI_AGAIN
    "socket.herror": (Category.COMMUNICATION, _LASTING),
    "sqlite3.OperationalError": (Category.SYSTEM, _TRANSIENT),  # locked, mostly
    "sqlite3.DatabaseError": (Category.SYSTEM, _LASTING),
    "ssl.SSLError": (Category.COMMUNICATION, _LASTING),
    "ssl.SSLZeroReturnError": (Category.COMMUNICATION, _TRANSIENT),
    "ssl.SSLEOFError": (Category.COMMUNICATION, _TRANSIENT),
    "subprocess.TimeoutExpired": (Category.SYSTEM, _TRANSIENT),
    "subprocess.CalledProcessError": (Category.WORKFLOW, _LASTING),
}
"""By the name of the class or of the nearest one that it derives from, so that none is imported."""

_OURS: Final[tuple[tuple[type[ChimeraError], tuple[Category, bool]], ...]] = (
    (UsageError, (Category.VALIDATION, _LASTING)),
    (GateError, (Category.WORKFLOW, _LASTING)),
    (StateError, (Category.SYSTEM, _LASTING)),
)

_EAI_AGAIN: Final = -3  # "temporary failure in name resolution", on Linux and macOS 2
_UNKNOWN: Final = (Category.WORKFLOW, _LASTING)


def classify(error: BaseException) -> Failure:
    """Return what kind of failure an exception is; one that nobody knows is a `workflow_error`.

    The message is the exception's own: whoever records it masks secrets in it.
    """
    if isinstance(error, StepError):
        return Failure(
            error.category,
            error.transient and not isinstance(error, PermanentError),
            error.message,
            error.kind,
            isinstance(error, PermanentError),
            error.retry_after,
        )
    category, transient = _kind_of(error)
    return Failure(category, transient, str(error) or type(error).__name__, type(error).__name__)


def _kind_of(error: BaseException) -> tuple[Category, bool]:
    for ours, known in _OURS:
        if isinstance(error, ours):
            return known
    for cls in type(error).__mro__:
        name = f"{cls.__module__}.{cls.__qualname__}"
        if name == "socket.gaierror" and getattr(error, "errno", None) == _EAI_AGAIN:
            return Category.COMMUNICATION, _TRANSIENT
        if name in _BY_NAME:
            return _BY_NAME[name]
        if cls is OSError:
            number = error.errno if isinstance(error, OSError) else None
            return _BY_ERRNO.get(number or 0, (Category.SYSTEM, _LASTING))
    return _UNKNOWN
