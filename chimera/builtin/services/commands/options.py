"""What the commands of objectives and runbooks share."""

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


env_option = click.option(
    "--env",
    "environment",
    default="local",
    show_default=True,
    metavar="NAME",
    help="The environment.",
)


def _as_of(ctx: click.Context, parameter: click.Parameter, text: str | None) -> None:
    if text is not None:
        from chimera.context import parse_instant

        session_of().now = parse_instant(text)


now_option = click.option(
    "--now",
    metavar="TIME",
    callback=_as_of,
    expose_value=False,
    help="Look as of TIME, a date or an ISO 8601 time with its zone, instead of now.",
)


def session_of() -> Session:
    """Return the session that the root of the command line made."""
    session: Any = click.get_current_context().obj
    found: Session = session
    return found
