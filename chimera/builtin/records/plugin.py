"""Registers the kinds of records and judges them."""

from __future__ import annotations

from collections.abc import Iterable

from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.kinds import Kind, Subject
from chimera.model import Verdict
from chimera.plugin import hookimpl


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `ChangelogEntry`."""
    return [
        Kind(
            "ChangelogEntry",
            ChangelogEntrySpec,
            "One change that affected an environment: what, how risky, how to verify and undo it.",
            record=True,
        )
    ]


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge the entries of the operations changelog."""
    from chimera.builtin.records.changelog import judge

    return judge(subject)
