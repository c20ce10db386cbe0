"""What `chimera prove` answers instead of proving: why runs differ, and what a proof misses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from chimera.cli.session import Session
from chimera.model import UsageError
from chimera.options.outputs import FORMATS

diagnose_option = click.option(
    "--diagnose",
    is_flag=True,
    help="Find why runs differ by varying one factor at a time; writes no evidence.",
)
tries_option = click.option(
    "--tries",
    type=click.IntRange(1, 100),
    metavar="N",
    help="With --diagnose: how often what chance decides is run.  [default: 3]",
)
mutate_option = click.option(
    "--mutate",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Run the proof under N mutants of what it covers and show those that it does not notice;"
    " writes no evidence.",
)
seed_option = click.option(
    "--seed",
    metavar="TEXT",
    help="With --mutate: chooses the mutants.  [default: 0]",
)
mutate_tests_option = click.option(
    "--mutate-tests", is_flag=True, help="With --mutate: change tests, too."
)
fail_on_survivors_option = click.option(
    "--fail-on-survivors",
    is_flag=True,
    help="With --mutate: fail where a mutant survives.",
)
_OWN = {
    "diagnose": ("tries",),
    "mutate": ("seed", "mutate_tests", "fail_on_survivors"),
}
"""Which options belong to which question."""


def questions(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of both questions to a command."""
    for option in (
        fail_on_survivors_option,
        mutate_tests_option,
        seed_option,
        mutate_option,
        tries_option,
        diagnose_option,
    ):
        command = option(command)
    return command


def answer(
    session: Session,
    names: tuple[str, ...],
    environment: str,
    outputs: tuple[str, ...],
    question: Mapping[str, Any],
    proving: Mapping[str, Any],
) -> bool:
    """Answer the question that is asked, if any, and tell whether there was one.

    `question` holds the options of `questions`, `proving` those of proving: raises `UsageError` for
    one that the answer would pass over.
    """
    asked = next((name for name in _OWN if question[name]), None)
    for name, value in question.items():
        owner = next((question for question, own in _OWN.items() if name in own), None)
        if value and owner not in (None, asked):
            raise UsageError(f"{_flag(name)} belongs to --{owner}", help=f"add --{owner} to it")
    if asked is None:
        return False
    for name, value in {**question, **proving}.items():
        if value and name != asked and name not in _OWN[asked]:
            raise UsageError(
                f"{_flag(name)} and --{asked} exclude each other", help="leave one of them out"
            )
    for output in outputs:
        if output.partition("=")[0] not in FORMATS:
            raise UsageError(
                f"--{asked} has no output format {output.partition('=')[0]!r}",
                help=f"there is: {', '.join(FORMATS)}",
            )
    answerer = _diagnose if asked == "diagnose" else _mutate
    answerer(session, names, environment, outputs, question)
    return True


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _diagnose(
    session: Session,
    names: tuple[str, ...],
    environment: str,
    outputs: tuple[str, ...],
    question: Mapping[str, Any],
) -> None:
    from chimera.render.questions import diagnose_json, diagnose_text

    result = session.workspace().questions.diagnose(
        names, environment=environment, tries=question["tries"] or 3
    )
    session.emit(
        outputs,
        lambda paint: diagnose_text(result, paint),
        lambda: diagnose_json(result),
        result.outcome,
    )


def _mutate(
    session: Session,
    names: tuple[str, ...],
    environment: str,
    outputs: tuple[str, ...],
    question: Mapping[str, Any],
) -> None:
    from chimera.render.questions import mutate_json, mutate_text

    result = session.workspace().questions.mutate(
        names,
        number=question["mutate"],
        seed=question["seed"] or "0",
        tests=question["mutate_tests"],
        fail_on_survivors=question["fail_on_survivors"],
        environment=environment,
    )
    session.emit(
        outputs,
        lambda paint: mutate_text(result, paint),
        lambda: mutate_json(result),
        result.outcome,
    )
