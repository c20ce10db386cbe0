"""Names of hosts, each resolved once in a look, in a thread that nobody has to wait for.

The resolver of the C library cannot be interrupted and may take half a minute. Refuses to wait for
it longer than whoever asks has time, and to ask it twice about one name.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

Found = tuple[socket.AddressFamily, tuple[Any, ...]]
"""The family of an address, and where a socket of it connects to."""


@dataclass(slots=True)
class _Asked:
    """One name that is being resolved, or was."""

    is_done: threading.Event = field(default_factory=threading.Event)
    found: tuple[Found, ...] = ()
    error: OSError | None = None


class Names:
    """Resolves names; may be used from threads."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, int], _Asked] = {}
        self._lock = threading.Lock()

    def resolve(self, host: str, port: int, seconds: float) -> tuple[Found, ...]:
        """Return the addresses of a host in the order in which they are to be tried.

        Raises `TimeoutError` where they are not known in time, and `OSError` where there are none.
        """
        with contextlib.suppress(socket.gaierror, UnicodeError):
            return _resolved(host, port, socket.AI_NUMERICHOST)  # an address is there at once
        with self._lock:
            asked = self._asked.get((host, port))
            if asked is None:
                asked = self._asked[host, port] = _Asked()
                threading.Thread(target=_ask, args=(host, port, asked), daemon=True).start()
        if not asked.is_done.wait(seconds):
            raise TimeoutError(f"the name {host} was not resolved in time")
        if asked.error is not None:
            raise asked.error
        return asked.found


def _ask(host: str, port: int, asked: _Asked) -> None:
    try:
        asked.found = _resolved(host, port, 0)
    except OSError as error:
        asked.error = error
    except UnicodeError:  # what no name can be, such as a label of 64 characters
        asked.error = socket.gaierror(socket.EAI_NONAME, "it cannot be the name of a host")
    finally:
        asked.is_done.set()


def _resolved(host: str, port: int, flags: int) -> tuple[Found, ...]:
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return tuple(dict.fromkeys((family, address) for family, _, _, _, address in rows))
