"""`chimera doctor`."""

from __future__ import annotations

import click

from chimera.cli.options import output_option
from chimera.cli.session import Session, pass_session


@click.command()
@output_option
@pass_session
def doctor(session: Session, outputs: tuple[str, ...]) -> None:
    """Say what this machine can do, and what it lacks."""
    from chimera.render.symptoms import symptoms_json, symptoms_text

    result = session.workspace().diagnose()
    session.emit(
        outputs,
        lambda paint: symptoms_text(result, paint),
        lambda: symptoms_json(result),
        result.outcome,
    )
