"""`chimera runs`."""

from __future__ import annotations

import click

from chimera.cli.groups import Group
from chimera.cli.options import output_option
from chimera.cli.session import Session, pass_session
from chimera.model import Outcome


@click.group(cls=Group)
def runs() -> None:
    """List, show, pause, resume and cancel runs."""


@runs.command("list")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs to list at most.",
)
@output_option
@pass_session
def list_runs(session: Session, limit: int, outputs: tuple[str, ...]) -> None:
    """List runs, the newest first."""
    from chimera.render.runs import runs_json, runs_text

    found = session.workspace().runs(limit)
    session.emit(
        outputs, lambda paint: runs_text(found, paint), lambda: runs_json(found), Outcome.PASSED
    )


@runs.command()
@click.argument("uid", metavar="RUN")
@output_option
@pass_session
def show(session: Session, uid: str, outputs: tuple[str, ...]) -> None:
    """Show the steps of one run."""
    from chimera.render.runs import run_json, run_text

    found = session.workspace().run_details(uid)
    session.emit(
        outputs, lambda paint: run_text(found, paint), lambda: run_json(found), Outcome.PASSED
    )


@runs.command()
@click.argument("uid", metavar="RUN")
@pass_session
def logs(session: Session, uid: str) -> None:
    """Print what the steps of a run wrote."""
    from chimera.render.paint import harmless

    written = session.workspace().run_details(uid).log
    if not written:
        click.echo("nothing was written", err=True)
    for line in written:
        at = line.at.isoformat(timespec="seconds")
        click.echo(f"{at} {line.step}: {harmless(line.text)}")


@runs.command()
@click.argument("uid", metavar="RUN")
@pass_session
def pause(session: Session, uid: str) -> None:
    """Let what is in flight finish, and start nothing more."""
    session.workspace().control(uid, "pause")
    click.echo(f"asked run {uid} to pause")


@runs.command()
@click.argument("uid", metavar="RUN")
@pass_session
def resume(session: Session, uid: str) -> None:
    """Let a paused run go on; the next apply does so."""
    session.workspace().control(uid, "resume")
    click.echo(f"run {uid} may go on; `chimera apply` continues it")


@runs.command()
@click.argument("uid", metavar="RUN")
@pass_session
def cancel(session: Session, uid: str) -> None:
    """End a run for good: what is in flight is told to stop, and nothing more starts."""
    session.workspace().control(uid, "cancel")
    click.echo(f"asked run {uid} to end")
