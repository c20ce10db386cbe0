"""What the commands of records share: options, the session, and answers that are missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from chimera.model import UsageError

if TYPE_CHECKING:
    from chimera.cli.session import Session

Command = TypeVar("Command", bound=Callable[..., Any])


def output_option(formats: str = "text, json") -> Callable[[Command], Command]:
    """Return the option by which a command writes other formats than the first."""
    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=FILE]",
        help=f"Output format ({formats}); repeatable with a file, as in -o json=out.json.",
    )


def session_of() -> Session:
    """Return the session that the root of the command line made."""
    session: Any = click.get_current_context().obj
    found: Session = session
    return found


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


def instant(ctx: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    """Return the moment that an option or an argument says; raises `UsageError` for none."""
    from chimera.context import parse_instant

    return None if text is None else parse_instant(text)


at_option = click.option(
    "--at",
    metavar="TIME",
    callback=instant,
    help="When it was, as a time with its zone; now if left out.",
)
by_option = click.option(
    "--by", metavar="WHO", help="Who did it: a name, or Identity/name; you if left out."
)
incident_option = click.option(
    "-i",
    "--incident",
    metavar="NAME",
    help="The incident, or the beginning of its name; the only open one if left out.",
)


class Missing(NamedTuple):
    """What has to be answered, unless it was given: a question, and the flag to give beforehand."""

    given: str | None
    question: str
    flag: str
    choices: tuple[str, ...] = ()


def answers(*asked: Missing) -> list[str]:
    """Return what was given, or else what whoever sits at the terminal says.

    Raises `UsageError` that names every flag where nobody can be asked.
    """
    session = session_of()
    missing = [one for one in asked if one.given is None]
    if len(missing) > 1 and not session.is_interactive:
        questions = "; ".join(one.question for one in missing)
        raise UsageError(
            f"nobody can be asked without a terminal: {questions}",
            help=f"give {', '.join(one.flag for one in missing)}",
        )
    return [
        one.given if one.given is not None else session.ask(one.question, one.flag, one.choices)
        for one in asked
    ]


def spoken(words: tuple[str, ...]) -> str | None:
    """Return the words of an argument as one text; `None` where there are none."""
    return " ".join(words).strip() or None
