"""Policies made ready: expressions compiled, their faults found, and their work laid out.

A policy with faults judges nothing: that it has faults fails the check already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chimera.kinds import Document, Registry, Subject
from chimera.model import Diagnostic, Segment
from chimera.policy.candidates import NAMES, Candidate, common_bindings, select
from chimera.policy.kinds import PolicyRule, PolicySpec
from chimera.policy.soundness import definition_faults, invalid_expression
from chimera.policy.worker import Answer, Program, Seen, Task, Worker

_BATCH = 100
"""Candidates in one request; a rule that overruns its bounds is ended with its batch."""


@dataclass(frozen=True, slots=True)
class Stated:
    """An expression of a policy and the route to it below `spec`."""

    program: Program
    route: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """One policy whose programs have consecutive numbers: variables, rules, then messages."""

    policy: Document[PolicySpec]
    first: int
    faults: tuple[Diagnostic, ...]

    def tasks(self, subjects: tuple[int, ...]) -> Iterator[Task]:
        """Lay out the work: each variable, then each rule, for all of `subjects`."""
        for offset, variable in enumerate(self.policy.spec.variables):
            yield Task(self.first + offset, subjects, _bound(variable.name))
        for rule in range(len(self.policy.spec.rules)):
            yield Task(self.first_rule + rule, subjects)

    def message_tasks(self, rule: int, subject: int) -> Iterator[Task]:
        """Lay out the work for one message: the variables anew, then the message."""
        spec = self.policy.spec
        before = sum(r.message_expression is not None for r in spec.rules[:rule])
        for offset, variable in enumerate(spec.variables):
            yield Task(self.first + offset, (subject,), _bound(variable.name))
        yield Task(self.first_rule + len(spec.rules) + before, (subject,))

    def variables_in(self, rule: PolicyRule) -> list[str]:
        """Return the expressions of the variables that a rule names."""
        spec = self.policy.spec
        return [v.expression for v in spec.variables if _bound(v.name) in rule.expression]

    @property
    def first_rule(self) -> int:
        """The number of the first rule's program."""
        return self.first + len(self.policy.spec.variables)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one rule said of one candidate; `message` is there where it found fault."""

    rulebook: Rulebook
    rule: PolicyRule
    number: int
    candidate: Candidate
    answer: Answer
    message: str = ""

    @property
    def judge(self) -> str:
        """The name under which the rule judges."""
        return f"{self.rulebook.policy.address}#{self.rule.id}"

    @property
    def is_broken(self) -> bool:
        """Whether the rule found fault."""
        return self.answer.value is False


def compile_policies(
    worker: Worker, policies: Sequence[Document[PolicySpec]], registry: Registry
) -> list[Rulebook]:
    """Compile the expressions of `policies` and report every fault of theirs."""
    stated: list[list[Stated]] = []
    for policy in policies:
        stated.append(list(_expressions(policy.spec, sum(map(len, stated)))))
    faults = iter(worker.compile([one.program for part in stated for one in part]))
    books, first = [], 0
    for policy, part in zip(policies, stated, strict=True):
        found = [
            *definition_faults(policy, registry),
            *(
                invalid_expression(policy, str(fault), one.route)
                for one in part
                for fault in next(faults)
            ),
        ]
        books.append(Rulebook(policy, first, tuple(found)))
        first += len(part)
    return books


def judge_candidates(
    worker: Worker, books: Sequence[Rulebook], subject: Subject, candidates: Sequence[Candidate]
) -> Iterator[Judged]:
    """Yield what every rule says of every candidate that its policy is about.

    The worker has loaded the snapshot's documents in their order, which is that of the candidates.
    """
    common = common_bindings(subject)
    chosen = [
        [position for position, _ in select(book.policy.spec.match, subject, candidates)]
        for book in books
    ]
    seen = [
        Seen(position if candidate.document else None, candidate.bindings)
        for position, candidate in enumerate(candidates)
    ]
    for start in range(0, len(candidates), _BATCH):
        batch = range(start, min(start + _BATCH, len(candidates)))
        work = [
            (book, tuple(p - start for p in positions if p in batch))
            for book, positions in zip(books, chosen, strict=True)
        ]
        yield from _judge_batch(
            worker, common, seen[start : batch.stop], candidates[start : batch.stop], work
        )


def _judge_batch(
    worker: Worker,
    common: Mapping[str, object],
    seen: Sequence[Seen],
    candidates: Sequence[Candidate],
    work: Sequence[tuple[Rulebook, tuple[int, ...]]],
) -> Iterator[Judged]:
    tasks = [(book, task) for book, chosen in work if chosen for task in book.tasks(chosen)]
    if not tasks:
        return
    answers = worker.judge(common, seen, [task for _, task in tasks])
    for (book, task), given in zip(tasks, answers, strict=True):
        if task.name is not None:
            continue
        number = task.program - book.first_rule
        rule = book.policy.spec.rules[number]
        for position, answer in zip(task.subjects, given, strict=True):
            judged = Judged(book, rule, number, candidates[position], answer)
            if judged.is_broken:
                yield replace(judged, message=_message(worker, common, seen[position], judged))
            else:
                yield judged


def _message(worker: Worker, common: Mapping[str, object], seen: Seen, judged: Judged) -> str:
    """Return the message for one finding, with values where the rule asks for them."""
    rule = judged.rule
    if rule.message_expression is None:
        return rule.message
    tasks = list(judged.rulebook.message_tasks(judged.number, 0))
    answer = worker.judge(common, [seen], tasks)[-1][0]
    return answer.value if isinstance(answer.value, str) and answer.value else rule.message


def _bound(variable: str) -> str:
    return f"variables.{variable}"


def _expressions(spec: PolicySpec, first: int) -> Iterator[Stated]:
    """Yield a policy's programs in order; the first gets the number `first`."""
    values: tuple[tuple[str, int], ...] = ()
    for position, variable in enumerate(spec.variables):
        route = ("variables", position, "expression")
        yield Stated(Program(variable.expression, NAMES, "any", values), route)
        values = (*values, (_bound(variable.name), first + position))
    for position, rule in enumerate(spec.rules):
        route = ("rules", position, "expression")
        yield Stated(Program(rule.expression, NAMES, "bool", values), route)
    for position, rule in enumerate(spec.rules):
        if rule.message_expression is not None:
            route = ("rules", position, "messageExpression")
            yield Stated(Program(rule.message_expression, NAMES, "string", values), route)
