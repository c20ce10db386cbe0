"""`chimera record`."""

from __future__ import annotations

import click

from chimera.cli.session import Session, pass_session


@click.command()
@click.argument("addresses", nargs=-1, metavar="[KIND/NAME...]")
@pass_session
def record(session: Session, addresses: tuple[str, ...]) -> None:
    """Copy records into the tree.

    A pull request can then carry them. Without addresses, every record that is not there yet. An
    existing file is never overwritten.
    """
    result = session.workspace().record(addresses)
    for path in result.value:
        click.echo(f"wrote {path}")
    if not result.value:
        click.echo("every record is in the tree already")
