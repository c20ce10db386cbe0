"""`chimera run`."""

from __future__ import annotations

import click

from chimera.cli.commands.runs import wait_option
from chimera.cli.options import environment_option, report_option
from chimera.cli.session import Session, pass_session
from chimera.model import UsageError


@click.command()
@click.argument("address", metavar="[KIND/NAME]", required=False)
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input; the value is read by the type that the document declares for it.",
)
@click.option("--dry-run", is_flag=True, help="Show what would run, and whether it may.")
@click.option(
    "--due",
    is_flag=True,
    help="Go on with every run that can: timers that are due, signals that came, what was"
    " interrupted; and start what published events ask for.",
)
@click.option(
    "--listen",
    metavar="PATTERN",
    help="Show on standard error what is published under these topics: 'context.*', or '#' for"
    " all.",
)
@wait_option
@environment_option
@report_option
@pass_session
def run(
    session: Session,
    address: str | None,
    inputs: tuple[str, ...],
    dry_run: bool,
    due: bool,
    listen: str | None,
    waits: bool | None,
    environment: str,
    outputs: tuple[str, ...],
) -> None:
    """Execute an applied document now, or go on with what is due.

    What runs is the definition that was applied, never the one in the work tree.
    """
    values = dict(map(read_input, inputs))
    if listen is not None:
        from chimera.cli.listening import show_published

        click.get_current_context().with_resource(show_published(session, listen, environment))
    if due:
        if address is not None or values or dry_run:
            raise UsageError(
                "--due goes on with all that is due, and takes no document",
                help="leave out the document, its inputs and --dry-run, or --due",
            )
        _run_due(session, environment, waits, outputs)
    elif address is None:
        raise UsageError("nothing to run was named", help="name a document, or give --due")
    elif dry_run:
        _dry_run(session, address, values, environment, outputs)
    else:
        _run(session, address, values, environment, waits, outputs)


def _run(
    session: Session,
    address: str,
    values: dict[str, str],
    environment: str,
    waits: bool | None,
    outputs: tuple[str, ...],
) -> None:
    from chimera.render.executed import run_report_json, run_report_text
    from chimera.render.reports import run_report

    workspace = session.workspace()
    result = workspace.run(address, values, environment=environment, waits=waits)
    session.emit(
        outputs,
        lambda paint: run_report_text(result, paint),
        lambda: run_report_json(result),
        result.outcome,
        report=lambda: run_report(result, workspace.loaded.snapshot),
    )


def _dry_run(
    session: Session,
    address: str,
    values: dict[str, str],
    environment: str,
    outputs: tuple[str, ...],
) -> None:
    from chimera.render.outlines import outline_json, outline_text

    result = session.workspace().runs.outline(address, values, environment=environment)
    session.emit(
        outputs,
        lambda paint: outline_text(result, paint),
        lambda: outline_json(result),
        result.outcome,
    )


def _run_due(
    session: Session, environment: str, waits: bool | None, outputs: tuple[str, ...]
) -> None:
    from chimera.render.executed import due_json, due_text

    result = session.workspace().runs.due(environment=environment, waits=waits)
    session.emit(
        outputs,
        lambda paint: due_text(result, paint),
        lambda: due_json(result),
        result.outcome,
    )


def read_input(text: str) -> tuple[str, str]:
    """Split an input; what the value means is for the type that the document declares."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not an input", help="write --input NAME=VALUE")
    return name, value
