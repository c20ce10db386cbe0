"""What the commands of `chimera evolve` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chimera.cli.session import Session

output_option = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help="Output format (text, json); repeatable with a file, as in -o json=out.json.",
)
"""The formats that every one of them has."""


def session_of() -> Session:
    """Return the session that the root of the command line made."""
    session: Any = click.get_current_context().obj
    found: Session = session
    return found
