"""`chimera get` and `chimera describe`."""

from __future__ import annotations

import click

from chimera.cli.options import environment_option, output_option
from chimera.cli.session import Session, pass_session
from chimera.model import Outcome


@click.command()
@click.argument("what", required=False, metavar="[KIND|KIND/NAME]")
@click.option("--records", is_flag=True, help="List the records, those written here too.")
@environment_option
@output_option
@pass_session
def get(
    session: Session, what: str | None, records: bool, environment: str, outputs: tuple[str, ...]
) -> None:
    """List documents, or print one."""
    from chimera.render.inspection import documents_json, documents_text

    rows = session.workspace().get(what, environment=environment, records=records)
    session.emit(
        outputs,
        lambda paint: documents_text(rows, paint),
        lambda: documents_json(rows),
        Outcome.PASSED,
    )


@click.command()
@click.argument("address", metavar="KIND/NAME")
@output_option
@pass_session
def describe(session: Session, address: str, outputs: tuple[str, ...]) -> None:
    """Say everything that is known of a document.

    Where it stands in the layers, who refers to it, whether and when it was applied, and its runs.
    """
    from chimera.render.inspection import description_json, description_text

    found = session.workspace().describe(address)
    session.emit(
        outputs,
        lambda paint: description_text(found, paint),
        lambda: description_json(found),
        Outcome.PASSED,
    )
