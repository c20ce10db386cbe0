"""`chimera prove`."""

from __future__ import annotations

import click

from chimera.cli.session import Session, environment_option, pass_session, report_option


@click.command()
@click.argument("names", nargs=-1, metavar="[PROOF...]")
@click.option("--fresh", is_flag=True, help="Prove anew what has evidence already.")
@environment_option
@report_option
@pass_session
def prove(
    session: Session,
    names: tuple[str, ...],
    fresh: bool,
    environment: str,
    outputs: tuple[str, ...],
) -> None:
    """Run proofs and keep the evidence.

    Without names, every proof of the repository. Each is run at least twice in fresh processes on
    clean copies of its inputs; evidence that still fits the content is used again.
    """
    from chimera.render.proof import prove_json, prove_text
    from chimera.render.reports import prove_report

    workspace = session.workspace()
    result = workspace.prove(names, environment=environment, fresh=fresh)
    session.emit(
        outputs,
        lambda paint: prove_text(result, paint),
        lambda: prove_json(result),
        result.outcome,
        report=lambda: prove_report(result, workspace.loaded.snapshot),
    )
