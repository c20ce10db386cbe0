"""What the commands of records share: options, and answers that are missing."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import click

from chimera.model import UsageError
from chimera.options.usual import session_of


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
