"""The apply lock: one writer of one work tree, known by name while it holds the lock.

The operating system ends the lock with its holder, however that dies. Refuses to break a lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chimera.model import StateError

if TYPE_CHECKING:
    from chimera.context import Context

_POLL_SECONDS = 0.05
_SHORTEST_WAIT = 0.2  # a reader that looks whether the lock is held holds it for an instant

if sys.platform == "win32":
    import msvcrt

    _BEYOND_TEXT = 1 << 30  # Windows forbids others to read what is locked, so lock behind it

    def _try_lock(fd: int) -> bool:
        os.lseek(fd, _BEYOND_TEXT, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, and since when (ISO 8601)."""

    pid: int
    actor: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"{self.actor} (pid {self.pid}, {self.command}, since {self.since})"


class Lock:
    """A held lock; `release` or the end of the process frees it."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd

    @staticmethod
    def acquire(
        path: Path, holder: Holder, *, wait: float | None = None, what: str = "the state"
    ) -> Lock:
        """Return the lock on `what`, waiting up to `wait` seconds; `None` where nobody said any.

        Raises `StateError` that names who holds it.
        """
        deadline = time.monotonic() + max(wait or 0.0, _SHORTEST_WAIT)
        while (fd := _locked(path)) is None:
            if time.monotonic() >= deadline:
                raise StateError(
                    f"{what} is in use by {holder_of(path) or 'another process'}",
                    help="try again when it has finished"
                    + (", or let this command wait for it with --wait" if wait is not None else ""),
                )
            time.sleep(_POLL_SECONDS)
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
            os.write(fd, json.dumps(asdict(holder)).encode())
        return Lock(fd)

    def release(self) -> None:
        """Free the lock; a second call does nothing."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None


def take(
    path: Path,
    context: Context,
    command: str,
    *,
    wait: float | None = None,
    what: str = "the state",
) -> Lock:
    """Return the lock at `path`, as `Lock.acquire` does, for whoever runs `command` now."""
    since = context.clock.now().isoformat(timespec="seconds")
    holder = Holder(os.getpid(), context.actor.name, context.secrets.mask(command), since)
    return Lock.acquire(path, holder, wait=wait, what=what)


@contextlib.contextmanager
def hold(
    path: Path,
    context: Context,
    command: str,
    *,
    wait: float | None = None,
    what: str = "the state",
) -> Iterator[None]:
    """Hold the lock at `path`; raises `StateError` that names who holds it."""
    lock = take(path, context, command, wait=wait, what=what)
    try:
        yield
    finally:
        lock.release()


def holder_of(path: Path) -> Holder | None:
    """Return what the holder of a lock wrote about itself, if it has."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def is_held(path: Path) -> bool:
    """Tell whether a process holds the lock."""
    if not path.exists():
        return False
    fd = _locked(path)
    if fd is None:
        return True
    os.close(fd)
    return False


def _locked(path: Path) -> int | None:
    """Return a descriptor of the locked file, or `None` where somebody else has locked it."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    except OSError as error:
        raise StateError(
            f"{path} cannot be opened: {error.strerror}", help="make its folder writable"
        ) from error
    try:
        if _try_lock(fd) and os.fstat(fd).st_ino == path.stat().st_ino:
            return fd
    except FileNotFoundError:
        pass  # removed since it was opened: what is locked is no longer the lock
    os.close(fd)
    return None
