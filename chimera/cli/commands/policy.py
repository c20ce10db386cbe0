"""`chimera policy`."""

from __future__ import annotations

import click

from chimera.cli.commands.policy_eval import evaluate
from chimera.cli.options import now_option, report_option
from chimera.cli.session import Session, pass_session


@click.group()
def policy() -> None:
    """Try the cases of the policies, or judge files by them."""


policy.add_command(evaluate)


@policy.command()
@click.argument("names", nargs=-1)
@now_option
@report_option
@pass_session
def test(session: Session, names: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    """Run every policy's cases, both ways.

    An expected finding that did not come and one that nobody expected both fail. NAMES are names of
    policies; without any, all of them.
    """
    from chimera.render.reports import cases_report
    from chimera.render.verdicts import cases_json, cases_text

    workspace = session.workspace()
    result = workspace.test_policies(names, session.now)
    session.emit(
        outputs,
        lambda paint: cases_text(result, paint),
        lambda: cases_json(result),
        result.outcome,
        report=lambda: cases_report(result, workspace.loaded.snapshot),
    )
