"""`chimera explain`."""

from __future__ import annotations

import click

from chimera.cli.session import Session, output_option, pass_session
from chimera.model import Outcome


@click.command()
@click.argument("what", required=False, metavar="[KIND[.FIELD...]]")
@output_option
@pass_session
def explain(session: Session, what: str | None, outputs: tuple[str, ...]) -> None:
    """Say what a kind or one of its fields is for.

    Without an argument, list the kinds.
    """
    from chimera.render import explanations

    registry = session.workspace().registry
    if what is None:
        session.emit(
            outputs,
            lambda paint: explanations.kinds_text(registry, paint),
            lambda: explanations.kinds_json(registry),
            Outcome.PASSED,
        )
        return
    from chimera.kinds import explain as explain_route

    found = explain_route(registry, what)
    session.emit(
        outputs,
        lambda paint: explanations.explanation_text(found, paint),
        lambda: explanations.explanation_json(found),
        Outcome.PASSED,
    )
