"""What the commands of `chimera evolve` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from chimera.cli.session import Session

Command = TypeVar("Command", bound=Callable[..., Any])


def output_option(formats: str, example: str = "json=out.json") -> Callable[[Command], Command]:
    """Return the option by which a command writes other formats than the first."""
    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=FILE]",
        help=f"Output format ({formats}); repeatable with a file, as in -o {example}.",
    )


def session_of() -> Session:
    """Return the session that the root of the command line made."""
    session: Any = click.get_current_context().obj
    found: Session = session
    return found
