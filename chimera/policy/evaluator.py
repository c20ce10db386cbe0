"""The child process that evaluates expressions, and the one place that imports CEL.

Run as a script (`python -I -S evaluator.py SITE-PACKAGES`), so it imports nothing of Chimera and
starts in milliseconds. JSON lines come in; each is answered with one line for every program that
it concerns, at once, so that the other end knows which program an evaluator died of. Every
failure of an expression is an answer. Refuses to run in the process of Chimera itself: CEL cannot
be cancelled, and nested `replace` takes all the memory there is.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

Json = Any
Answer = list[Any]
"""`["value", v]`, `["error", message]`, or `["absent", name]` for a binding that is not there."""

_UNBOUND = re.compile(r'UNKNOWN: No value with name "([A-Za-z0-9_.]+)" found in Activation')
_POSITION = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_ANY_KIND = "*"
_NOW = "now"
_PYTHON = {"bool": bool, "string": str}


class Index:
    """What `snapshot` answers from: documents by address, and by a field once it is asked for."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Json]] = []
        self._kinds: dict[str, list[int]] = {}
        self._addresses: dict[str, int] = {}
        self._fields: dict[tuple[str, str], dict[Json, list[str]]] = {}
        self._shared: dict[tuple[str, str], list[str]] = {}
        self._targets: dict[str, list[str]] = {}
        self._sources: dict[str, list[str]] = {}

    def add(self, documents: Sequence[dict[str, Json]]) -> None:
        """Take more documents, which keep the positions that they come in."""
        self._fields.clear()
        self._shared.clear()
        for document in documents:
            position = len(self.documents)
            self.documents.append(document)
            for kind in (document["kind"], _ANY_KIND):
                self._kinds.setdefault(kind, []).append(position)
            self._addresses[_address(document)] = position

    def hold(self, others: Sequence[Json]) -> None:
        """Take what can be judged and is none of the snapshot's documents."""
        self.documents += others

    def refer(self, references: Sequence[tuple[str, str]]) -> None:
        """Take typed references, as pairs of addresses."""
        for source, target in references:
            self._targets.setdefault(source, []).append(target)
            self._sources.setdefault(target, []).append(source)

    def has(self, address: str) -> bool:
        """Tell whether there is a document at `address`."""
        return address in self._addresses

    def get(self, address: str) -> dict[str, Json]:
        """Return the document at `address`."""
        if address not in self._addresses:
            raise LookupError(f"there is no {address}")
        return self.documents[self._addresses[address]]

    def count(self, kind: str) -> int:
        """Return how many documents of `kind` there are; `*` is every kind."""
        return len(self._kinds.get(kind, ()))

    def where(self, kind: str, path: str, value: Json) -> list[str]:
        """Return the addresses of documents of `kind` that hold `value` at `path`."""
        return self._field(kind, path).get(_key(value), [])

    def duplicates(self, kind: str, path: str) -> list[str]:
        """Return the addresses of documents of `kind` that share their value at `path`."""
        if (kind, path) not in self._shared:
            shared = (found for found in self._field(kind, path).values() if len(found) > 1)
            self._shared[kind, path] = sorted(address for found in shared for address in found)
        return self._shared[kind, path]

    def unique(self, kind: str, path: str) -> bool:
        """Tell whether no two documents of `kind` hold the same value at `path`."""
        return not self.duplicates(kind, path)

    def refers_to(self, source: str) -> list[str]:
        """Return the addresses that the document at `source` refers to."""
        return self._targets.get(source, [])

    def referred_by(self, target: str) -> list[str]:
        """Return the addresses of the documents that refer to `target`."""
        return self._sources.get(target, [])

    def _field(self, kind: str, path: str) -> dict[Json, list[str]]:
        if (kind, path) not in self._fields:
            found: dict[Json, list[str]] = {}
            for position in self._kinds.get(kind, ()):
                document = self.documents[position]
                value = _at(document, path.split("."))
                if value is not None:
                    found.setdefault(_key(value), []).append(_address(document))
            self._fields[kind, path] = found
        return self._fields[kind, path]


