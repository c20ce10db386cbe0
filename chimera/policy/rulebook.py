"""Policies made ready: expressions compiled, their faults found, and their work laid out.

A policy with faults judges nothing: that it has faults fails the check already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chimera.kinds import Document, EnvironmentFacts, Memo, NoMemo
from chimera.model import Diagnostic, Segment, digest_json
from chimera.policy.candidates import NAMES
from chimera.policy.kinds import PolicyRule, PolicySpec
from chimera.policy.parameters import literal, values_in
from chimera.policy.reading import Reach, full_text, parameters_of, reach_of, variables_of
from chimera.policy.soundness import definition_faults, invalid_expression
from chimera.policy.worker import Fault, Program, Task, Worker, cel_version


@dataclass(frozen=True, slots=True)
class Stated:
    """An expression of a policy and the route to it below `spec`."""

    program: Program
    route: tuple[Segment, ...]


@dataclass(frozen=True)
class Rulebook:
    """One policy whose programs have consecutive numbers.

    Parameters come first, then variables, rules and messages.
    """

    policy: Document[PolicySpec]
    first: int
    faults: tuple[Diagnostic, ...]

    def tasks(self, subjects: tuple[int, ...], rules: Iterable[int]) -> Iterator[Task]:
        """Lay out the work: what `rules` need, then each of them, for all of `subjects`."""
        chosen = tuple(rules)
        yield from self._values(subjects, chosen)
        for rule in chosen:
            yield Task(self.first_rule + rule, subjects)

    def message_tasks(self, rule: int, subjects: tuple[int, ...]) -> Iterator[Task]:
        """Lay out the work for one rule's messages: what it needs anew, then the message."""
        rules = self.policy.spec.rules
        before = sum(r.message_expression is not None for r in rules[:rule])
        yield from self._values(subjects, (rule,))
        yield Task(self.first_rule + len(rules) + before, subjects)

    def rule_of(self, task: Task) -> int:
        """Return the position of the rule that a task is about."""
        return task.program - self.first_rule

    def text_of(self, rule: int) -> str:
        """Return all expressions that a rule is worked out from."""
        return full_text(self.policy.spec, self.policy.spec.rules[rule])

    def rules_with(self, reach: Reach) -> tuple[int, ...]:
        """Return the positions of the rules whose answers depend on just so much."""
        return tuple(rule for rule, found in enumerate(self.reaches) if found == reach)

    @cached_property
    def reaches(self) -> tuple[Reach, ...]:
        """What the answer of each rule depends on."""
        return tuple(reach_of(self.policy.spec, rule) for rule in self.rules)

    def judge_name(self, rule: int) -> str:
        """Return the name under which a rule judges."""
        return f"{self.policy.address}#{self.rules[rule].id}"

    @property
    def rules(self) -> tuple[PolicyRule, ...]:
        """The rules of the policy."""
        return self.policy.spec.rules

    @property
    def first_rule(self) -> int:
        """The number of the first rule's program."""
        return self.first + len(self.policy.spec.parameters) + len(self.policy.spec.variables)

    @cached_property
    def _needs(self) -> tuple[frozenset[str], ...]:
        """The names of the values that each rule needs."""
        spec = self.policy.spec
        return tuple(
            frozenset(
                [
                    *map(_parameter, parameters_of(spec, rule)),
                    *map(_variable, variables_of(spec, rule)),
                ]
            )
            for rule in self.rules
        )

    def _values(self, subjects: tuple[int, ...], rules: tuple[int, ...]) -> Iterator[Task]:
        needed = frozenset().union(*(self._needs[rule] for rule in rules))
        for offset, name in enumerate(_names(self.policy.spec)):
            if name in needed:
                yield Task(self.first + offset, subjects, name)


def compile_policies(
    worker: Worker,
    policies: Sequence[Document[PolicySpec]],
    environment: EnvironmentFacts,
    given: Mapping[str, Any] | None = None,
    memo: Memo = NoMemo(),  # noqa: B008 - it holds nothing
) -> list[Rulebook]:
    """Compile the expressions of `policies` and report every fault of theirs.

    `given` are values that parameters have whatever the environment. What `memo` tells of their
    faults is not asked again, and the worker started only when something is judged.
    """
    stated: list[list[Stated]] = []
    for policy in policies:
        values = {**values_in(policy.spec, environment.name), **(given or {})}
        stated.append(list(_expressions(policy.spec, worker.next + _size(stated), values)))
    first = worker.next
    faults = iter(_faults(worker, [one.program for part in stated for one in part], memo))
    books = []
    for policy, part in zip(policies, stated, strict=True):
        found = [
            *definition_faults(policy),
            *(
                invalid_expression(policy, str(fault), one.route)
                for one in part
                for fault in next(faults)
            ),
        ]
        books.append(Rulebook(policy, first, tuple(found)))
        first += len(part)
    return books


def _size(parts: Iterable[Sequence[Stated]]) -> int:
    return sum(map(len, parts))


def _faults(worker: Worker, programs: Sequence[Program], memo: Memo) -> Iterable[tuple[Fault, ...]]:
    """Return the faults of each program; that there are none is remembered."""
    known = [[p.expression, *p.names, p.returns, *map(list, p.values)] for p in programs]
    key = digest_json(["policy-programs/1", cel_version(), known])
    if memo.get(key) is True:
        worker.queue(programs)
        return [()] * len(programs)
    faults = worker.compile(programs)
    if not any(faults) and not worker.losses:
        memo.put(key, True)
    return faults


def _parameter(name: str) -> str:
    return f"parameters.{name}"


def _variable(name: str) -> str:
    return f"variables.{name}"


def _names(spec: PolicySpec) -> list[str]:
    """Return the names under which a policy's values are bound, in the order of their programs."""
    return [
        *(_parameter(parameter.name) for parameter in spec.parameters),
        *(_variable(variable.name) for variable in spec.variables),
    ]


def _expressions(spec: PolicySpec, first: int, values: Mapping[str, Any]) -> Iterator[Stated]:
    """Yield a policy's programs in order; the first gets the number `first`."""
    names = tuple(zip(_names(spec), range(first, first + len(_names(spec))), strict=True))
    for position, parameter in enumerate(spec.parameters):
        written = literal(parameter, values[parameter.name])
        yield Stated(Program(written, (), "any"), ("parameters", position, "default"))
    before = len(spec.parameters)
    for position, variable in enumerate(spec.variables):
        route = ("variables", position, "expression")
        yield Stated(
            Program(variable.expression, NAMES, "variable", names[: before + position]), route
        )
    for position, rule in enumerate(spec.rules):
        route = ("rules", position, "expression")
        yield Stated(Program(rule.expression, NAMES, "bool", names), route)
    for position, rule in enumerate(spec.rules):
        if rule.message_expression is not None:
            route = ("rules", position, "messageExpression")
            yield Stated(Program(rule.message_expression, NAMES, "string", names), route)
