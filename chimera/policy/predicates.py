"""Predicates that other rooms write: CEL over named values of known types, in the bounded child.

Names may have hyphens, as in `create-context.contextId`, or be words that CEL keeps for itself;
what is said of an expression counts its lines and columns as they were written. A value that is
not there is null, and `has(name)` tells. Refuses to let an expression that errs or overruns its
bounds hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal, Self

from chimera.context import Processes
from chimera.model import ChimeraError
from chimera.policy.isolation import Bounds
from chimera.policy.qualified import OPAQUE
from chimera.policy.worker import Answer, Fault, Program, Seen, Task, Worker

Type = Literal["bool", "int", "string", "list", "map", "any"]

_WITNESSES: dict[Type, str] = {
    "bool": "true", "int": "0", "string": "''", "list": "[dyn(0)]", "map": "{'': dyn(0)}",
    "any": "dyn(0)",
}  # fmt: skip
"""For each type an expression of it: a name has the type of the program that it is bound to."""

_BATCH = 200  # each set of names takes a child a megabyte, and is kept until it ends
_BOUNDS = Bounds(seconds=2.0, losses=100)
_RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import"),
        *("in", "let", "loop", "null", "namespace", "package", "return", "true", "var", "void"),
        "while",
    )
)
_TESTED = "({}!=null)"


class PredicateError(ChimeraError):
    """A predicate could not be decided: it errs, or takes more than it may."""


@dataclass(frozen=True)
class Predicate:
    """An expression that gives true or false, and the names in it with their types."""

    expression: str
    names: tuple[tuple[str, Type], ...] = ()

    @cached_property
    def _written(self) -> tuple[str, tuple[int, ...]]:
        return _in_cel(self.expression, tuple(name for name, _ in self.names))

    @property
    def program(self) -> Program:
        """The expression as CEL can read it."""
        types = tuple(_WITNESSES)
        values = tuple((_identifier(name), types.index(of)) for name, of in self.names)
        return Program(self._written[0], (), "bool", values)

    def as_written(self, fault: Fault) -> Fault:
        """Return a fault of the program where its author sees it."""
        text, grown = self._written
        lines = text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: fault.line - 1]) + fault.column - 1
        offset -= sum(1 for at in grown if at <= offset)
        before = self.expression[: max(offset, 0)]
        line = before.count("\n") + 1
        return Fault(line, len(before) - before.rfind("\n"), fault.message)


class Predicates:
    """Compiles and evaluates predicates; one child serves until it is closed.

    It is another one after as many predicates as a child has memory for.
    """

    def __init__(self, processes: Processes | None = None, bounds: Bounds = _BOUNDS) -> None:
        self._processes = processes or Processes()
        self._bounds = bounds
        self._worker: Worker | None = None
        self._numbers: dict[Predicate, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one."""
        if self._worker is not None:
            self._worker.close()
        self._worker, self._numbers = None, {}

    def faults(self, predicates: Sequence[Predicate]) -> list[tuple[Fault, ...]]:
        """Return what is wrong with each predicate."""
        found: list[tuple[Fault, ...]] = []
        for start in range(0, len(predicates), _BATCH):
            batch = predicates[start : start + _BATCH]
            with self._new_worker() as worker:
                first = worker.next
                told = worker.compile([predicate.program for predicate in batch])
                for number, (predicate, faults) in enumerate(zip(batch, told, strict=True), first):
                    lost = worker.lost(number)
                    all_faults = (Fault(1, 1, lost),) if lost else faults
                    found.append(tuple(map(predicate.as_written, all_faults)))
        return found

    def holds(self, predicate: Predicate, values: Mapping[str, Any]) -> bool:
        """Tell whether a predicate holds for the values of its names.

        Raises `PredicateError` for one that does not compile, errs or overruns its bounds.
        """
        (found,) = self.decide([(predicate, values)])
        if isinstance(found, PredicateError):
            raise found
        return found

    def decide(
        self, asked: Sequence[tuple[Predicate, Mapping[str, Any]]]
    ) -> list[bool | PredicateError]:
        """Tell of many predicates at once whether they hold, or why that cannot be told."""
        found: list[bool | PredicateError] = []
        for start in range(0, len(asked), _BATCH):
            batch = asked[start : start + _BATCH]
            answers = self._answers(batch)
            found += (_decided(p, a) for (p, _), a in zip(batch, answers, strict=True))
        return found

    def _answers(self, asked: Sequence[tuple[Predicate, Mapping[str, Any]]]) -> list[Answer]:
        new = {predicate for predicate, _ in asked} - self._numbers.keys()
        if new and len(self._numbers) + len(new) > _BATCH:
            self.close()
        if self._worker is None:
            self._worker = self._new_worker()
        seen, tasks = [], []
        for at, (predicate, values) in enumerate(asked):
            if predicate not in self._numbers:
                self._numbers[predicate] = self._worker.next
                self._worker.queue([predicate.program])
            bindings = {_identifier(name): values.get(name) for name, _ in predicate.names}
            seen.append(Seen(None, bindings))
            tasks.append(Task(self._numbers[predicate], (at,)))
        return [answer for (answer,) in self._worker.judge({}, seen, tasks)]

    def _new_worker(self) -> Worker:
        worker = Worker(self._processes, self._bounds)
        worker.queue([Program(witness, (), "any") for witness in _WITNESSES.values()])
        return worker


def _decided(predicate: Predicate, answer: Answer) -> bool | PredicateError:
    if answer.error is None and answer.absent is None:
        return answer.value is True
    return PredicateError(
        f"{predicate.expression!r} cannot be decided: "
        f"{answer.error or f'{answer.absent} has no value'}",
        help="write it so that it gives true or false for every value",
    )


@lru_cache(maxsize=1024)
def _identifier(name: str) -> str:
    """Return a name as CEL takes it: as long, and no other name becomes the same."""
    first, dot, rest = name.partition(".")
    plain = first.replace("-", "_")
    return (plain.capitalize() if plain in _RESERVED else plain) + dot + rest


def _in_cel(expression: str, names: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    """Write names as identifiers, and tests of them; return where the text has grown by one."""
    grown: list[int] = []
    pieces: list[str] = []
    length = end = 0
    for match in _names_in(names).finditer(expression):
        if match["name"] is None and match["root"] is None:
            continue  # a string or a comment
        piece = match[0]
        if match["name"]:
            piece = _TESTED.format(_identifier(re.sub(r"\s", "", match["name"])))
        elif match["root"]:
            piece = _identifier(piece)
        pieces += (expression[end : match.start()], piece)
        length += match.start() - end + len(piece)
        grown += [length] * (len(piece) - len(match[0]))
        end = match.end()
    return "".join((*pieces, expression[end:])), tuple(grown)


@lru_cache(maxsize=1024)
def _names_in(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds strings, comments, tests of names, and names that have to be rewritten."""
    dotted = [re.escape(name).replace(r"\.", r"\s*\.\s*") for name in names if "." in name]
    roots = {name.partition(".")[0] for name in names}
    odd = sorted((r for r in roots if _identifier(r) != r), key=len, reverse=True)
    test = rf"has\s*\(\s*(?P<name>{'|'.join(dotted) or '(?!)'})\s*\)"
    root = rf"(?P<root>{'|'.join(map(re.escape, odd)) or '(?!)'})(?![\w-])(?=\s*[.\[)]|\s*$)"
    return re.compile(rf"{OPAQUE}|(?<![\w.-])(?:{test}|{root})", re.DOTALL | re.ASCII)
