"""`chimera status`."""

from __future__ import annotations

import click

from chimera.cli.options import output_option
from chimera.cli.session import Session, pass_session


@click.command()
@output_option
@pass_session
def status(session: Session, outputs: tuple[str, ...]) -> None:
    """Say where each environment stands.

    What is applied, what is running, and who is applying at this moment.
    """
    from chimera.render.status import status_json, status_text

    result = session.workspace().status()
    session.emit(
        outputs,
        lambda paint: status_text(result, paint),
        lambda: status_json(result),
        result.outcome,
    )
