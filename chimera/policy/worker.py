"""The parent's side of evaluation: one child for each judging, talked to in batches.

Owns the bounds on memory and time, and what happens when a child does not keep to them: the
program that it died of is answered with an error from then on, a new child is started, and after
a few of those everything left is answered with an error. Refuses to evaluate anything itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Self

from chimera.context import Command, ProcessEndedError, Processes, ProcessTimeoutError, Running
from chimera.model import ChimeraError
from chimera.policy.isolation import MEBIBYTE, Bounds, isolated

_SCRIPT = Path(__file__).with_name("child.py")
# A parsed document takes about this many times the bytes of its JSON.
_PARSED = 24
# What every child has room for, so that few documents more take no other child.
_ROOM = 4 * MEBIBYTE
_LOAD_SECONDS = 60.0
_LOAD_BATCH = 500
_SHOWN = 500

Json = Any
Returns = Literal["bool", "string", "any", "variable"]
"""What a program must give; that of a variable is bound for others and may be optional, too."""


@dataclass(frozen=True, slots=True)
class Program:
    """An expression, the names that it may use, and what it must give.

    `values` are further names, each bound to the value that another program gave.
    """

    expression: str
    names: tuple[str, ...]
    returns: Returns = "bool"
    values: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What CEL says of an expression that does not compile; line and column count from one."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A value, or the error in its place, or the name of a binding that the expression lacked."""

    value: Json = None
    error: str | None = None
    absent: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What an evaluation sees: a loaded document by its position, and further bindings."""

    document: int | None
    bindings: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Task:
    """Evaluate `program` for `subjects`; with `name`, bind each value to it for what follows."""

    program: int
    subjects: tuple[int, ...]
    name: str | None = None


_TRUE, _FALSE = Answer(True), Answer(False)


class Worker:
    """A child that evaluates; started when first needed, replaced when lost."""

    def __init__(self, processes: Processes, bounds: Bounds) -> None:
        self._processes = processes
        self._bounds = bounds
        self._running: Running | None = None
        self._compiles: list[tuple[bytes, int]] = []
        self._loads: list[tuple[bytes, int]] = []
        self._room = 0
        self._programs = 0
        self._lost: dict[int, str] = {}
        self._losses = 0
        self._given_up: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one."""
        if self._running is not None:
            running, self._running = self._running, None
            running.close()

    def load(
        self,
        documents: Sequence[Mapping[str, Json]],
        references: Iterable[tuple[str, str]] = (),
        others: Sequence[Json] = (),
    ) -> None:
        """Make `documents` and the references between them all that `snapshot` knows.

        `others` can be judged besides, at the positions after the last of them.
        """
        first = {"documents": (), "others": (), "references": list(references)}
        more = {**first, "references": ()}
        batches = [
            first,
            *({**more, "documents": batch} for batch in _batches(documents)),
            *({**more, "others": batch} for batch in _batches(others)),
        ]
        lines = [_line(ask="load", reset=batch is first, **batch) for batch in batches]
        self._loads = [(line, 1) for line in lines]
        if self._known > self._room:
            self.close()  # it may not use the memory that these documents take
        if self._running is not None:
            for line in lines:
                self._ask(line, [None], _LOAD_SECONDS)

    def compile(self, programs: Sequence[Program]) -> list[tuple[Fault, ...]]:
        """Compile programs, numbered on from those compiled before; return what is wrong with each.

        A program of which a child dies has no fault here; each of its evaluations is an error.
        """
        if not programs:
            return []
        line = _compile_line(programs)
        numbers = range(self._programs, self._programs + len(programs))
        self._programs += len(programs)
        answers = self._ask(line, numbers, self._bounds.seconds)
        self._compiles.append((line, len(programs)))
        return [
            tuple(Fault(line, column, printable(said)) for line, column, said in faults or ())
            for faults in answers
        ]

    def queue(self, programs: Sequence[Program]) -> None:
        """Number programs that are known to compile; a child does so when one is started."""
        if self._running is not None:
            self.compile(programs)
        elif programs:
            self._compiles.append((_compile_line(programs), len(programs)))
            self._programs += len(programs)

    @property
    def next(self) -> int:
        """The number that the next program gets."""
        return self._programs

    def lost(self, program: int) -> str | None:
        """Return why no answer of a program is to be had, where a child was lost over it."""
        return self._lost.get(program)

    @property
    def losses(self) -> int:
        """How many children were lost, so that some answers are errors for want of one."""
        return self._losses

    def judge(
        self, common: Mapping[str, Json], subjects: Sequence[Seen], tasks: Sequence[Task]
    ) -> list[list[Answer]]:
        """Return, for each task in order, the answers for its subjects in order."""
        line = _line(
            ask="judge",
            common=common,
            subjects=[{"document": s.document, "bindings": s.bindings} for s in subjects],
            work=[(task.program, task.subjects, task.name) for task in tasks],
        )
        replies = self._ask(line, [task.program for task in tasks], self._bounds.seconds)
        lost = Answer(error=self._given_up)
        return [
            [lost] * len(task.subjects) if reply is None else [_answer(*given) for given in reply]
            for task, reply in zip(tasks, replies, strict=True)
        ]

    def _ask(self, line: bytes, programs: Sequence[int | None], seconds: float) -> list[Json]:
        """Return one reply for each of `programs`, or `None` where no child is started any more."""
        replies: list[Json] = []
        while len(replies) < len(programs) and self._given_up is None:
            at = 0
            try:
                running = self._running or self._start()
                running.write_line(line)
                for at in range(len(programs)):
                    reply = json.loads(running.read_line(seconds))
                    if at >= len(replies):
                        replies.append(reply)
            except (ProcessTimeoutError, ProcessEndedError) as error:
                self._lose(programs[at], error)
        return replies + [None] * (len(programs) - len(replies))

    @property
    def _known(self) -> int:
        """How many bytes of JSON a child has to know."""
        return sum(len(line) for line, _ in self._loads)

    def _start(self) -> Running:
        """Start a child and tell it all that its predecessor knew."""
        self._room = max(self._known, _least_room(self._bounds))
        self._running = self._processes.start(_command(self._bounds, self._room))
        self._running.write_line(_line(ask="lose", programs=self._lost))
        for line, answers in (*self._loads, *self._compiles):
            self._running.write_line(line)
            for _ in range(answers):
                self._running.read_line(_LOAD_SECONDS)
        return self._running

    def _lose(self, program: int | None, error: ChimeraError) -> None:
        """Give up a child, the program that it died of, and in the end the whole judging."""
        late = isinstance(error, ProcessTimeoutError)
        why = (
            f"it took longer than {self._bounds.seconds:g} seconds and was ended"
            if late
            else "the process that evaluated it died"
        )
        self.close()
        self._losses += 1
        if program is None:
            self._given_up = "the documents could not be loaded by the process that evaluates"
        elif self._losses >= self._bounds.losses:
            self._given_up = f"nothing more is evaluated after {self._losses} lost processes"
        if program is not None:
            self._lost[program] = why


