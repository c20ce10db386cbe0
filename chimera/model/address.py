"""What a change is about: a document by its address, or a set of governed paths."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chimera.model.errors import UsageError

KIND_PATTERN = r"[A-Z][A-Za-z0-9]{0,62}"
NAME_PATTERN = r"[a-z0-9](?:[a-z0-9.-]{0,126}[a-z0-9])?"
_ADDRESS = re.compile(f"({KIND_PATTERN})/({NAME_PATTERN})")


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """`Kind/name`: unique in a snapshot."""

    kind: str
    name: str

    @staticmethod
    def parse(text: str) -> Address:
        """Read `Kind/name`; raises `UsageError` for anything else."""
        match = _ADDRESS.fullmatch(text)
        if match is None:
            kind, _, name = text.partition("/")
            near = f"{kind[:1].upper()}{kind[1:]}/{name.lower()}"
            meant = f"did you mean {near}? " if _ADDRESS.fullmatch(near) else ""
            raise UsageError(
                f"{text!r} is not an address",
                help=f"{meant}write Kind/name, as in Workflow/release-notes",
            )
        return Address(match[1], match[2])

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class PathSet:
    """The paths that a gate or a proof governs, named by Git `:(glob)` patterns.

    The globs are sorted and unique, so that equal sets are equal values.
    """

    globs: tuple[str, ...]

    @staticmethod
    def of(globs: list[str] | tuple[str, ...]) -> PathSet:
        """Return the set for `globs` in canonical order.

        Raises `UsageError` for what the text form could not tell apart: an empty glob, or one with
        a comma.
        """
        if any(not glob or "," in glob for glob in globs):
            raise UsageError(f"{list(globs)!r} are not path globs", help="write paths:GLOB,GLOB")
        return PathSet(tuple(sorted(set(globs))))

    @staticmethod
    def parse(text: str) -> PathSet:
        """Read back what `str()` wrote."""
        if not text.startswith("paths:"):
            raise UsageError(f"{text!r} is not a path set", help="write paths:GLOB,GLOB")
        return PathSet.of(text.removeprefix("paths:").split(","))

    def __str__(self) -> str:
        return "paths:" + ",".join(self.globs)


Target = Address | PathSet
"""What a change, an obligation or an approval is about."""


def parse_target(text: str) -> Target:
    """Read an address or a path set from its text form."""
    return PathSet.parse(text) if text.startswith("paths:") else Address.parse(text)
