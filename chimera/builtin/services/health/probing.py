"""What every way of looking is given: a time that holds for all of it, and what it may use.

Refuses a wait that nothing bounds: sockets are asked through `sockets`, names through `names`.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chimera.builtin.services.health.names import Names
from chimera.context import Context
from chimera.model import ChimeraError
from chimera.runtime.secrets import SecretSpec, read_secret

_LONGEST_TEXT = 200


class ProbeError(ChimeraError):
    """What was asked did not answer as it should; the message says how."""


class LateError(ProbeError):
    """There was no whole answer in time."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a look is over, by the monotonic clock, and how long it could take in all."""

    at: float
    seconds: float

    @staticmethod
    def after(seconds: float) -> Deadline:
        """Return one that many seconds from now."""
        return Deadline(time.monotonic() + seconds, seconds)

    @property
    def is_over(self) -> bool:
        """Tell whether there is no time left."""
        return time.monotonic() >= self.at

    @property
    def left(self) -> float:
        """Seconds left, more than none; raises `LateError` where there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> LateError:
        """Return what to raise then."""
        return LateError(f"no whole answer within {self.seconds:g} s")


@dataclass(slots=True)
class Tools:
    """What ways of looking share within one look: names, certificates, processes and secrets."""

    context: Context
    root: Path
    names: Names = field(default_factory=Names)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _tls: ssl.SSLContext | None = None

    def tls(self) -> ssl.SSLContext:
        """Return how others are asked who they are: by the certificates of this machine."""
        with self._lock:
            if self._tls is None:
                self._tls = ssl.create_default_context()
            return self._tls

    def secrets(self, named: Mapping[str, SecretSpec], deadline: Deadline) -> dict[str, str]:
        """Return secrets by what they are for; raises `ProbeError` where one is not there."""
        try:
            return {name: self.secret(name, spec, deadline) for name, spec in named.items()}
        except ProbeError:
            raise
        except ChimeraError as error:
            raise ProbeError(error.message, help=error.help) from error

    def secret(self, name: str, spec: SecretSpec, deadline: Deadline) -> str:
        """Return one secret, masked from now on; it cannot change what is asked."""
        value = read_secret(name, spec, self.context, self.root, lambda: deadline.is_over)
        if not value.isprintable():
            raise ProbeError(f"the secret {name!r} has characters that cannot be sent")
        return value

    def shown(self, text: str | bytes) -> str:
        """Return the beginning of what others said, for people: no secret, nothing unprintable."""
        if isinstance(text, bytes):
            text = text.decode(errors="replace")
        text = " ".join(self.context.secrets.mask(text).split())
        text = "".join(char if char.isprintable() else "�" for char in text)
        return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


Ask = Callable[[Deadline], str]
"""Asks once; returns what was found well, in a few words, and raises `ProbeError` otherwise."""
