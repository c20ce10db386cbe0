"""The parts that a judging is done in, so that of one that did not change the answers are known.

A part is a shard of the snapshot, or all of it, with the rules that depend on no more than that.
What depends on a change is judged anew where something changes, and what depends on the time
always.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chimera.kinds import NoMemo, Shard, Snapshot, Subject
from chimera.model import Address, Digest, digest_json
from chimera.policy.candidates import (
    SNAPSHOT,
    Candidate,
    Selection,
    changes_of,
    documents_of,
    foreign_candidate,
    gone,
)
from chimera.policy.foreign import ForeignDocument
from chimera.policy.reading import Reach, reads
from chimera.policy.rulebook import Rulebook
from chimera.policy.sitting import Errand, run_errands
from chimera.policy.tally import Tally, tally_from_json
from chimera.policy.worker import Worker, cel_version

_FORMAT = "policy-part/1"
_CROWD = 1_000
"""Candidates that are given to the worker at once, where rules ask for nothing but them."""


@dataclass(frozen=True, slots=True)
class Part:
    """What the rules of one reach judge together: a shard but for what is `left_out`.

    Without a key nothing of it is remembered.
    """

    reach: Reach
    shard: Shard
    left_out: frozenset[Address]
    key: Digest | None

    @property
    def addresses(self) -> Sequence[Address]:
        """The documents that are judged."""
        addresses = self.shard.addresses
        return [a for a in addresses if a not in self.left_out] if self.left_out else addresses


def judge_parts(
    worker: Worker, books: Sequence[Rulebook], subject: Subject, foreign: Sequence[ForeignDocument]
) -> Tally:
    """Return what all rules say of all candidates, asking the worker for what is not known."""
    told = Tally()
    crowd, rest = _Crowd(worker, subject), _Crowd(worker, subject)
    for part in _parts(books, subject):
        known = tally_from_json(subject.memo.get(part.key), books, subject) if part.key else None
        if known is not None:
            told.update(known)
            continue
        gathered = rest if part.reach.whole else crowd
        gathered.add(part.key, _errands(part, books, subject))
        if crowd.size >= _CROWD:
            told.update(crowd.judge())
    told.update(crowd.judge())
    rest.add(None, _loose_errands(books, subject, foreign))
    told.update(rest.judge())
    return told


class _Crowd:
    """Errands that are run together, and where their tallies are remembered."""

    def __init__(self, worker: Worker, subject: Subject) -> None:
        self._worker = worker
        self._subject = subject
        self._errands: list[tuple[Errand, Tally]] = []
        self._tallies: list[tuple[Digest | None, Tally]] = []
        self.size = 0

    def add(self, key: Digest | None, errands: Iterable[Errand]) -> None:
        """Gather what is tallied together."""
        tally = Tally()
        self._tallies.append((key, tally))
        for errand in errands:
            self._errands.append((errand, tally))
            self.size += len(errand.candidates)

    def judge(self) -> Tally:
        """Run what was gathered, and remember what is certain."""
        errands, tallies = self._errands, self._tallies
        self._errands, self._tallies, self.size = [], [], 0
        told = Tally()
        run = run_errands(self._worker, self._subject, [errand for errand, _ in errands])
        for number, judged in run:
            errands[number][1].add(judged)
        for key, tally in tallies:
            if key is not None and tally.is_certain:
                self._subject.memo.put(key, tally.to_json())
            told.update(tally)
        return told


def _parts(books: Sequence[Rulebook], subject: Subject) -> Iterator[Part]:
    """Yield the documents as they stand: in parts, without those that change where that matters."""
    keys = None if isinstance(subject.memo, NoMemo) else _Keys(books, subject)
    changed = frozenset(a for a in changes_of(subject) if isinstance(a, Address))
    for reach in sorted({reach for book in books for reach in book.reaches if not reach.timely}):
        for shard in _shards(reach, subject.snapshot, keyed=keys is not None):
            left_out = changed.intersection(shard.addresses) if reach.changing else frozenset()
            key = keys.key(reach, shard, left_out) if keys else None
            yield Part(reach, shard, left_out, key)


def _shards(reach: Reach, snapshot: Snapshot, *, keyed: bool) -> Sequence[Shard]:
    """Return the shards, or all of them as one; what has no key costs no digest."""
    if not reach.whole:
        return snapshot.shards
    key = digest_json([shard.key for shard in snapshot.shards]) if keyed else ""
    return [Shard(key, tuple(snapshot.documents))]


class _Keys:
    """The keys under which parts are remembered: digests of everything that answers depend on."""

    def __init__(self, books: Sequence[Rulebook], subject: Subject) -> None:
        self._subject = subject
        policies = [[str(book.policy.address), book.policy.digest] for book in books]
        environment = subject.environment
        self._base = digest_json(
            [_FORMAT, cel_version(), policies, environment.name, environment.protected]
        )
        self._layers_matter = any(_asks_for_layers(book) for book in books)

    def key(self, reach: Reach, shard: Shard, left_out: Collection[Address]) -> Digest:
        """Return the key of the documents of a shard that are not left out."""
        without = [str(address) for address in sorted(left_out)]
        layers = self._layers(shard) if self._layers_matter else []
        return digest_json([self._base, reach.whole, reach.changing, shard.key, without, layers])

    def _layers(self, shard: Shard) -> list[Any]:
        return [
            [str(address), [[p.layer, p.dormant] for p in placements]]
            for address in shard.addresses
            if (placements := self._subject.placed(address))
        ]


def _asks_for_layers(book: Rulebook) -> bool:
    texts = map(book.text_of, range(len(book.rules)))
    return bool(book.policy.spec.match.layers) or any(reads(text, "layer") for text in texts)


def _errands(part: Part, books: Sequence[Rulebook], subject: Subject) -> Iterator[Errand]:
    """Yield what there is to do for one part."""
    documents = subject.snapshot.documents
    by_kind: dict[str, list[Candidate]] = {}
    for address in part.addresses:
        standing = Candidate(str(address), documents[address])
        by_kind.setdefault(address.kind, []).append(standing)
    for book in books:
        if rules := book.rules_with(part.reach):
            match = book.policy.spec.match
            kinds = dict.fromkeys(match.kinds or by_kind)
            found = (candidate for kind in kinds for candidate in by_kind.get(kind, ()))
            yield _errand(book, rules, subject, [SNAPSHOT] if match.snapshot else found)


def _loose_errands(
    books: Sequence[Rulebook], subject: Subject, foreign: Sequence[ForeignDocument]
) -> Iterator[Errand]:
    """Yield what there is to do besides the parts.

    For rules about the time all candidates; for the others what changes, and foreign documents.
    """
    documents = subject.snapshot.documents
    changed = sorted(a for a in changes_of(subject) if isinstance(a, Address) and a in documents)
    besides = (*map(foreign_candidate, foreign), *gone(subject))
    others = (*documents_of(subject, changed), *besides)
    for book in books:
        rules = range(len(book.rules))
        timely = tuple(rule for rule in rules if book.reaches[rule].timely)
        changing = tuple(r for r in rules if book.reaches[r].changing and r not in timely)
        plain = tuple(rule for rule in rules if rule not in {*timely, *changing})
        if timely:
            yield _errand(book, timely, subject, (*_standing(book, subject), SNAPSHOT, *besides))
        yield _errand(book, changing, subject, others)
        selection = Selection(book.policy.spec.match, subject)
        yield _errand(book, plain, subject, (c for c in others if not selection.means_as_is(c)))


def _standing(book: Rulebook, subject: Subject) -> Iterator[Candidate]:
    """Yield the documents that a policy can be about, with what changes in them."""
    kinds, snapshot = book.policy.spec.match.kinds, subject.snapshot
    known = [d.address for d in snapshot.of_kinds(set(kinds))] if kinds else snapshot.documents
    return documents_of(subject, known)


def _errand(
    book: Rulebook, rules: tuple[int, ...], subject: Subject, candidates: Iterable[Candidate]
) -> Errand:
    selection = Selection(book.policy.spec.match, subject)
    chosen = tuple(c for c in candidates if selection.means(c)) if rules else ()
    return Errand(book, rules, chosen)
