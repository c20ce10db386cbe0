"""Procedures found by name or by symptom, and their steps with the values that a person gives.

A value becomes a part of one argument and of nothing else: no shell reads it, and no option can be
made of it. Refuses to choose where several procedures could be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from chimera.builtin.services.runbooks.scripts import HELP, inputs_in_scripts
from chimera.builtin.services.spec.runbook import (
    RESERVED,
    ProcedureSpec,
    RunbookSpec,
    StepSpec,
    filled,
)
from chimera.kinds import Document, Snapshot, suggestion
from chimera.model import UsageError

Runbook = Document[RunbookSpec]
_WORD = re.compile(r"[a-z0-9/]+")
_SHORTEST_STEM = 4
_LONGEST_VALUE = 512
_DULL = frozenset({"a", "an", "and", "are", "do", "does", "is", "it", "not", "of", "the", "to"})


@dataclass(frozen=True)
class Found:
    """A procedure, in its runbook; `rank` says how well it fits a symptom, the greater the better.

    `symptom` is the one of its texts that fits best.
    """

    runbook: Runbook
    procedure: ProcedureSpec
    rank: float = 0.0
    symptom: str = ""

    @property
    def name(self) -> str:
        """How it is called on the command line."""
        return f"{self.runbook.address.name} {self.procedure.id}"


def runbooks_of(snapshot: Snapshot) -> tuple[Runbook, ...]:
    """Return all runbooks, in order of their names."""
    if "Runbook" not in snapshot.kinds:
        return ()
    return tuple(sorted(snapshot.of_model(RunbookSpec), key=lambda one: str(one.address)))


def procedures_of(runbooks: Iterable[Runbook]) -> tuple[Found, ...]:
    """Return all procedures of some runbooks, in their order."""
    return tuple(Found(book, one) for book in runbooks for one in book.spec.procedures)


def runbook_named(snapshot: Snapshot, name: str) -> Runbook:
    """Return a runbook by its name or address; raises `UsageError` where there is none."""
    known = {book.address.name: book for book in runbooks_of(snapshot)}
    wanted = name.removeprefix("Runbook/")
    if wanted not in known:
        listed = "`chimera runbook list` lists them; `chimera check` says what is wrong with others"
        raise UsageError(
            f"there is no valid Runbook {wanted}", help=suggestion(wanted, known, listed)
        )
    return known[wanted]


def procedure_named(runbook: Runbook, name: str | None) -> ProcedureSpec:
    """Return a procedure by its name; the only one for `None`. Raises `UsageError` otherwise."""
    procedures = {one.id: one for one in runbook.spec.procedures}
    if name is None and len(procedures) == 1:
        return next(iter(procedures.values()))
    if name is not None and name in procedures:
        return procedures[name]
    listed = f"there is: {', '.join(procedures)}"
    if name is None:
        raise UsageError(f"{runbook.address} has {len(procedures)} procedures", help=listed)
    raise UsageError(
        f"{runbook.address} has no procedure {name}", help=suggestion(name, procedures, listed)
    )


def matching(found: Iterable[Found], symptom: str) -> tuple[Found, ...]:
    """Return the procedures that fit a symptom, the best first.

    The rank is the share of the words asked for that one of the procedure's symptoms, or its title,
    has; words of no meaning do not count, and a word fits another that begins with it.
    """
    wanted = _words(symptom)
    ranked = [_ranked(one, wanted) for one in found]
    order = sorted((one for one in ranked if one.rank > 0), key=lambda one: (-one.rank, one.name))
    best = [one for one in order if one.rank >= order[0].rank / 2] if order else []
    return tuple(best)


def _ranked(found: Found, wanted: tuple[str, ...]) -> Found:
    texts = (*found.procedure.symptoms, found.procedure.title)
    ranks = [(_rank(wanted, _words(text)), -position) for position, text in enumerate(texts)]
    rank, position = max(ranks)
    return Found(found.runbook, found.procedure, rank, texts[-position])


def _rank(wanted: tuple[str, ...], there: tuple[str, ...]) -> float:
    hits = sum(any(_fits(word, other) for other in there) for word in wanted)
    # Of two that have all the words, the one that says less besides is meant.
    return hits / len(wanted) + hits / (100 * max(len(there), 1)) if hits else 0.0


def _fits(word: str, other: str) -> bool:
    if word == other:
        return True
    short = min(len(word), len(other))
    return short >= _SHORTEST_STEM and (word.startswith(other) or other.startswith(word))


def _words(text: str) -> tuple[str, ...]:
    found = _WORD.findall(text.lower())
    return tuple(word for word in found if word not in _DULL) or tuple(found)


def check_values(procedure: ProcedureSpec, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a procedure's inputs; raises `UsageError` for what can be none.

    What has no default and was not given is left out. Of a step that would make a part of a script
    of one, as of an unchecked tree, no value is taken.
    """
    for step in procedure.steps:
        for name in sorted(inputs_in_scripts(step.programs, procedure.inputs)):
            raise UsageError(
                f"{name!r} would be read as a part of the script of {step.id!r}", help=HELP
            )
    for name, value in given.items():
        if name not in procedure.inputs:
            there = ", ".join(procedure.inputs) or "none"
            raise UsageError(
                f"the procedure {procedure.id} has no input {name!r}",
                help=suggestion(name, procedure.inputs, f"there is: {there}"),
            )
        is_text = value.isprintable() and value.strip() == value
        if not value or not is_text or len(value) > _LONGEST_VALUE or value.startswith("-"):
            raise UsageError(
                f"the value of {name!r} is no text for an argument",
                help="give one line of at most 512 characters that does not begin with a hyphen",
            )
    values = {name: one.default for name, one in procedure.inputs.items() if one.default}
    return {**values, **given}


def missing_values(procedure: ProcedureSpec, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the inputs that have no value yet."""
    return tuple(name for name in procedure.inputs if name not in values)


def with_values(step: StepSpec, values: Mapping[str, str]) -> StepSpec:
    """Return a step with values in its arguments."""
    if not step.programs:
        return step
    programs = tuple(tuple(filled(word, values) for word in argv) for argv in step.programs)
    key = "command" if step.command is not None else "pipe"
    return step.model_copy(update={key: programs[0] if key == "command" else programs})


def steps_of(procedure: ProcedureSpec, values: Mapping[str, str]) -> Iterator[StepSpec]:
    """Yield the steps of a procedure with all values that are known in their arguments."""
    yield from (with_values(step, values) for step in procedure.steps)


__all__ = [
    "RESERVED",
    "Found",
    "check_values",
    "matching",
    "missing_values",
    "procedure_named",
    "procedures_of",
    "runbook_named",
    "runbooks_of",
    "steps_of",
    "with_values",
]
