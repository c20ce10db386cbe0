"""`chimera run`."""

from __future__ import annotations

import click

from chimera.cli.options import environment_option, report_option
from chimera.cli.session import Session, pass_session
from chimera.model import UsageError


@click.command()
@click.argument("address", metavar="KIND/NAME")
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input; the value is read by the type that the document declares for it.",
)
@environment_option
@report_option
@pass_session
def run(
    session: Session,
    address: str,
    inputs: tuple[str, ...],
    environment: str,
    outputs: tuple[str, ...],
) -> None:
    """Execute an applied document now.

    What runs is the definition that was applied, never the one in the work tree.
    """
    from chimera.render.reports import run_report
    from chimera.render.runs import run_report_json, run_report_text

    values = dict(map(read_input, inputs))
    workspace = session.workspace()
    result = workspace.run(address, values, environment=environment)
    session.emit(
        outputs,
        lambda paint: run_report_text(result, paint),
        lambda: run_report_json(result),
        result.outcome,
        report=lambda: run_report(result, workspace.loaded.snapshot),
    )


def read_input(text: str) -> tuple[str, str]:
    """Split an input; what the value means is for the type that the document declares."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not an input", help="write --input NAME=VALUE")
    return name, value