def _address(document: Mapping[str, Json]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def _at(value: Json, path: Sequence[str]) -> Json:
    for segment in path:
        value = value.get(segment) if isinstance(value, dict) else None
    return value


def _key(value: Json) -> Json:
    """Return a key that differs for values that JSON tells apart; 1 and 1.0 are one number."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if number else json.dumps(value, sort_keys=True)


class Engine:
    """CEL with our functions: compiles programs, one environment for each set of names."""

    def __init__(self, index: Callable[[], Index]) -> None:
        from cel_expr_python import cel
        from cel_expr_python.ext import ext_strings

        self._cel: Final[Any] = cel
        self._strings = ext_strings
        self._functions = list(self._declare(index))
        self._environments: dict[tuple[tuple[str, str], ...], Any] = {}
        self.open_type = cel.Type.DYN

    def environment(self, types: Mapping[str, Any]) -> Any:
        """Return the environment in which just the names of `types` are bound.

        A time is refused where the type is open, though any other value is taken; so `now` and
        the values of other programs have types.
        """
        key = tuple((name, str(of)) for name, of in types.items())
        if key not in self._environments:
            times = {_NOW: self._cel.Type.TIMESTAMP} if _NOW in types else {}
            self._environments[key] = self._cel.NewEnv(
                variables={**types, **times},
                extensions=[self._strings.ExtStrings()],
                functions=self._functions,
            )
        return self._environments[key]

    def compile(self, environment: Any, expression: str, returns: str) -> Any:
        """Compile `expression`; raises `RuntimeError` with CEL's own account of what is wrong."""
        program = environment.compile(expression)
        types = self._cel.Type
        wanted = {"bool": types.BOOL, "string": types.STRING}.get(returns)
        given = program.return_type()
        if wanted is not None and given not in (wanted, types.DYN):
            raise RuntimeError(
                f"ERROR: <input>:1:1: the expression gives {str(given).lower()}, not {returns}"
            )
        return program

    def answer(self, program: Any, activation: Any, returns: str) -> Answer:
        """Evaluate `program`; whatever goes wrong is an answer."""
        try:
            value = program.eval(activation)
            if value.type() == self._cel.Type.ERROR:
                return _failed(str(value.value()))
            plain = value.plain_value()
        except MemoryError:
            return ["error", "it ran out of the memory that an expression may use"]
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is an answer
            return _failed(str(error))
        wanted = _PYTHON.get(returns)
        if wanted is not None and not isinstance(plain, wanted):
            return ["error", f"it gives {type(plain).__name__}, not {returns}"]
        return ["value", plain]

    def _declare(self, index: Callable[[], Index]) -> Iterator[Any]:
        types = self._cel.Type
        text, addresses = types.STRING, types.List(types.STRING)

        def function(name: str, *overloads: tuple[Any, list[Any], Callable[..., Any]]) -> Any:
            return self._cel.FunctionDecl(
                f"snapshot.{name}",
                [
                    self._cel.Overload(
                        f"snapshot_{name}_{position}", return_type=gives, parameters=takes, impl=run
                    )
                    for position, (gives, takes, run) in enumerate(overloads)
                ],
            )

        # CEL dispatches on the type that a value has, so each type of value is an overload.
        scalars = (types.STRING, types.INT, types.DOUBLE, types.BOOL)
        yield function("has", (types.BOOL, [text], lambda a: index().has(a)))
        yield function("get", (types.DYN, [text], lambda a: index().get(a)))
        yield function(
            "count",
            (types.INT, [text], lambda k: index().count(k)),
            *(
                (types.INT, [text, text, scalar], lambda k, p, v: len(index().where(k, p, v)))
                for scalar in scalars
            ),
        )
        yield function(
            "where",
            *(
                (addresses, [text, text, scalar], lambda k, p, v: index().where(k, p, v))
                for scalar in scalars
            ),
        )
        yield function("unique", (types.BOOL, [text, text], lambda k, p: index().unique(k, p)))
        yield function(
            "duplicates", (addresses, [text, text], lambda k, p: index().duplicates(k, p))
        )
        yield function(
            "refersTo",
            (addresses, [text], lambda a: index().refers_to(a)),
            (types.BOOL, [text, text], lambda a, b: b in index().refers_to(a)),
        )
        yield function("referredBy", (addresses, [text], lambda a: index().referred_by(a)))


def _failed(message: str) -> Answer:
    unbound = _UNBOUND.fullmatch(message)
    return ["absent", unbound[1]] if unbound else ["error", _STATUS.sub("", message)]


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

    def activation(self, environment: Any) -> Any:
        """Return the bindings as CEL wants them; the first touch is the dear one, so keep them."""
        key = id(environment)
        if key not in self._activations:
            self._activations[key] = environment.Activation(self._bindings)
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
        self._engine = Engine(lambda: self._index)
        self._programs: list[tuple[Any, Any, str]] = []
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
            if len(self._programs) not in self._lost:
                try:
                    compiled = self._engine.compile(environment, program["expression"], returns)
                except Exception as error:  # noqa: BLE001 - the boundary: every failure is an answer
                    faults = _faults(str(error) or type(error).__name__)
            self._programs.append((compiled, environment, returns))
            self._types.append(compiled.return_type() if compiled else self._engine.open_type)
            yield faults

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
        program, environment, returns = self._programs[number]
        if number in self._lost:
            return ["error", self._lost[number]]
        if program is None:
            return ["error", "it does not compile"]
        answer = self._engine.answer(program, subject.activation(environment), returns)
        return subject.explain(answer)


def _faults(message: str) -> list[list[Any]]:
    """Cut CEL's account into `[line, column, message]`; of syntax errors the first says it all."""
    found = sorted([int(m[1]), int(m[2]), m[3]] for m in _POSITION.finditer(message))
    if any(str(fault[2]).startswith("Syntax error") for fault in found):
        return found[:1]
    return found or [[1, 1, _STATUS.sub("", message)]]


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
    evaluator = Evaluator()
    for line in sys.stdin.buffer:
        for answer in evaluator.answer(json.loads(line)):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    main()
