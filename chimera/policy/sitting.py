"""Judging: candidates and rules brought together, in batches, in one child process.

The child is given what has to be judged and, only where a rule asks for `snapshot`, all the rest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chimera.kinds import Subject
from chimera.policy.candidates import (
    Candidate,
    Key,
    Selection,
    bindings_of,
    common_bindings,
)
from chimera.policy.kinds import PolicyRule
from chimera.policy.reading import SNAPSHOT, fields_read, reads, trimmed
from chimera.policy.rulebook import Rulebook
from chimera.policy.worker import Answer, Seen, Task, Worker, printable

_BATCH = 100
"""Candidates in one request; a rule that overruns its bounds is ended with its batch."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one rule said of one candidate; `message` is what it says where it finds fault.

    It is not `certain` where something went wrong, which need not happen again.
    """

    rulebook: Rulebook
    number: int
    candidate: Candidate
    answer: Answer
    message: str
    certain: bool = True

    @property
    def rule(self) -> PolicyRule:
        """The rule that judged."""
        return self.rulebook.rules[self.number]

    @property
    def judge(self) -> str:
        """The name under which the rule judges."""
        return self.rulebook.judge_name(self.number)

    @property
    def is_broken(self) -> bool:
        """Whether the rule found fault."""
        return self.answer.value is False


@dataclass(frozen=True, slots=True)
class Errand:
    """Some rules of a policy, and the candidates that they judge."""

    rulebook: Rulebook
    rules: tuple[int, ...]
    candidates: tuple[Candidate, ...]


def judge_candidates(
    worker: Worker, books: Sequence[Rulebook], subject: Subject, candidates: Sequence[Candidate]
) -> Iterator[Judged]:
    """Yield what every rule says of every candidate that its policy is about."""
    errands = []
    for book in books:
        selection = Selection(book.policy.spec.match, subject)
        chosen = tuple(candidate for candidate in candidates if selection.means(candidate))
        errands.append(Errand(book, tuple(range(len(book.rules))), chosen))
    return (judged for _, judged in run_errands(worker, subject, errands))


def run_errands(
    worker: Worker, subject: Subject, errands: Sequence[Errand]
) -> Iterator[tuple[int, Judged]]:
    """Yield what every errand finds, with the errand's position."""
    candidates = _distinct(errands)
    if not candidates:
        return
    objects = _load(worker, subject, errands, candidates.values())
    places = {key: position for position, key in enumerate(candidates)}
    chosen = [sorted(places[c.key] for c in errand.candidates) for errand in errands]
    common = common_bindings(subject)
    every = list(candidates.values())
    for start in range(0, len(every), _BATCH):
        batch = every[start : start + _BATCH]
        seen = [Seen(objects.get(c.key), bindings_of(subject, c)) for c in batch]
        sitting = _Sitting(worker, common, seen, batch)
        for number, (errand, positions) in enumerate(zip(errands, chosen, strict=True)):
            inside = slice(bisect_left(positions, start), bisect_left(positions, start + _BATCH))
            sitting.add(number, errand, tuple(p - start for p in positions[inside]))
        yield from sitting.judge()


def _distinct(errands: Iterable[Errand]) -> dict[Key, Candidate]:
    """Return all candidates; of one with and without its change, which adds to it, the former."""
    found: dict[Key, Candidate] = {}
    for errand in errands:
        for candidate in errand.candidates:
            if candidate.change is not None or candidate.key not in found:
                found[candidate.key] = candidate
    return found


def _load(
    worker: Worker, subject: Subject, errands: Iterable[Errand], candidates: Iterable[Candidate]
) -> dict[Key, int]:
    """Give the worker what is to be judged; return where each candidate's object stands."""
    snapshot = subject.snapshot
    asked = {(id(e.rulebook), rule): e.rulebook for e in errands for rule in e.rules}
    texts = [book.text_of(rule) for (_, rule), book in asked.items()]
    whole = any(reads(text, SNAPSHOT) for text in texts)
    documents = list(snapshot.documents.values()) if whole else []
    places = {Candidate(str(d.address), d).key: place for place, d in enumerate(documents)}
    others = [c for c in candidates if c.has_object and c.key not in places]
    places |= {c.key: place for place, c in enumerate(others, len(documents))}
    fields = fields_read(texts)
    worker.load(
        [document.value for document in documents],
        ((str(use.source), str(use.target)) for use in snapshot.references) if whole else (),
        [trimmed(candidate.value, fields) for candidate in others],
    )
    return places


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
        self._work: list[tuple[int, Rulebook, Task]] = []

    def add(self, number: int, errand: Errand, chosen: tuple[int, ...]) -> None:
        """Have the rules of an errand judge the candidates at `chosen`."""
        if chosen:
            book = errand.rulebook
            self._work += ((number, book, task) for task in book.tasks(chosen, errand.rules))

    def judge(self) -> Iterator[tuple[int, Judged]]:
        """Yield what the rules say."""
        if not self._work:
            return
        tasks = [task for _, _, task in self._work]
        replies = self._worker.judge(self._common, self._seen, tasks)
        for (number, book, task), answers in zip(self._work, replies, strict=True):
            if task.name is None:
                yield from ((number, judged) for judged in self._judged(book, task, answers))

    def _judged(self, book: Rulebook, task: Task, answers: Sequence[Answer]) -> Iterator[Judged]:
        rule = book.rule_of(task)
        given = list(zip(task.subjects, answers, strict=True))
        broken = tuple(position for position, answer in given if answer.value is False)
        messages = self._messages(book, rule, broken)
        fixed = book.rules[rule].message
        for position, answer in given:
            said = messages.get(position, Answer())
            message = printable(said.value) if isinstance(said.value, str) else ""
            certain = answer.error is None and said.error is None
            candidate = self._candidates[position]
            yield Judged(book, rule, candidate, answer, message or fixed, certain)

    def _messages(self, book: Rulebook, rule: int, broken: tuple[int, ...]) -> dict[int, Answer]:
        """Return the messages that have values in them, by position."""
        if not broken or book.rules[rule].message_expression is None:
            return {}
        tasks = list(book.message_tasks(rule, broken))
        answers = self._worker.judge(self._common, self._seen, tasks)[-1]
        return dict(zip(broken, answers, strict=True))
