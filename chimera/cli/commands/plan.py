"""`chimera plan` and `chimera show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chimera.cli.exit_codes import DETAILED_CHANGED
from chimera.cli.options import (
    base_option,
    compared_head,
    environment_option,
    head_option,
    now_option,
    page_option,
    report_option,
    work_tree_option,
)
from chimera.cli.session import Session, pass_session, write_file
from chimera.model import Outcome

if TYPE_CHECKING:
    from chimera.plan import Plan


@click.command()
@environment_option
@base_option
@head_option
@work_tree_option
@now_option
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
@click.argument("what", metavar="FILE|RULING")
@click.option("--env", "environment", metavar="NAME", help="Of this environment's rulings only.")
@page_option
@pass_session
def show(session: Session, what: str, environment: str | None, outputs: tuple[str, ...]) -> None:
    """Show a saved plan, or explain a ruling of the gate.

    A ruling is named by the beginning of its digest, or is the `latest`. A file of that name comes
    first.
    """
    if Path(what).is_file():
        from chimera.plan import read_plan

        _show_plan(session, read_plan(Path(what)), outputs)
    else:
        _show_ruling(session, what, environment, outputs)


def _show_plan(session: Session, saved: Plan, outputs: tuple[str, ...]) -> None:
    from chimera.plan import plan_to_json
    from chimera.render.plan import plan_text

    session.emit(
        outputs,
        lambda paint: plan_text(saved, paint),
        lambda: plan_to_json(saved),
        Outcome.PASSED,
        pictures={"markdown": lambda: f"```text\n{plan_text(saved)}\n```"},
    )


def _show_ruling(
    session: Session, name: str, environment: str | None, outputs: tuple[str, ...]
) -> None:
    from chimera.render.rulings import ruling_json, ruling_markdown, ruling_text

    shown = session.workspace().ruling(name, environment)
    session.emit(
        outputs,
        lambda paint: ruling_text(shown, paint),
        lambda: ruling_json(shown),
        Outcome.PASSED,
        pictures={"markdown": lambda: ruling_markdown(shown)},
    )
