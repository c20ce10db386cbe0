"""Judging requests by a library of policies, as a cluster would, in the child that evaluates.

What a cluster alone could tell is not exercised and says why; it never passes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from chimera.context import Processes
from chimera.model import Finding, RuleAction, Verdict
from chimera.policy.admission.elements import Elements, route_to
from chimera.policy.admission.matching import Request, Undecided, matches
from chimera.policy.admission.parameters import Parameters, parameters_of
from chimera.policy.admission.programs import Book, compile_library
from chimera.policy.admission.reading import Binding, Found, Library
from chimera.policy.admission.request import UNKNOWN, bindings_of
from chimera.policy.admission.verdicts import action_of, broken, erred, faulty
from chimera.policy.engine import LIMIT
from chimera.policy.isolation import Bounds
from chimera.policy.worker import Answer, Seen, Task, Worker, printable

_BATCH = 100
"""Requests in one question; an expression that overruns its bounds is ended with its batch."""
_NAMED = 5
_LIMITED = re.compile(rf"(?:variables\.\w+: )*{LIMIT} ", re.ASCII)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found, and of how much it cannot be told here whether it would be admitted."""

    verdicts: tuple[Verdict, ...]
    undecided: int


@dataclass(frozen=True)
class _Bound:
    """A policy where one binding puts it, or anywhere where there is none."""

    book: Book
    binding: Binding | None

    @property
    def name(self) -> str:
        """What verdicts call it."""
        address = self.book.policy.address
        return address if self.binding is None else f"{address}@{self.binding.name}"

    @property
    def action(self) -> RuleAction:
        """What is done where the policy is broken."""
        return "deny" if self.binding is None else action_of(self.binding.spec.validation_actions)

    def is_about(self, request: Request) -> bool | Undecided:
        """Tell whether the policy and the binding are about a request."""
        found = matches(self.book.policy.spec.match_constraints, request)
        narrower = self.binding.spec.match_resources if self.binding else None
        if found is False or narrower is None:
            return found
        narrowed = matches(narrower, request)
        return narrowed if found is True or narrowed is False else found


@dataclass(frozen=True)
class _Hearing:
    """One policy about one request, with one document of parameters."""

    bound: _Bound
    request: Request
    position: int
    parameters: Parameters

    @property
    def name(self) -> str:
        """What verdicts call the policy in it."""
        return "/".join(filter(None, (self.bound.name, self.parameters.name)))

    @property
    def seen(self) -> Seen:
        """What an expression sees."""
        position = None if self.request.operation == "DELETE" else self.position
        return Seen(position, {**bindings_of(self.request), **self.parameters.bound})


@dataclass
class _Record:
    """What was found so far."""

    found: list[Verdict] = field(default_factory=list)
    held: dict[tuple[str, RuleAction], int] = field(default_factory=lambda: defaultdict(int))
    idle: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    undecided: int = 0

    def unknown(self, judge: str, subject: str, reason: str) -> None:
        """Record that something cannot be told here."""
        self.undecided += 1
        self.found.append(Verdict(judge, subject, Finding.NOT_EXERCISED, (reason,)))

    def verdicts(self) -> tuple[Verdict, ...]:
        """Return all verdicts, in order; what is in order is counted."""
        counted = [
            Verdict(judge, _resources(times), Finding.PASS, action=action, count=times)
            for (judge, action), times in self.held.items()
        ]
        idle = [
            Verdict(
                judge,
                _resources(len(subjects)),
                Finding.NOT_EXERCISED,
                (f"{reason}: {_listed(subjects)}",),
                count=len(subjects),
            )
            for (judge, reason), subjects in self.idle.items()
        ]
        every = (*self.found, *counted, *idle)
        return tuple(sorted(every, key=lambda v: (v.judge, v.subject, v.finding.value, v.reasons)))


