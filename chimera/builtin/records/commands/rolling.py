"""What the commands of `chimera rollback` share."""

from __future__ import annotations

import click

from chimera.model import UsageError

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
