"""The options that stand for the same thing wherever they are taken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chimera.cli.session import Session


def session_of() -> Session:
    """Return the session that the root of the command line made."""
    session: Any = click.get_current_context().obj
    found: Session = session
    return found


environment_option = click.option(
    "--env",
    "environment",
    default="local",
    show_default=True,
    metavar="NAME",
    help="The environment, named by an Environment document.",
)
key_option = click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The SSH key to sign with, instead of CHIMERA_SIGNING_KEY or the one Git signs with.",
)


def _as_of(ctx: click.Context, parameter: click.Parameter, text: str | None) -> None:
    """Hold the session's clock at a moment; raises `UsageError` for what is none."""
    if text is not None:
        from chimera.context import parse_instant

        session_of().now = parse_instant(text)


now_option = click.option(
    "--now",
    metavar="TIME",
    callback=_as_of,
    expose_value=False,
    help="Answer as of TIME, a date or an ISO 8601 time with its zone, instead of now.",
)
