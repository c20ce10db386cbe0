"""What `chimera rollback` writes and shows of records: the checklist, the observation, the list."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from chimera.builtin.records.commands.options import at_option, by_option
from chimera.builtin.records.commands.rolling import (
    pair,
    unavailable_option,
)
from chimera.model import Outcome
from chimera.options.outputs import output_option
from chimera.options.usual import now_option, session_of

if TYPE_CHECKING:
    from chimera.builtin.records.rolling.named import Rollback
    from chimera.workspace import Workspace


@click.command()
@click.argument("name", metavar="ROLLBACK")
@click.argument("kept", nargs=-1, metavar="[WHAT=WHERE...]")
@unavailable_option
@output_option()
def preserve(
    name: str, kept: tuple[str, ...], unavailable: tuple[str, ...], outputs: tuple[str, ...]
) -> None:
    """Say where evidence is kept: timeline, metrics, logs, state and impact."""
    from chimera.builtin.records.occasions import Occasion
    from chimera.builtin.records.rolling import proposing
    from chimera.builtin.records.rolling.named import rollback_named

    workspace = session_of().workspace()
    found = rollback_named(workspace, name)
    by = Occasion.of(workspace, "preserve evidence", None, None)
    paths = proposing.preserve(
        workspace, found, dict(map(pair, kept)), dict(map(pair, unavailable)), by
    )
    _show_steps(workspace, found, paths, outputs)


@click.command()
@click.argument("name", metavar="ROLLBACK")
@click.argument("steps", nargs=-1, required=True, metavar="STEP...")
@click.option("--note", metavar="TEXT", help="What came of it, such as a version.")
@at_option
@by_option
@output_option()
def done(
    name: str,
    steps: tuple[str, ...],
    note: str | None,
    at: datetime | None,
    by: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Say that steps of the checklist were done.

    Of the step by which something is taken back the journal knows when it was; it need not be
    named, and what comes before it is written as no later, unless --at says when.
    """
    from chimera.builtin.records.occasions import Occasion
    from chimera.builtin.records.rolling.named import rollback_named
    from chimera.builtin.records.rolling.proposing import do_steps
    from chimera.builtin.records.rolling.watching import watch as look

    workspace = session_of().workspace()
    found = rollback_named(workspace, name)
    occasion = Occasion.of(workspace, "do a step of a rollback", at, by)
    with workspace.read_state() as state:
        carried_out = look(workspace, found, state).since if at is None else None
    paths = do_steps(workspace, found, steps, occasion, note, carried_out)
    _show_steps(workspace, found, paths, outputs)


def _show_steps(
    workspace: Workspace, found: Rollback, paths: tuple[str, ...], outputs: tuple[str, ...]
) -> None:
    from chimera.builtin.records.rolling import rendering
    from chimera.builtin.records.rolling.named import rollback_named

    now = rollback_named(workspace.reopened(), found.address.name)
    session_of().emit(
        outputs,
        lambda paint: rendering.steps_text(now.spec, paint),
        lambda: {"rollback": str(now.address), "written": list(paths)},
        Outcome.PASSED,
    )


@click.command()
@click.argument("name", metavar="ROLLBACK")
@click.option("--note", metavar="TEXT", help="What you saw; it counts where nothing looked.")
@click.option("--dry-run", is_flag=True, help="Look, and write nothing.")
@click.option(
    "--every", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Look again and again."
)
@by_option
@output_option()
def watch(
    name: str,
    note: str | None,
    dry_run: bool,
    every: float | None,
    by: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Look at a rollback for as long as it is observed, and record how that ended.

    Exit code 5 while it does not count yet, 1 where something was unwell, 0 once it counts.
    """
    from chimera.builtin.records.occasions import Occasion
    from chimera.builtin.records.rolling import rendering
    from chimera.builtin.records.rolling.named import rollback_named
    from chimera.builtin.records.rolling.watching import record_observation
    from chimera.builtin.records.rolling.watching import watch as look

    session = session_of()

    def looked(workspace: Workspace) -> Any:
        with workspace.read_state() as state:
            return look(workspace, rollback_named(workspace, name), state)

    if every is not None and session.watch(
        lambda paint: rendering.watched_text(looked(session.workspace()), paint), every
    ):
        return
    workspace = session.workspace()
    watched = looked(workspace)
    if not dry_run:
        occasion = Occasion.of(workspace, "say how a rollback ended", None, by)
        if record_observation(workspace, watched, occasion, note):
            watched = looked(workspace.reopened())
    session.emit(
        outputs,
        lambda paint: rendering.watched_text(watched, paint),
        lambda: rendering.watched_json(watched),
        watched.outcome,
    )


@click.command("list")
@click.option("--env", "environment", metavar="NAME", help="Of this environment only.")
@now_option
@output_option()
def list_(environment: str | None, outputs: tuple[str, ...]) -> None:
    """List rollbacks and where they stand, the newest first."""
    from chimera.builtin.records.kinds import RollbackSpec
    from chimera.builtin.records.rolling import rendering
    from chimera.builtin.records.rolling.watching import watch as look
    from chimera.kinds import when

    session = session_of()
    workspace = session.workspace()
    every = workspace.loaded.snapshot.of_model(RollbackSpec)
    wanted = [one for one in every if environment in (None, one.spec.environment)]
    wanted.sort(key=lambda one: (when(one.spec.opened.at), one.address), reverse=True)
    with workspace.read_state() as state:
        found = [look(workspace, one, state) for one in wanted]
    session.emit(
        outputs,
        lambda paint: rendering.list_text(found, paint),
        lambda: {
            "format": "chimera-rollbacks/1",
            "rollbacks": list(map(rendering.watched_json, found)),
        },
        Outcome.PASSED,
    )


@click.command()
@click.argument("incident", required=False, metavar="[INCIDENT]")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="How many to show.",
)
@now_option
@output_option()
def suggest(incident: str | None, most: int, outputs: tuple[str, ...]) -> None:
    """Rank the recent changes that could have caused an incident. It only suggests.

    Of the one INCIDENT that is open, or the one that is named.
    """
    from chimera.builtin.records.finding import incident_named
    from chimera.builtin.records.rolling import rendering
    from chimera.builtin.records.rolling.suggesting import suggest as suggestions

    session = session_of()
    workspace = session.workspace()
    found = incident_named(workspace.loaded.snapshot, incident, workspace.context.clock.now())
    with workspace.read_state() as state:
        ranked = suggestions(workspace, found, state, most=most)
    session.emit(
        outputs,
        lambda paint: rendering.suggestions_text(found, ranked, paint),
        lambda: rendering.suggestions_json(found, ranked),
        Outcome.PASSED,
    )


@click.command()
@click.argument("name", metavar="ROLLBACK")
@click.option("--why", required=True, metavar="TEXT", help="What is different now.")
@by_option
@output_option()
def redeploy(name: str, why: str, by: str | None, outputs: tuple[str, ...]) -> None:
    """Say that what a rollback took back may be applied again, as it is."""
    from chimera.builtin.records.occasions import Occasion
    from chimera.builtin.records.rolling import proposing
    from chimera.builtin.records.rolling.named import rollback_named

    workspace = session_of().workspace()
    found = rollback_named(workspace, name)
    occasion = Occasion.of(workspace, "let a change be applied again", None, by)
    paths = proposing.redeploy(workspace, found, why, occasion)
    session_of().emit(
        outputs,
        lambda paint: f"{found.address} lets what it took back be applied again",
        lambda: {"rollback": str(found.address), "written": list(paths)},
        Outcome.PASSED,
    )


COMMANDS = (suggest, preserve, done, watch, list_, redeploy)
