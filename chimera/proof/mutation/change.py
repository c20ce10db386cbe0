"""One change of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chimera.model import ChimeraError


class Change(Protocol):
    """What may be done to a file; `label` says what that means."""

    @property
    def label(self) -> str:
        """What is changed, in words."""
        ...

    def apply(self, content: bytes) -> bytes:
        """Return the content after the change; raises `ChimeraError` where it cannot be made."""
        ...


@dataclass(frozen=True, slots=True)
class Replacement:
    """Bytes from `start` to `end` replaced by others."""

    start: int
    end: int
    text: bytes
    label: str

    def apply(self, content: bytes) -> bytes:
        """Return the content with the bytes replaced."""
        return content[: self.start] + self.text + content[self.end :]


@dataclass(frozen=True, slots=True)
class Revision:
    """A text made into another."""

    make: Callable[[str], str]
    label: str

    def apply(self, content: bytes) -> bytes:
        """Return what is made of the content."""
        try:
            return self.make(content.decode("utf-8")).encode("utf-8")
        except UnicodeError as error:
            raise ChimeraError(f"it is no text: {error}") from error
