"""`chimera runs`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from chimera.cli.groups import Group
from chimera.cli.options import output_option
from chimera.cli.session import Session, pass_session
from chimera.model import Outcome, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from chimera.workspace.controlling import GoneOn

STATUSES = (
    "running",
    "pausing",
    "paused",
    "waiting",
    "interrupted",
    "failed",
    "compensating",
    "compensated",
    "succeeded",
    "cancelled",
)


def _complete_run(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the newest runs whose ids begin like this, for a shell."""
    from click.shell_completion import CompletionItem

    directory = ctx.find_root().params.get("directory", ".")
    found = Session(directory).workspace().runs.list(200)
    return [
        CompletionItem(run.uid, help=f"{run.target} {run.status.value}")
        for run in found
        if run.uid.startswith(incomplete)
    ]


def _find_run(ctx: click.Context, parameter: click.Parameter, named: str) -> str:
    """Return the id of the run that an argument names."""
    return ctx.ensure_object(Session).workspace().runs.find(named)


run_argument = click.argument(
    "uid", metavar="RUN", shell_complete=_complete_run, callback=_find_run
)
"""A run by its id, by how that begins, or `latest`."""
reason_option = click.option(
    "--reason", default="", metavar="TEXT", help="Why; it is kept in the run's journal."
)
wait_option = click.option(
    "--wait/--no-wait",
    "waits",
    default=None,
    help="Stay until what the run waits for has come; or leave it waiting for `run --due`. Without"
    " either, only times that come within seconds are waited for.",
)


@click.group(cls=Group)
def runs() -> None:
    """List, show, follow, pause, resume, retry, signal and cancel runs.

    RUN is the id of a run, as much of its beginning as no other has, or `latest`.
    """


@runs.command("list")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs to list at most.",
)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(STATUSES),
    metavar="STATUS",
    help=f"Only runs that stand so; repeatable: {', '.join(STATUSES)}.",
)
@click.option("--env", "environment", metavar="NAME", help="Only runs of one environment.")
@click.option("--target", metavar="KIND/NAME", help="Only runs of one document.")
@output_option
@pass_session
def list_runs(
    session: Session,
    limit: int,
    statuses: tuple[str, ...],
    environment: str | None,
    target: str | None,
    outputs: tuple[str, ...],
) -> None:
    """List runs, the newest first: how many of their steps are done, and (how many) failed."""
    from chimera.render.runs import runs_json, runs_text
    from chimera.state import RunStatus

    workspace = session.workspace()
    found = workspace.runs.list(
        limit, statuses=set(map(RunStatus, statuses)), environment=environment, target=target
    )
    now = workspace.context.clock.now()
    session.emit(
        *(outputs, lambda paint: runs_text(found, now, paint), lambda: runs_json(found)),
        Outcome.PASSED,
    )


@runs.command()
@run_argument
@output_option
@pass_session
def show(session: Session, uid: str, outputs: tuple[str, ...]) -> None:
    """Show one run: its steps, what they wait for, and what was asked of it."""
    from chimera.render.runs import run_json, run_text

    found = session.workspace().runs.details(uid)
    session.emit(
        outputs, lambda paint: run_text(found, paint), lambda: run_json(found), Outcome.PASSED
    )


@runs.command()
@run_argument
@output_option
@pass_session
def status(session: Session, uid: str, outputs: tuple[str, ...]) -> None:
    """Say in a line where one run stands; cheap enough to ask again and again."""
    from chimera.render.runs import run_status_json, run_status_text

    found = session.workspace().runs.status(uid)
    session.emit(
        outputs,
        lambda paint: run_status_text(found, paint),
        lambda: {"format": "chimera-run-status/1", **run_status_json(found)},
        Outcome.PASSED,
    )


@runs.command()
@run_argument
@click.option("--follow", is_flag=True, help="Go on until the run is over or nobody executes it.")
@click.option("--step", metavar="ID", help="Only what this step wrote, and those inside it.")
@pass_session
def logs(session: Session, uid: str, follow: bool, step: str | None) -> None:
    """Print what the steps of a run wrote."""
    workspace = session.workspace()
    lines = workspace.runs.log(uid, step=step, follow=follow)
    written = _print_lines(lines)
    if not written:
        click.echo("nothing was written", err=True)


def _print_lines(lines: Iterable[Any]) -> int:
    """Print log lines as they come; a reader that has seen enough ends it without a fault."""
    from chimera.render.paint import harmless

    written = 0
    try:
        for line in lines:
            at = line.at.isoformat(timespec="seconds")
            click.echo(f"{at} {line.step}: {harmless(line.text)}")
            written += 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return max(written, 1)
    return written


