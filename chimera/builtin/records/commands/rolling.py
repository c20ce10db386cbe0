"""What the commands of `chimera rollback` share."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from chimera.model import UsageError

if TYPE_CHECKING:
    from chimera.builtin.records.occasions import Occasion
    from chimera.workspace import Workspace

only_option = click.option(
    "--only",
    multiple=True,
    metavar="TARGET",
    help="Restore only this (Kind/name, paths:GLOB); repeatable. The smallest rollback is safest.",
)
preserved_option = click.option(
    "--preserved",
    multiple=True,
    metavar="WHAT=WHERE",
    help="Evidence that is kept: timeline, metrics, logs, state or impact; repeatable.",
)
unavailable_option = click.option(
    "--unavailable",
    multiple=True,
    metavar="WHAT=WHY",
    help="Evidence that cannot be kept, with the reason; repeatable.",
)


def pair(text: str) -> tuple[str, str]:
    """Split `WHAT=WHERE`; raises `UsageError` for anything else."""
    what, equals, where = text.partition("=")
    if not equals or not where.strip():
        raise UsageError(f"{text!r} does not say where or why", help="write WHAT=WHERE, logs=PATH")
    return what, where


def require_occasion(
    workspace: Workspace, what: str, by: str | None, at: datetime | None = None
) -> Occasion:
    """Return who does something now; raises `UsageError` for automation."""
    from chimera.builtin.records.occasions import Occasion

    return Occasion.of(workspace, what, at, by)
