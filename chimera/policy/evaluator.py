"""The child process that evaluates expressions: what it is asked, and what it answers.

JSON lines come in; each is answered with one line for every program that it concerns, at once, so
that the other end knows which program an evaluator died of. Every failure of an expression is an
answer. Refuses to run in the process of Chimera itself: CEL cannot be cancelled, and nested
`replace` takes all the memory there is. `child` starts it.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from chimera.policy.engine import Answer, Compiled, Engine, Environment, stripped
from chimera.policy.functions import FUNCTIONS
from chimera.policy.index import Index, snapshot_functions
from chimera.policy.qualified import with_optionals

Json = Any

_POSITION = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_NOW = "now"
_MANY = 1 << 40


def _to_json(value: Any) -> Json:
    if isinstance(value, dict):
        return {str(_to_json(key)): _to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a value of the type {type(value).__name__} has no JSON form")


class Subject:
    """What one evaluation sees: bindings, and values that were worked out for it before."""

    def __init__(self, bindings: dict[str, Json]) -> None:
        self._bindings = bindings
        self._failures: dict[str, Answer] = {}
        self._activations: dict[int, Any] = {}

    def activation(self, environment: Environment) -> Any:
        """Return the bindings as CEL wants them; the first touch is the dear one, so keep them."""
        key = id(environment)
        if key not in self._activations:
            self._activations[key] = environment.activation(self._bindings)
        return self._activations[key]

    def store(self, name: str, answer: Answer) -> None:
        """Bind a variable to its value, or remember why it has none."""
        self._activations.clear()
        self._bindings.pop(name, None)
        self._failures.pop(name, None)
        if answer[0] == "value":
            self._bindings[name] = answer[1]
        else:
            self._failures[name] = answer

    def explain(self, answer: Answer) -> Answer:
        """Say of a variable without a value why it has none."""
        if answer[0] == "absent" and answer[1] in self._failures:
            kind, detail = self._failures[answer[1]]
            return [kind, detail] if kind == "absent" else [kind, f"{answer[1]}: {detail}"]
        return answer


class Evaluator:
    """Answers requests, one after the other."""

    def __init__(self) -> None:
        self._index = Index()
        self._engine = Engine((*FUNCTIONS, *snapshot_functions(lambda: self._index)))
        self._programs: list[tuple[Compiled | None, Environment]] = []
        self._types: list[Any] = []
        self._lost: dict[int, str] = {}

    def answer(self, request: dict[str, Json]) -> Iterator[Json]:
        """Yield the answers to one request."""
        match request["ask"]:
            case "lose":
                self._lost = {int(number): why for number, why in request["programs"].items()}
            case "compile":
                yield from self._compile(request["programs"])
            case "load":
                if request["reset"]:
                    self._index = Index()
                self._index.add(request["documents"])
                self._index.hold(request["others"])
                self._index.refer(request["references"])
                yield True
            case "judge":
                yield from self._judge(request)

    def _compile(self, programs: Sequence[dict[str, Json]]) -> Iterator[Json]:
        for program in programs:
            compiled, faults, returns = None, [], program["returns"]
            open_types = dict.fromkeys(program["names"], self._engine.open_type)
            values = {name: self._types[number] for name, number in program["values"].items()}
            environment = self._engine.environment({**open_types, **values})
            expression = with_optionals(program["expression"], self._optional(program["values"]))
            if len(self._programs) not in self._lost:
                try:
                    compiled = self._engine.compile(environment, expression, returns)
                except Exception as error:  # noqa: BLE001 - the boundary: every failure is an answer
                    faults = _faults(str(error) or type(error).__name__)
            self._programs.append((compiled, environment))
            self._types.append(compiled.type if compiled else self._engine.open_type)
            yield faults

    def _optional(self, values: dict[str, int]) -> Iterator[str]:
        """Yield the names whose values are optional."""
        for name, number in values.items():
            compiled, _ = self._programs[number]
            if compiled is not None and compiled.optional:
                yield name

    def _judge(self, request: dict[str, Json]) -> Iterator[Json]:
        subjects = [self._subject(given, request["common"]) for given in request["subjects"]]
        for number, chosen, name in request["work"]:
            answers = []
            for position in chosen:
                answer = self._evaluate(number, subjects[position])
                if name is not None:
                    subjects[position].store(name, answer)
                answers.append(_told(answer) if name is None else _noted(answer))
            yield answers

    def _subject(self, given: dict[str, Json], common: dict[str, Json]) -> Subject:
        bindings = {**common, **given["bindings"]}
        if given["document"] is not None:
            bindings["object"] = self._index.documents[given["document"]]
        if _NOW in bindings:
            bindings[_NOW] = datetime.fromisoformat(bindings[_NOW])
        return Subject(bindings)

    def _evaluate(self, number: int, subject: Subject) -> Answer:
        compiled, environment = self._programs[number]
        if number in self._lost:
            return ["error", self._lost[number]]
        if compiled is None:
            return ["error", "it does not compile"]
        answer = self._engine.answer(compiled, subject.activation(environment))
        return subject.explain(answer)


def _faults(message: str) -> list[list[Any]]:
    """Cut CEL's account into `[line, column, message]`; of syntax errors the first says it all."""
    found = sorted([int(m[1]), int(m[2]), m[3]] for m in _POSITION.finditer(message))
    if any(str(fault[2]).startswith("Syntax error") for fault in found):
        return found[:1]
    return found or [[1, 1, stripped(message)]]


def _noted(answer: Answer) -> Answer:
    """Return an answer without its value, which stays here."""
    return ["value", None] if answer[0] == "value" else answer


def _told(answer: Answer) -> Answer:
    """Return an answer as JSON can tell it."""
    try:
        return [answer[0], _to_json(answer[1])]
    except TypeError as error:
        return ["error", str(error)]


def main() -> None:
    """Answer the requests on stdin until it closes."""
    gc.disable()  # JSON has no cycles, and looking for them takes most of the time of loading it
    _keep_none()
    evaluator = Evaluator()
    for line in sys.stdin.buffer:
        for answer in evaluator.answer(json.loads(line)):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def _keep_none() -> None:
    """Keep Python from freeing None: the engine gives back one reference to it too many each time.

    After a few thousand nulls Python 3.11 would end with a fatal error; later ones do not count.
    """
    if sys.version_info < (3, 12):
        import ctypes

        ctypes.c_ssize_t.from_address(id(None)).value += _MANY
