"""The expressions of a policy, compiled once: their numbers, their faults, and what each needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from chimera.model import Diagnostic, Place, Segment
from chimera.policy.admission.reading import Policy
from chimera.policy.engine import LIMIT
from chimera.policy.worker import Fault, Program, Returns, Task, Worker

NAMES = (
    "object",
    "oldObject",
    "request",
    "request.userInfo",
    "request.uid",
    "params",
    "namespaceObject",
    "authorizer",
)
"""The names that every expression may use. What cannot be known of a request has its own."""

_VARIABLE = re.compile(r"\bvariables\s*\.\s*([A-Za-z_]\w*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stated:
    """An expression of a policy, what it must give, and the route to it below `spec`."""

    text: str
    returns: Returns
    route: tuple[Segment, ...]


@dataclass(frozen=True)
class Book:
    """One policy whose programs have consecutive numbers.

    Variables come first, then conditions, validations, messages and audit annotations. `limits`
    say what the engine lacks that an expression of it needs, which is no fault of the policy.
    `added` are the texts of further programs by their numbers.
    """

    policy: Policy
    first: int
    faults: tuple[Diagnostic, ...]
    limits: tuple[str, ...]
    added: dict[int, str] = field(default_factory=dict)

    @property
    def values(self) -> tuple[tuple[str, int], ...]:
        """What the variables are called in expressions, with the numbers of their programs."""
        return _values(self.policy, self.first)

    @property
    def conditions(self) -> range:
        """The numbers of the match conditions' programs."""
        return self._after(len(self.policy.spec.variables), len(self.policy.spec.match_conditions))

    @property
    def validations(self) -> range:
        """The numbers of the validations' programs."""
        return self._after(self.conditions.stop - self.first, len(self.policy.spec.validations))

    @property
    def annotations(self) -> range:
        """The numbers of the audit annotations' programs."""
        messages = sum(v.message_expression is not None for v in self.policy.spec.validations)
        start = self.validations.stop - self.first + messages
        return self._after(start, len(self.policy.spec.audit_annotations))

    def message(self, validation: int) -> int | None:
        """Return the number of the program for a validation's message, if it has one."""
        validations = self.policy.spec.validations
        if validations[validation].message_expression is None:
            return None
        before = sum(v.message_expression is not None for v in validations[:validation])
        return self.validations.stop + before

    def tasks(self, programs: Iterable[int], subjects: tuple[int, ...]) -> Iterator[Task]:
        """Lay out the work: the variables that the programs need, then the programs."""
        chosen = tuple(programs)
        needed = set(self.needs(map(self.expression, chosen)))
        for number, variable in enumerate(self.policy.spec.variables):
            if variable.name in needed:
                yield Task(self.first + number, subjects, f"variables.{variable.name}")
        for number in chosen:
            yield Task(number, subjects)

    def needs(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the variables that expressions read, also through other variables."""
        names = {name for text in texts for name in _VARIABLE.findall(text)}
        for variable in reversed(self.policy.spec.variables):
            if variable.name in names:
                names.update(_VARIABLE.findall(variable.expression))
        return tuple(v.name for v in self.policy.spec.variables if v.name in names)

    def expression(self, program: int) -> str:
        """Return the expression of a program."""
        return self.added.get(program) or self._stated[program - self.first].text

    def text_of(self, program: int) -> str:
        """Return the expression of a program with those of the variables that it needs."""
        text = self.expression(program)
        needed = set(self.needs([text]))
        of_variables = [v.expression for v in self.policy.spec.variables if v.name in needed]
        return "\n".join([text, *of_variables])

    def place(self, program: int) -> Place:
        """Return where the expression of a program stands."""
        return self.policy.place.at("spec", *self._stated[program - self.first].route)

    @cached_property
    def _stated(self) -> tuple[Stated, ...]:
        return tuple(stated(self.policy))

    def _after(self, offset: int, count: int) -> range:
        return range(self.first + offset, self.first + offset + count)


def stated(policy: Policy) -> Iterator[Stated]:
    """Yield the expressions of a policy in the order of their numbers."""
    spec = policy.spec
    for number, variable in enumerate(spec.variables):
        yield Stated(variable.expression, "variable", ("variables", number, "expression"))
    for number, condition in enumerate(spec.match_conditions):
        yield Stated(condition.expression, "bool", ("matchConditions", number, "expression"))
    for number, validation in enumerate(spec.validations):
        yield Stated(validation.expression, "bool", ("validations", number, "expression"))
    for number, validation in enumerate(spec.validations):
        if validation.message_expression is not None:
            route = ("validations", number, "messageExpression")
            yield Stated(validation.message_expression, "string", route)
    for number, annotation in enumerate(spec.audit_annotations):
        route = ("auditAnnotations", number, "valueExpression")
        yield Stated(annotation.value_expression, "any", route)


def compile_library(worker: Worker, policies: Sequence[Policy]) -> list[Book]:
    """Compile the expressions of policies and report every fault of theirs."""
    parts = [tuple(stated(policy)) for policy in policies]
    firsts = [worker.next + sum(len(p) for p in parts[:number]) for number in range(len(parts))]
    programs = [
        program
        for policy, part, first in zip(policies, parts, firsts, strict=True)
        for program in _programs(policy, part, first)
    ]
    faults = iter(worker.compile(programs))
    books = []
    for policy, part, first in zip(policies, parts, firsts, strict=True):
        found = [(one, fault) for one in part for fault in next(faults)]
        limits = [fault for _, fault in found if fault.message.startswith(LIMIT)]
        wrong = [(one, fault) for one, fault in found if fault not in limits]
        books.append(
            Book(
                policy,
                first,
                tuple(_invalid(policy, one, fault) for one, fault in wrong),
                tuple(dict.fromkeys(fault.message for fault in limits)),
            )
        )
    return books


def _programs(policy: Policy, part: Sequence[Stated], first: int) -> Iterator[Program]:
    """Yield programs; a variable may read those before it, a condition none, the rest all."""
    values = _values(policy, first)
    for number, one in enumerate(part):
        known = () if one.route[0] == "matchConditions" else values[:number]
        # A cluster lets no message ask its authorizer.
        names = NAMES[:-1] if one.route[-1] == "messageExpression" else NAMES
        yield Program(one.text, names, one.returns, known)


def _values(policy: Policy, first: int) -> tuple[tuple[str, int], ...]:
    names = (f"variables.{variable.name}" for variable in policy.spec.variables)
    return tuple((name, number) for number, name in enumerate(names, first))


def _invalid(policy: Policy, one: Stated, fault: Fault) -> Diagnostic:
    return Diagnostic(
        "admission-expression-invalid",
        f"{policy.address}: the expression is not valid CEL: {fault}",
        policy.place.at("spec", *one.route),
        "line and column count from the expression's own start",
        address=policy.address,
    )
