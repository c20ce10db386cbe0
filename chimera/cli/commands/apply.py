"""`chimera apply`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chimera.cli.options import environment_option, report_option
from chimera.cli.session import Session, pass_session

if TYPE_CHECKING:
    from chimera.plan import Plan


@click.command()
@click.argument(
    "plan_file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@environment_option
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Seconds to wait for another apply to finish.",
)
@click.option(
    "--acknowledge-loss", is_flag=True, help="Go on without a damaged state that was kept aside."
)
@click.option(
    "--auto-approve",
    is_flag=True,
    help="Do not ask before executing in a protected environment. It approves nothing: what is"
    " owed stays owed.",
)
@report_option
@pass_session
def apply(
    session: Session,
    plan_file: Path | None,
    environment: str,
    wait: float,
    acknowledge_loss: bool,
    auto_approve: bool,
    outputs: tuple[str, ...],
) -> None:
    """Execute what has been proven and approved.

    Nothing else is executed. PLAN_FILE is a plan saved by `chimera plan --out`; it must still be
    what would be planned now. In an unprotected environment the proofs that are owed are run
    first; in a protected one a terminal is asked before anything is executed, and nothing else is
    that --auto-approve would skip.
    """
    from chimera.plan import read_plan
    from chimera.render.apply import apply_json, apply_text
    from chimera.render.reports import apply_report

    saved = read_plan(plan_file) if plan_file else None
    workspace = session.workspace()
    if acknowledge_loss:
        for path in workspace.acknowledge_loss():
            click.echo(f"going on without {path}", err=True)
    environment = saved.environment if saved else environment
    confirm = None if auto_approve else partial(_ask, session)
    result = workspace.apply(environment, saved=saved, wait=wait, confirm=confirm)
    session.emit(
        outputs,
        lambda paint: apply_text(result, paint),
        lambda: apply_json(result),
        result.outcome,
        report=lambda: apply_report(result, workspace.loaded.snapshot),
    )


def _ask(session: Session, plan: Plan) -> None:
    """Show what the gate permits and ask whether to execute it; `--auto-approve` says yes."""
    from chimera.render.plan import plan_text

    question = f"apply it to {plan.environment}, which is protected?"
    session.confirm(question, "--auto-approve", lambda paint: plan_text(plan, paint))