def evaluate_library(
    library: Library,
    parameters: Sequence[Found],
    requests: Sequence[Request],
    processes: Processes,
    bounds: Bounds = Bounds(),  # noqa: B008 - immutable
) -> Evaluation:
    """Return what every policy of a library says of every request."""
    record = _Record()
    with Worker(processes, bounds) as worker:
        books = compile_library(worker, library.policies)
        record.found += (faulty(book) for book in books if book.faults)
        sound = [book for book in books if not book.faults]
        bounds_of = [bound for book in sound for bound in _bound(book, library.bindings)]
        elements = Elements(worker)
        worker.load((), others=[request.resource.value for request in requests])
        for start in range(0, len(requests), _BATCH):
            numbered = list(enumerate(requests[start : start + _BATCH], start))
            hearings = [
                hearing
                for bound in bounds_of
                for position, request in numbered
                for hearing in _hearings(bound, request, position, parameters, record)
            ]
            _Sitting(worker, elements, record).judge(hearings)
    return Evaluation(record.verdicts(), record.undecided)


def _bound(book: Book, bindings: Iterable[Binding]) -> list[_Bound]:
    own = [b for b in bindings if b.spec.policy_name == book.policy.name]
    return [_Bound(book, binding) for binding in own or (None,)]


def _hearings(
    bound: _Bound, request: Request, position: int, given: Sequence[Found], record: _Record
) -> Iterator[_Hearing]:
    """Yield what is to be judged; record what the policy is not about, and what cannot be told."""
    subject = request.resource.subject
    about = bound.is_about(request)
    if about is False:
        record.idle[bound.name, "it is not about"].append(subject)
        return
    policy = bound.book.policy
    parameters = parameters_of(policy, bound.binding, request, given)
    if isinstance(about, Undecided):
        record.unknown(bound.name, subject, about.reason)
        return
    if isinstance(parameters, Undecided):
        record.unknown(bound.name, subject, parameters.reason)
        return
    if bound.book.limits:
        record.unknown(bound.name, subject, "; ".join(bound.book.limits))
        return
    many = len(parameters) > 1
    for one in parameters:
        named = one if many else Parameters("", one.bound)
        yield _Hearing(bound, request, position, named)


