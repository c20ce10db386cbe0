"""Policies made ready: expressions compiled, their faults found, and their work laid out.

A policy with faults judges nothing: that it has faults fails the check already.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from chimera.kinds import Document, Subject
from chimera.model import Diagnostic, Segment
from chimera.policy.candidates import NAMES, Candidate, Selection, bindings_of, common_bindings
from chimera.policy.kinds import PolicyRule, PolicySpec
from chimera.policy.soundness import definition_faults, invalid_expression
from chimera.policy.worker import Answer, Program, Seen, Task, Worker, printable

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

    def message_tasks(self, rule: int, subjects: tuple[int, ...]) -> Iterator[Task]:
        """Lay out the work for one rule's messages: the variables anew, then the message."""
        spec = self.policy.spec
        before = sum(r.message_expression is not None for r in spec.rules[:rule])
        for offset, variable in enumerate(spec.variables):
            yield Task(self.first + offset, subjects, _bound(variable.name))
        yield Task(self.first_rule + len(spec.rules) + before, subjects)

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
    """What one rule said of one candidate; `message` is what it says where it finds fault."""

    rulebook: Rulebook
    rule: PolicyRule
    number: int
    candidate: Candidate
    answer: Answer
    message: str

    @property
    def judge(self) -> str:
        """The name under which the rule judges."""
        return f"{self.rulebook.policy.address}#{self.rule.id}"

    @property
    def is_broken(self) -> bool:
        """Whether the rule found fault."""
        return self.answer.value is False


def compile_policies(worker: Worker, policies: Sequence[Document[PolicySpec]]) -> list[Rulebook]:
    """Compile the expressions of `policies` and report every fault of theirs."""
    stated: list[list[Stated]] = []
    for policy in policies:
        stated.append(list(_expressions(policy.spec, sum(map(len, stated)))))
    faults = iter(worker.compile([one.program for part in stated for one in part]))
    books, first = [], 0
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


def judge_candidates(
    worker: Worker, books: Sequence[Rulebook], subject: Subject, candidates: Sequence[Candidate]
) -> Iterator[Judged]:
    """Yield what every rule says of every candidate that its policy is about.

    The worker has loaded the candidates' objects in their order.
    """
    common = common_bindings(subject)
    selections = [Selection(book.policy.spec.match, subject) for book in books]
    chosen = [
        [position for position, one in enumerate(candidates) if selection.means(one)]
        for selection in selections
    ]
    loaded = count()
    seen = [
        Seen(next(loaded) if one.has_object else None, bindings_of(subject, one))
        for one in candidates
    ]
    for start in range(0, len(candidates), _BATCH):
        batch = slice(start, start + _BATCH)
        sitting = _Sitting(worker, common, seen[batch], candidates[batch])
        for book, positions in zip(books, chosen, strict=True):
            inside = slice(bisect_left(positions, start), bisect_left(positions, start + _BATCH))
            sitting.add(book, tuple(position - start for position in positions[inside]))
        yield from sitting.judge()


class _Sitting:
    """One request: a batch of candidates, and the rules that judge some of them."""

    def __init__(
        self,
        worker: Worker,
        common: Mapping[str, object],
        seen: Sequence[Seen],
        candidates: Sequence[Candidate],
    ) -> None:
        self._worker = worker
        self._common = common
        self._seen = seen
        self._candidates = candidates
        self._work: list[tuple[Rulebook, Task]] = []

    def add(self, book: Rulebook, chosen: tuple[int, ...]) -> None:
        """Have the rules of a policy judge the candidates at `chosen`."""
        if chosen:
            self._work += ((book, task) for task in book.tasks(chosen))

    def judge(self) -> Iterator[Judged]:
        """Yield what the rules say."""
        if not self._work:
            return
        tasks = [task for _, task in self._work]
        replies = self._worker.judge(self._common, self._seen, tasks)
        for (book, task), answers in zip(self._work, replies, strict=True):
            if task.name is None:
                yield from self._judged(book, task, answers)

    def _judged(self, book: Rulebook, task: Task, answers: Sequence[Answer]) -> Iterator[Judged]:
        number = task.program - book.first_rule
        rule = book.policy.spec.rules[number]
        given = list(zip(task.subjects, answers, strict=True))
        broken = tuple(position for position, answer in given if answer.value is False)
        messages = self._messages(book, number, broken)
        for position, answer in given:
            message = messages.get(position, rule.message)
            yield Judged(book, rule, number, self._candidates[position], answer, message)

    def _messages(self, book: Rulebook, rule: int, broken: tuple[int, ...]) -> dict[int, str]:
        """Return the messages that have values in them, by position."""
        if not broken or book.policy.spec.rules[rule].message_expression is None:
            return {}
        tasks = list(book.message_tasks(rule, broken))
        answers = self._worker.judge(self._common, self._seen, tasks)[-1]
        return {
            position: printable(answer.value)
            for position, answer in zip(broken, answers, strict=True)
            if isinstance(answer.value, str) and answer.value
        }


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