@runs.command()
@run_argument
@reason_option
@pass_session
def pause(session: Session, uid: str, reason: str) -> None:
    """Let what is in flight finish, and start nothing more."""
    run = session.workspace().runs.pause(uid, reason).run
    if run.status.value == "paused":
        click.echo(f"run {uid} is paused; `chimera runs resume {uid}` lets it go on")
    else:
        click.echo(f"asked run {uid} to pause: what is in flight finishes first")


@runs.command()
@run_argument
@reason_option
@wait_option
@output_option
@pass_session
def resume(
    session: Session, uid: str, reason: str, waits: bool | None, outputs: tuple[str, ...]
) -> None:
    """Go on with a run that was paused or interrupted, or that waits.

    It goes on now, in this process, unless another one executes it.
    """
    _emit_gone_on(session, session.workspace().runs.resume(uid, reason, waits=waits), outputs)


@runs.command()
@run_argument
@click.option(
    "--from", "stage", metavar="STAGE", help="Do this stage again, and all that needs it."
)
@reason_option
@wait_option
@output_option
@pass_session
def retry(
    session: Session,
    uid: str,
    stage: str | None,
    reason: str,
    waits: bool | None,
    outputs: tuple[str, ...],
) -> None:
    """Try what failed again, or everything from a stage on.

    It goes on now, in this process, unless another one executes it. What has finished before is
    kept.
    """
    _emit_gone_on(session, session.workspace().runs.retry(uid, stage, reason, waits=waits), outputs)


def _emit_gone_on(session: Session, found: Any, outputs: tuple[str, ...]) -> None:
    from chimera.render.executed import gone_on_json, gone_on_text

    gone: GoneOn = found.value
    session.emit(
        outputs,
        lambda paint: gone_on_text(gone, paint),
        lambda: gone_on_json(gone),
        found.outcome,
    )


@runs.command()
@run_argument
@reason_option
@pass_session
def cancel(session: Session, uid: str, reason: str) -> None:
    """End a run for good: what is in flight is told to stop, and nothing more starts."""
    run = session.workspace().runs.cancel(uid, reason).run
    if run.status.value == "cancelled":
        click.echo(f"run {uid} is cancelled")
    else:
        click.echo(f"asked run {uid} to end: what is in flight is told to stop")


@runs.command()
@run_argument
@click.argument("name", metavar="NAME")
@click.option("--data", metavar="JSON", help="What the run gets with it; `-` reads it from input.")
@reason_option
@pass_session
def signal(session: Session, uid: str, name: str, data: str | None, reason: str) -> None:
    """Send a signal that a run waits for, or will.

    Each signal ends one wait. A process that executes the run takes it at once; otherwise
    `chimera run --due` goes on with the run.
    """
    workspace = session.workspace()
    told = workspace.runs.signal(uid, name, _read_json(data), reason)
    if told.holder is not None:
        click.echo(f"sent {name} to run {uid}, which {told.holder} executes")
    elif told.run.status.value == "failed":
        click.echo(
            f"sent {name} to run {uid}; it failed: `chimera runs retry {uid}` goes on with it"
        )
    else:
        click.echo(
            f"sent {name} to run {uid}; `chimera run --due --env {told.run.environment}`"
            " goes on with it"
        )


def _read_json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise UsageError(
            f"the data of the signal is not JSON: {error}",
            help="""write --data '{"approved": true}'""",
        ) from error


@runs.command()
@run_argument
@reason_option
@pass_session
def migrate(session: Session, uid: str, reason: str) -> None:
    """Move a run that is not over to the definition that is applied now.

    It is refused where a stage that has finished is not the same in both.
    """
    run = session.workspace().runs.migrate(uid, reason)
    click.echo(
        f"run {uid} goes on with the definition {run.digest[7:19]}: `chimera runs resume {uid}`"
    )


@runs.command()
@click.option(
    "--older-than",
    type=float,
    metavar="DAYS",
    help="Forget runs that ended longer ago; without it, what the Orchestrator's retention says.",
)
@pass_session
def prune(session: Session, older_than: float | None) -> None:
    """Forget runs that are over, with their journals and logs.

    What brought about what is applied stays, and so does what an apply has still to take.
    """
    from chimera.render.paint import count

    age = None if older_than is None else timedelta(days=older_than)
    pruned = session.workspace().runs.prune(age)
    click.echo(f"forgot {count(pruned.runs, 'run')}")
