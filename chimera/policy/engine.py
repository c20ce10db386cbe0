"""CEL itself: environments, programs, and our functions in them. The one place that imports it.

CEL checks an expression in one environment and runs it in another. The first knows the types of
our functions by their names; in the second their values are maps, for the engine takes no values
of types that are not its own. Refuses to run in the process of Chimera: see `evaluator`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from chimera.policy.functions import Function
from chimera.policy.qualified import as_list, with_tests, without_tests

Answer = list[Any]
"""`["value", v]`, `["error", message]`, or `["absent", name]` for a binding that is not there."""

LIMIT = "this CEL engine"
"""How a fault or an error begins that is the engine's and not the author's."""

_NOW = "now"
_OPTIONAL = "optional_type"
_OURS = ("kubernetes.", "net.", _OPTIONAL)
_PYTHON = {"bool": bool, "string": str}
_UNBOUND = re.compile(r'UNKNOWN: No value with name "([A-Za-z0-9_.]+)" found in Activation')
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_GENERIC = re.compile(r"(\w+)\((.*)\)")
_UNDECLARED = re.compile(r"undeclared reference to '(\w+)'")
_NEWER = frozenset(
    (
        *("image", "isImage", "mul", "div", "divInt", "includes"),
        *("lists", "sort", "sortBy", "distinct", "flatten", "slice", "first", "last"),
    )
)
_TWO_VARIABLES = re.compile(
    r"\.(?:all|exists|existsOne|transformList|transformMap|transformMapEntry)"
    r"\(\s*[A-Za-z_]\w*\s*,\s*[A-Za-z_]\w*\s*,"
)


class Environment(NamedTuple):
    """Where expressions are checked, and where they run; the same names are bound in both."""

    check: Any
    run: Any
    bind: Any
    """Where values are bound: an environment knows the types of its names once it has compiled."""
    names: tuple[str, ...]

    def activation(self, bindings: dict[str, Any]) -> Any:
        """Return bindings as CEL wants them."""
        return self.bind.Activation(bindings)


class Compiled(NamedTuple):
    """A program, the type that its value has where that is known, and what it must give."""

    program: Any
    type: Any
    returns: str
    optional: bool
    """Whether its value is a list that stands for an optional one: of one item, or of none."""


class Engine:
    """CEL with our functions: compiles programs, one environment for each set of names."""

    def __init__(self, functions: Iterable[Function]) -> None:
        from cel_expr_python import cel
        from cel_expr_python.ext import ext_optional, ext_strings

        every = tuple(functions)
        self._cel: Any = cel
        self.open_type = cel.Type.DYN
        self._standard = (ext_strings.ExtStrings, ext_optional.ExtOptional)
        self._types = _Types(cel)
        self._declared = list(self._declarations([f for f in every if not f.shared], run=False))
        shared = list(self._declarations([f for f in every if f.shared], run=False))
        self._shared = cel.CelExtension("chimera.shared", shared)
        run = list(self._declarations(every, run=True))
        self._running = cel.CelExtension("chimera.functions", run)
        self._environments: dict[tuple[tuple[str, str], ...], Environment] = {}

    def environment(self, types: Mapping[str, Any]) -> Environment:
        """Return the environment in which just the names of `types` are bound.

        A time is refused where the type is open, though any other value is taken; so `now` and
        the values of other programs have types.
        """
        key = tuple((name, str(of)) for name, of in types.items())
        if key not in self._environments:
            times = {_NOW: self._cel.Type.TIMESTAMP} if _NOW in types else {}
            names = {**types, **times}
            check = self._cel.NewEnv(
                variables=names,
                extensions=[*(make() for make in self._standard), self._shared],
                functions=self._declared,
            )
            lowered = {name: self._types.at_run_time(of) for name, of in names.items()}
            run = self._cel.NewEnv(
                variables=lowered,
                extensions=[*(make() for make in self._standard), self._running],
            )
            bind = check
            if lowered != names:
                bind = self._cel.NewEnv(variables=lowered)
                bind.compile("true")
            self._environments[key] = Environment(check, run, bind, tuple(names))
        return self._environments[key]

    def compile(self, environment: Environment, expression: str, returns: str) -> Compiled:
        """Compile `expression`; raises `RuntimeError` with CEL's own account of what is wrong."""
        stated = without_tests(expression, environment.names)
        checked = _checked(environment, stated)
        types = self._cel.Type
        wanted = {"bool": types.BOOL, "string": types.STRING}.get(returns)
        given = checked.return_type()
        optional = str(given).startswith(_OPTIONAL)
        if optional and returns != "variable":
            raise RuntimeError(_fault("gives out no optional value: say .orValue(…)"))
        if wanted is not None and given not in (wanted, types.DYN):
            raise RuntimeError(
                f"ERROR: <input>:1:1: the expression gives {str(given).lower()}, not {returns}"
            )
        written = with_tests(as_list(expression) if optional else expression, environment.names)
        if written != stated:
            checked = environment.check.compile(written)
        program = environment.run.deserialize(checked.serialize())
        return Compiled(program, checked.return_type(), returns, optional)

    def answer(self, compiled: Compiled, activation: Any) -> Answer:
        """Evaluate a program; whatever goes wrong is an answer."""
        try:
            value = compiled.program.eval(activation)
            if value.type() == self._cel.Type.ERROR:
                return _failed(str(value.value()))
            plain = value.plain_value()
        except MemoryError:
            return ["error", "it ran out of the memory that an expression may use"]
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is an answer
            return _failed(str(error))
        wanted = _PYTHON.get(compiled.returns)
        if wanted is not None and not isinstance(plain, wanted):
            return ["error", f"it gives {type(plain).__name__}, not {compiled.returns}"]
        return ["value", plain]

    def _declarations(self, functions: Iterable[Function], *, run: bool) -> Iterator[Any]:
        """Yield declarations, one for each name, as the engine wants them."""
        named: dict[str, list[Any]] = {}
        for function in functions:
            found = named.setdefault(function.name, [])
            for takes, gives in self._lowered(function) if run else self._checked(function):
                overload = self._cel.Overload(
                    f"{function.name}_{len(found)}",
                    return_type=gives,
                    parameters=list(takes),
                    is_member=function.member,
                    **({"impl": function.run} if run else {}),
                )
                found.append(overload)
        for name, overloads in named.items():
            yield self._cel.FunctionDecl(name, overloads)

    def _checked(self, function: Function) -> Iterator[tuple[tuple[Any, ...], Any]]:
        for takes, gives in function.overloads:
            yield tuple(map(self._types.named, takes)), self._types.named(gives)

    def _lowered(self, function: Function) -> Iterator[tuple[tuple[Any, ...], Any]]:
        """Yield what tells overloads apart at run time: what kind of value each argument is."""
        found: dict[tuple[str, ...], tuple[tuple[Any, ...], Any]] = {}
        for takes, gives in function.overloads:
            for kinds in product(*map(self._types.kinds, takes)):
                key = tuple(map(str, kinds))
                lowered = self._types.result(gives)
                if key in found and found[key][1] != lowered:
                    lowered = self.open_type
                found[key] = (kinds, lowered)
        return iter(found.values())


