"""`chimera postmortem`: the blameless review of an incident, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from chimera.builtin.records.commands.options import at_option, by_option, instant
from chimera.model import Outcome, has_errors
from chimera.options.outputs import output_option
from chimera.options.usual import now_option, session_of

if TYPE_CHECKING:
    from chimera.builtin.records.occasions import Occasion
    from chimera.builtin.records.writing import Draft
    from chimera.model import Address
    from chimera.workspace import Workspace

_RULES = ("postmortem-", "incident-review-")


@click.group()
def postmortem() -> None:
    """Begin, schedule and follow up the reviews of incidents.

    They are records in changelog/postmortems, and blameless: a root cause is a condition of the
    system.
    """


@postmortem.command()
@click.argument("incident", required=False, metavar="[INCIDENT]")
@click.option("--scheduled", metavar="TIME", callback=instant, help="For when it is scheduled.")
@at_option
@by_option
@output_option()
def new(
    incident: str | None,
    scheduled: datetime | None,
    at: datetime | None,
    by: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Begin the review of an incident with what its record says.

    What nobody has said yet stands in the file as a comment, owed before the review was held.
    """
    from chimera.builtin.records.learning import new_review

    workspace, occasion = _occasion(at, by)
    address, draft = new_review(workspace, incident, occasion, scheduled)
    _write(draft, address, outputs)


@postmortem.command()
@click.argument("review", metavar="REVIEW")
@click.argument("time", metavar="TIME", callback=instant)
@at_option
@by_option
@output_option()
def schedule(
    review: str,
    time: datetime,
    at: datetime | None,
    by: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Say for when a review is scheduled."""
    from chimera.builtin.records.learning import schedule_review

    workspace, occasion = _occasion(at, by)
    address, draft = schedule_review(workspace, review, occasion, time)
    _write(draft, address, outputs)


@postmortem.command()
@click.argument("review", required=False, metavar="[REVIEW]")
@now_option
@output_option()
def check(review: str | None, outputs: tuple[str, ...]) -> None:
    """Say which reviews are owed, what they lack, and which actions are overdue.

    Exits 1 where anything is.
    """
    from chimera.builtin.records.learning import (
        open_actions,
        review_named,
        unheld,
        unscheduled,
    )
    from chimera.builtin.records.rendering.reviews import checked_json, checked_text

    session = session_of()
    workspace = session.workspace()
    snapshot, now = workspace.loaded.snapshot, workspace.context.clock.now()
    names = None
    if review is not None:
        found = review_named(snapshot, review)
        names = {str(found.address), found.spec.incident}
    actions = open_actions(snapshot, review)
    owed = (unscheduled(snapshot, now, review), unheld(snapshot, review))
    faults = tuple(
        fault
        for fault in workspace.check().diagnostics
        if fault.rule.startswith(_RULES) and (names is None or fault.address in names)
    )
    is_late = any(a.is_overdue(now.date()) for a in actions)
    is_wrong = has_errors(faults) or any(not f.stops for f in faults)
    session.emit(
        outputs,
        lambda paint: checked_text(actions, owed, faults, now, paint),
        lambda: checked_json(actions, owed, faults, now),
        Outcome.FAILED if is_late or is_wrong else Outcome.PASSED,
    )


def _occasion(at: datetime | None, by: str | None) -> tuple[Workspace, Occasion]:
    from chimera.builtin.records.occasions import Occasion

    workspace = session_of().workspace()
    return workspace, Occasion.of(workspace, "to review an incident", at, by)


def _write(draft: Draft, address: Address, outputs: tuple[str, ...]) -> None:
    from chimera.builtin.records.rendering.reviews import review_json, review_text

    paths = draft.write()
    value: Any = draft.value(address, ())
    session_of().emit(
        outputs,
        lambda paint: review_text(address, value, paths, paint),
        lambda: review_json(address, value, paths),
        Outcome.PASSED,
    )
