"""Records that a plan owes and that nobody wrote yet, as far as the plan tells what they say."""

from __future__ import annotations

from dataclasses import dataclass

from chimera.model import Address


@dataclass(frozen=True, slots=True)
class RecordDraft:
    """The text of a record for a person to complete, and where it would stand.

    `missing` are the fields that only a person knows. It is shown and drives nothing.
    """

    address: Address
    path: str
    text: str
    missing: tuple[str, ...] = ()