class _Types:
    """The types of declarations, as the engine has them: checked by name, or at run time."""

    def __init__(self, cel: Any) -> None:
        of = cel.Type
        self._of = of
        self._scalars = {
            "bool": of.BOOL, "int": of.INT, "uint": of.UINT, "double": of.DOUBLE,
            "string": of.STRING, "bytes": of.BYTES, "timestamp": of.TIMESTAMP,
            "duration": of.DURATION, "dyn": of.DYN,
        }  # fmt: skip
        scalars = [kind for name, kind in self._scalars.items() if name != "dyn"]
        self._every_kind = (*scalars, of.LIST, of.MAP, of.NULL)

    def named(self, name: str) -> Any:
        """Return the type of a name, which the engine need not know."""
        if name in self._scalars:
            return self._scalars[name]
        generic = _GENERIC.fullmatch(name)
        if generic is None:
            return self._of.AbstractType(name)
        parameters = [self.named(part) for part in re.split(r",\s*(?![^(]*\))", generic[2])]
        makers: dict[str, Callable[..., Any]] = {"list": self._of.List, "map": self._of.Map}
        if generic[1] in makers:
            return makers[generic[1]](*parameters)
        return self._of.AbstractType(generic[1], parameters)

    def kinds(self, name: str) -> tuple[Any, ...]:
        """Return the kinds of values that an argument of a type may be."""
        return self._every_kind if name == "dyn" else (self.result(name),)

    def result(self, name: str) -> Any:
        """Return the kind that a value of the type is at run time."""
        if name in self._scalars:
            return self._scalars[name]
        return self._of.LIST if name.startswith("list(") else self._of.MAP

    def at_run_time(self, type: Any) -> Any:
        """Return the type of a variable at run time: open where it has one of our types in it."""
        return self._of.DYN if any(part in str(type) for part in _OURS) else type


def _checked(environment: Environment, expression: str) -> Any:
    """Check an expression, and tell what this engine lacks from what its author got wrong."""
    try:
        return environment.check.compile(expression)
    except RuntimeError as error:
        lacking = _lacking(expression, str(error))
        if lacking is None:
            raise
        raise RuntimeError(_fault(lacking)) from error


def _lacking(expression: str, message: str) -> str | None:
    """Return what there is in Kubernetes and not here, where that is why it does not compile."""
    newer = sorted(_NEWER.intersection(_UNDECLARED.findall(message)))
    if newer:
        return f"has no {newer[0]}, which the newest versions of Kubernetes have"
    if _TWO_VARIABLES.search(expression):
        return "has no comprehensions with two variables"
    if "'string' applied to '(net." in message:
        return "makes no string of an address or network"
    if re.search(r"undeclared reference to '(?:net|kubernetes)(?:\.\w+)*'", message):
        return "has no names for the types that Kubernetes adds, such as net.IP"
    if re.search(r"'(?:min|max|sum)' applied to '\(list\(google\.protobuf\.", message):
        return "takes no time out of a list, so it has no min, max or sum of times"
    if re.search(r"'(?:orValue|or)' applied to '\(map\(string, dyn\)", message):
        return "has hasValue() and value() of a format's answer, and nothing else"
    return None


def _fault(what: str) -> str:
    return f"ERROR: <input>:1:1: {LIMIT} {what}"


def _failed(message: str) -> Answer:
    unbound = _UNBOUND.fullmatch(message)
    return ["absent", unbound[1]] if unbound else ["error", stripped(message)]


def stripped(message: str) -> str:
    """Return what the engine says, without its code for it."""
    return _STATUS.sub("", message)
