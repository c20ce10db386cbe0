"""`chimera severity`: how grave something is, by the questions of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chimera.model import Outcome, UsageError
from chimera.options.outputs import output_option
from chimera.options.usual import session_of

if TYPE_CHECKING:
    from chimera.builtin.records.assessing import Reply
    from chimera.builtin.records.kinds import SeverityModelSpec


@click.command()
@click.argument("text", nargs=-1)
@click.option("--model", metavar="NAME", help="Severity model; the only one if left out.")
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="NUMBER=REPLY",
    help="Answer a question beforehand: yes, no or unsure, as in --answer 2=no. Repeatable.",
)
@output_option()
def severity(
    text: tuple[str, ...], model: str | None, answers: tuple[str, ...], outputs: tuple[str, ...]
) -> None:
    """Say how grave something is, by the questions of a model.

    On a terminal the model's questions are asked, the gravest first. Without one, or with TEXT,
    what the text says counts, and --answer. When unsure, the graver level holds; lowering it later
    is always acceptable. It informs: nothing is opened or decided by it.
    """
    from chimera.builtin.records.assessing import assess, questions_of
    from chimera.builtin.records.finding import model_named
    from chimera.builtin.records.rendering.severity import assessed_json, assessed_text

    session = session_of()
    found = model_named(session.workspace().loaded.snapshot, model)
    said = " ".join(text).strip()
    replies = _replies(answers, len(questions_of(found.spec)))
    if not said and not replies:
        if not session.is_interactive:
            session.ask("what happens?", "TEXT, or --answer NUMBER=yes|no|unsure")
        replies = ask_questions(found.spec)
    assessed = assess(found.spec, said, replies)
    session.emit(
        outputs,
        lambda paint: assessed_text(assessed, paint),
        lambda: assessed_json(assessed, found.address),
        Outcome.PASSED,
    )


def ask_questions(model: SeverityModelSpec) -> dict[int, Reply]:
    """Ask the questions of a model, the gravest level's first, until one is not denied."""
    from chimera.builtin.records.assessing import REPLIES, questions_of

    replies: dict[int, Reply] = {}
    for question in questions_of(model):
        asked = f"{question.level.id}: {question.text}"
        reply = session_of().ask(asked, f"--answer {question.number}=REPLY", REPLIES)
        replies[question.number] = next(one for one in REPLIES if one == reply)
        if reply != "no":
            break
    return replies


def _replies(answers: tuple[str, ...], last: int) -> dict[int, Reply]:
    from chimera.builtin.records.assessing import REPLIES

    found: dict[int, Reply] = {}
    for answer in answers:
        number, _, given = answer.partition("=")
        reply = next((one for one in REPLIES if given and one.startswith(given.lower())), None)
        if reply is None or not number.isascii() or not number.isdigit():
            raise UsageError(
                f"--answer {answer} answers no question", help="write --answer 2=yes, no or unsure"
            )
        if not 1 <= int(number) <= last:
            raise UsageError(
                f"there is no question {number}", help=f"they are numbered from 1 to {last}"
            )
        found[int(number)] = reply
    return found
