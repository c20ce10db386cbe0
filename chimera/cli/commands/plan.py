"""`chimera plan` and `chimera show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chimera.cli.exit_codes import DETAILED_CHANGED
from chimera.cli.session import (
    Session,
    base_option,
    compared_head,
    effective_time_option,
    environment_option,
    head_option,
    output_option,
    pass_session,
    report_option,
    work_tree_option,
    write_file,
)
from chimera.model import Outcome, UsageError

if TYPE_CHECKING:
    from chimera.plan import Plan


@click.command()
@environment_option
@base_option
@head_option
@work_tree_option
@effective_time_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@report_option
@pass_session
def plan(
    session: Session,
    environment: str,
    base: str | None,
    head: str | None,
    work_tree: bool,
    out: Path | None,
    detailed_exitcode: bool,
    outputs: tuple[str, ...],
) -> None:
    """Show what an apply would do, and what that owes."""
    from chimera.plan import plan_to_json
    from chimera.render.changes import plan_report_json, plan_report_text
    from chimera.render.reports import plan_report

    result = session.workspace().plan(environment, base, compared_head(base, head, work_tree))
    if out is not None:
        write_file(out, json.dumps(plan_to_json(result.value.plan), indent=2) + "\n")
    changed = detailed_exitcode and result.outcome is Outcome.CHANGED
    session.emit(
        outputs,
        lambda paint: plan_report_text(result, paint),
        lambda: plan_report_json(result),
        result.outcome,
        report=lambda: plan_report(result),
        exit_code=DETAILED_CHANGED if changed else None,
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output_option
@pass_session
def show(session: Session, file: Path, outputs: tuple[str, ...]) -> None:
    """Show a saved plan."""
    from chimera.plan import plan_to_json
    from chimera.render.plan import plan_text

    saved = read_plan(file)
    session.emit(
        outputs,
        lambda paint: plan_text(saved, paint),
        lambda: plan_to_json(saved),
        Outcome.PASSED,
    )


def read_plan(file: Path) -> Plan:
    """Read a saved plan from a file."""
    from chimera.plan import plan_from_json

    try:
        return plan_from_json(json.loads(file.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UsageError(
            f"{file} is not a saved plan: {error}", help="make one with `chimera plan --out FILE`"
        ) from error