class _Sitting:
    """One batch: conditions first, then what must hold, then the messages of what does not."""

    def __init__(self, worker: Worker, elements: Elements, record: _Record) -> None:
        self._worker = worker
        self._elements = elements
        self._record = record

    def judge(self, hearings: Sequence[_Hearing]) -> None:
        """Record what the policies say."""
        asked = [(hearing, tuple(hearing.bound.book.conditions)) for hearing in hearings]
        answered = zip(hearings, self._ask(asked), strict=True)
        acting = [hearing for hearing, answers in answered if self._meets(hearing, answers)]
        books = [hearing.bound.book for hearing in acting]
        wanted = [(*book.validations, *book.annotations) for book in books]
        replies = self._ask(list(zip(acting, wanted, strict=True)))
        unheld: list[tuple[_Hearing, int]] = []
        for hearing, answers in zip(acting, replies, strict=True):
            unheld += ((hearing, program) for program in self._unheld(hearing, answers))
            self._annotate(hearing, answers)
        self._break(unheld)

    def _ask(self, wanted: Sequence[tuple[_Hearing, tuple[int, ...]]]) -> list[dict[int, Answer]]:
        """Evaluate programs for hearings; return the answers of each by program."""
        groups: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
        for position, (hearing, programs) in enumerate(wanted):
            groups[id(hearing.bound.book), programs].append(position)
        tasks: list[Task] = []
        for (_, programs), positions in groups.items():
            book = wanted[positions[0]][0].bound.book
            tasks += book.tasks(programs, tuple(positions))
        answers: list[dict[int, Answer]] = [{} for _ in wanted]
        if tasks:
            replies = self._worker.judge({}, [hearing.seen for hearing, _ in wanted], tasks)
            for task, reply in zip(tasks, replies, strict=True):
                if task.name is None:
                    for position, answer in zip(task.subjects, reply, strict=True):
                        answers[position][task.program] = answer
        return answers

    def _meets(self, hearing: _Hearing, answers: dict[int, Answer]) -> bool:
        """Tell whether all conditions hold; one that does not outweighs one that errs."""
        book, subject = hearing.bound.book, hearing.request.resource.subject
        for condition, program in zip(
            book.policy.spec.match_conditions, book.conditions, strict=True
        ):
            if answers[program].value is False:
                reason = f"its condition {condition.name} does not hold for"
                self._record.idle[hearing.name, reason].append(subject)
                return False
        for condition, program in zip(
            book.policy.spec.match_conditions, book.conditions, strict=True
        ):
            if answers[program].value is not True:
                judge = f"{hearing.name}#matchConditions[{condition.name}]"
                self._fail(hearing, program, judge, answers[program])
                return False
        return True

    def _unheld(self, hearing: _Hearing, answers: dict[int, Answer]) -> Iterator[int]:
        """Record validations that hold or cannot be judged; yield those that do not hold."""
        for number, program in enumerate(hearing.bound.book.validations):
            judge = f"{hearing.name}#validations[{number}]"
            if answers[program].value is True:
                self._record.held[judge, hearing.bound.action] += 1
            elif answers[program].value is False:
                yield program
            else:
                self._fail(hearing, program, judge, answers[program])

    def _annotate(self, hearing: _Hearing, answers: dict[int, Answer]) -> None:
        """Record what a cluster would write into its audit log."""
        book, subject = hearing.bound.book, hearing.request.resource.subject
        annotations = book.policy.spec.audit_annotations
        for annotation, program in zip(annotations, book.annotations, strict=True):
            judge = f"{hearing.name}#auditAnnotations[{annotation.key}]"
            answer = answers[program]
            if isinstance(answer.value, str):
                reason = f"the audit log would say: {printable(answer.value)}"
                self._record.found.append(Verdict(judge, subject, Finding.PASS, (reason,)))
            elif answer.value is not None:
                self._fail(hearing, program, judge, Answer(error="it gives no string and no null"))
            elif answer != Answer():
                self._fail(hearing, program, judge, answer)

    def _fail(self, hearing: _Hearing, program: int, judge: str, answer: Answer) -> None:
        """Record an expression without an answer: it erred, or asks what cannot be told here."""
        bound, resource = hearing.bound, hearing.request.resource
        if answer.absent is not None:
            reason = UNKNOWN.get(answer.absent, f"it asks for {answer.absent}, which is not there")
            self._record.unknown(judge, resource.subject, reason)
            return
        error = answer.error or "it gives no answer"
        if _LIMITED.match(error):
            self._record.unknown(judge, resource.subject, error)
            return
        verdict = erred(judge, bound.action, resource, bound.book, program, error)
        self._record.found.append(verdict)

    def _break(self, unheld: Sequence[tuple[_Hearing, int]]) -> None:
        """Record validations that do not hold, with what they say."""
        asked = []
        for hearing, program in unheld:
            book = hearing.bound.book
            number = book.message(program - book.validations.start)
            message = () if number is None else (number,)
            asked.append((hearing, (*message, *self._elements.programs(book, program))))
        for (hearing, program), answers in zip(unheld, self._ask(asked), strict=True):
            bound, number = hearing.bound, program - hearing.bound.book.validations.start
            book, resource = bound.book, hearing.request.resource
            said = answers.pop(book.message(number) or -1, Answer()).value
            verdict = broken(
                f"{hearing.name}#validations[{number}]",
                bound.action,
                resource,
                book,
                program,
                _message(book, number, said),
                route_to(answers.values(), book.text_of(program), resource.value),
            )
            self._record.found.append(verdict)


def _message(book: Book, number: int, said: object) -> str:
    """Return what a validation says: as worked out, else as written, else what it asks for.

    What is worked out counts where it is one line with something on it.
    """
    validation = book.policy.spec.validations[number]
    if isinstance(said, str) and said.strip() and "\n" not in said.strip():
        return printable(said)
    return printable(validation.message or f"failed expression: {validation.expression}")


def _resources(number: int) -> str:
    return f"{number} resource{'s' if number != 1 else ''}"


def _listed(subjects: Sequence[str]) -> str:
    more = len(subjects) - _NAMED
    return ", ".join(subjects[:_NAMED]) + (f" and {more} more" if more > 0 else "")
