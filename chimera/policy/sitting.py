"""Judging: candidates and rules brought together, in batches, in one child process.

The child is given what has to be judged and, only where a rule asks for `snapshot`, all the rest.
"""

from __future__ import annotations

import marshal
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from chimera.kinds import Subject
from chimera.model import Route
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
_PLAIN = 2
"""The version of Python's own format in which equal values are written in one way."""


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
    alike: tuple[Candidate, ...] = ()
    """Further candidates of which the rule says the same, since it sees the same of them."""

    @property
    def each(self) -> Iterator[Judged]:
        """The same for one candidate at a time."""
        for candidate in (self.candidate, *self.alike):
            yield replace(self, candidate=candidate, alike=())

    @property
    def rule(self) -> PolicyRule:
        """The rule that judged."""
        return self.rulebook.rules[self.number]

    @property
    def judge(self) -> str:
        """The name under which the rule judges."""
        return self.rulebook.judge_name(self.number)

    @property
    def holds(self) -> bool:
        """Whether the rule finds that all is well."""
        answer = self.answer
        return answer.absent is None and answer.error is None and answer.value is not False

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
    return (one for _, judged in run_errands(worker, subject, errands) for one in judged.each)


def run_errands(
    worker: Worker, subject: Subject, errands: Sequence[Errand]
) -> Iterator[tuple[int, Judged]]:
    """Yield what every errand finds, with the errand's position."""
    candidates = _distinct(errands)
    if not candidates:
        return
    texts = [tuple(map(e.rulebook.text_of, e.rules)) for e in errands]
    fields = {those: fields_read(those) for those in dict.fromkeys(texts)}
    every_text = list(chain.from_iterable(fields))
    every_field = fields_read(every_text)
    objects = {key: trimmed(c.value, every_field) for key, c in candidates.items()}
    crowds = [
        _alike(errand, fields[those], subject, objects)
        for errand, those in zip(errands, texts, strict=True)
    ]
    asked = {key: candidates[key] for crowd in crowds for key in crowd}
    held = _load(worker, subject, every_text, asked, objects)
    places = {key: position for position, key in enumerate(asked)}
    chosen = [sorted(places[key] for key in crowd) for crowd in crowds]
    common = common_bindings(subject)
    every = list(asked.values())
    for start in range(0, len(every), _BATCH):
        batch = every[start : start + _BATCH]
        seen = [Seen(held.get(c.key), bindings_of(subject, c)) for c in batch]
        sitting = _Sitting(worker, common, seen, batch)
        for number, (errand, positions) in enumerate(zip(errands, chosen, strict=True)):
            inside = slice(bisect_left(positions, start), bisect_left(positions, start + _BATCH))
            sitting.add(number, errand, tuple(p - start for p in positions[inside]))
        for number, judged in sitting.judge():
            others = crowds[number][judged.candidate.key][1:]
            alike = tuple(candidates[key] for key in others)
            yield number, replace(judged, alike=alike) if alike else judged


def _distinct(errands: Iterable[Errand]) -> dict[Key, Candidate]:
    """Return all candidates; of one with and without its change, which adds to it, the former."""
    found: dict[Key, Candidate] = {}
    for errand in errands:
        for candidate in errand.candidates:
            key = candidate.key
            if candidate.change is not None or key not in found:
                found[key] = candidate
    return found


def _alike(
    errand: Errand, fields: frozenset[Route] | None, subject: Subject, objects: Mapping[Key, Any]
) -> dict[Key, list[Key]]:
    """Return the candidates to ask about, each with all of which the errand's rules see the same.

    Many documents have the same labels, say: a rule that reads nothing else is asked once.
    """
    found: dict[Any, list[Key]] = {}
    for candidate in errand.candidates:
        key = candidate.key
        same: Any = key
        if fields is not None and candidate.change is None and candidate.has_object:
            document = candidate.document
            placed = subject.placed(document.address) if document else None
            same = marshal.dumps(trimmed(objects[key], fields), _PLAIN), placed
        found.setdefault(same, []).append(key)
    return {keys[0]: keys for keys in found.values()}


def _load(
    worker: Worker,
    subject: Subject,
    texts: Iterable[str],
    asked: Mapping[Key, Candidate],
    objects: Mapping[Key, Any],
) -> dict[Key, int]:
    """Give the worker what is to be judged; return where each candidate's object stands."""
    snapshot = subject.snapshot
    whole = any(reads(text, SNAPSHOT) for text in texts)
    documents = list(snapshot.documents.values()) if whole else []
    places = {Candidate(str(d.address), d).key: place for place, d in enumerate(documents)}
    others = [key for key, c in asked.items() if c.has_object and key not in places]
    places |= {key: place for place, key in enumerate(others, len(documents))}
    worker.load(
        [document.value for document in documents],
        ((str(use.source), str(use.target)) for use in snapshot.references) if whole else (),
        [objects[key] for key in others],
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