def worker_ahead(processes: Processes) -> AbstractContextManager[None]:
    """Have a child start before it is known whether it is needed: it takes a while to."""
    try:
        return processes.ahead(_command(Bounds(), _least_room(Bounds())))
    except ChimeraError:  # without CEL; whoever needs it says so
        return nullcontext()


def _least_room(bounds: Bounds) -> int:
    return min(_ROOM, bounds.memory_bytes // _PARSED)


def _command(bounds: Bounds, room: int) -> Command:
    return isolated(_SCRIPT, "cel_expr_python", bounds.memory_bytes + _PARSED * room)


def _batches(values: Sequence[Json]) -> Iterator[Sequence[Json]]:
    return (values[start : start + _LOAD_BATCH] for start in range(0, len(values), _LOAD_BATCH))


def _answer(kind: str, detail: Json) -> Answer:
    if kind == "value":
        return _TRUE if detail is True else _FALSE if detail is False else Answer(detail)
    return Answer(error=printable(detail)) if kind == "error" else Answer(absent=detail)


def printable(text: str) -> str:
    """Return text that an expression made, fit for a message: one line, short, no controls."""
    line = " ".join(text.split())
    shown = line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
    return "".join(char if char.isprintable() else "?" for char in shown)


def _compile_line(programs: Sequence[Program]) -> bytes:
    wanted = [{**asdict(program), "values": dict(program.values)} for program in programs]
    return _line(ask="compile", programs=wanted)


def _line(**request: Json) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()


@cache
def cel_version() -> str:
    """Return the version of CEL, on which answers depend that are remembered."""
    try:
        return version("cel-expr-python")
    except PackageNotFoundError:
        return "none"


def evaluate(
    expression: str,
    bindings: Mapping[str, Json],
    *,
    processes: Processes | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008 - immutable
) -> Json:
    """Return what one CEL expression gives over `bindings`, as JSON.

    Raises `ChimeraError` for an expression that does not compile, errs or overruns its bounds.
    """
    with Worker(processes or Processes(), bounds) as worker:
        (faults,) = worker.compile([Program(expression, tuple(sorted(bindings)), "any")])
        if faults:
            raise ChimeraError(f"the expression {expression!r} is not CEL: {faults[0]}")
        ((answer,),) = worker.judge(bindings, [Seen(None, {})], [Task(0, (0,))])
    if answer.error is not None:
        raise ChimeraError(f"the expression {expression!r} failed: {answer.error}")
    return answer.value
