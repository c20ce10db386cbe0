"""The parts that a judging is done in, so that of one that did not change the answers are known.

A part is a shard of the snapshot, or all of it, with the rules that depend on no more than that.
What depends on a change is judged anew where something changes, and what depends on the time
always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chimera.kinds import NoMemo, Shard, Subject
from chimera.model import Address, Digest, digest_json
from chimera.policy.candidates import (
    SNAPSHOT,
    Candidate,
    Selection,
    candidates_of,
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
from chimera.policy.worker import Worker

_FORMAT = "policy-part/1"


@dataclass(frozen=True, slots=True)
class Part:
    """What the rules of one reach judge together: a shard, or `None` for the whole snapshot.

    Documents that change are `left_out` where that matters; without a key nothing is remembered.
    """

    reach: Reach
    shard: Shard | None
    left_out: frozenset[Address] = frozenset()
    key: Digest | None = None

    def addresses(self, subject: Subject) -> Iterator[Address]:
        """Yield the addresses of its documents."""
        every = subject.snapshot.documents if self.shard is None else self.shard.addresses
        return (address for address in every if address not in self.left_out)


def judge_parts(
    worker: Worker, books: Sequence[Rulebook], subject: Subject, foreign: Sequence[ForeignDocument]
) -> Tally:
    """Return what all rules say of all candidates, asking the worker for what is not known."""
    told, new = Tally(), list[tuple[Digest, Tally]]()
    errands: list[tuple[Errand, Tally]] = []
    for part in _parts(books, subject):
        known = tally_from_json(subject.memo.get(part.key), books, subject) if part.key else None
        if known is not None:
            told.update(known)
            continue
        tally = Tally() if part.key else told
        errands += ((errand, tally) for errand in _errands(part, books, subject))
        new += [(part.key, tally)] if part.key else []
    errands += ((errand, told) for errand in _loose_errands(books, subject, foreign))
    for number, judged in run_errands(worker, subject, [errand for errand, _ in errands]):
        errands[number][1].add(judged)
    for key, tally in new:
        if tally.is_certain:
            subject.memo.put(key, tally.to_json())
        told.update(tally)
    return told


def _parts(books: Sequence[Rulebook], subject: Subject) -> Iterator[Part]:
    """Yield the documents as they stand: in parts, without those that change where that matters."""
    keys = None if isinstance(subject.memo, NoMemo) else _Keys(books, subject)
    changed = {target for target in changes_of(subject) if isinstance(target, Address)}
    for reach in sorted({reach for book in books for reach in book.reaches if not reach.timely}):
        whole = reach.whole or keys is None
        for shard in [None] if whole else subject.snapshot.shards:
            part = Part(
                reach, shard, _changed_in(shard, changed) if reach.changing else frozenset()
            )
            yield part if keys is None else replace(part, key=keys.key(part))


def _changed_in(shard: Shard | None, changed: set[Address]) -> frozenset[Address]:
    return frozenset(changed if shard is None else changed.intersection(shard.addresses))


class _Keys:
    """The keys under which parts are remembered: digests of everything that answers depend on."""

    def __init__(self, books: Sequence[Rulebook], subject: Subject) -> None:
        self._subject = subject
        policies = [[str(book.policy.address), book.policy.digest] for book in books]
        environment = subject.environment
        self._base = [_FORMAT, policies, environment.name, environment.protected]
        self._layers_matter = any(_asks_for_layers(book) for book in books)

    def key(self, part: Part) -> Digest:
        """Return the key of a part."""
        shards = self._subject.snapshot.shards if part.shard is None else [part.shard]
        reach = [part.reach.whole, part.reach.changing]
        left_out = sorted(map(str, part.left_out))
        layers = self._layers(part) if self._layers_matter else []
        return digest_json([*self._base, reach, [s.key for s in shards], left_out, layers])

    def _layers(self, part: Part) -> list[Any]:
        return [
            [str(address), [[p.layer, p.dormant] for p in placements]]
            for address in part.addresses(self._subject)
            if (placements := self._subject.placed(address))
        ]


def _asks_for_layers(book: Rulebook) -> bool:
    texts = map(book.text_of, range(len(book.rules)))
    return bool(book.policy.spec.match.layers) or any(reads(text, "layer") for text in texts)


def _errands(part: Part, books: Sequence[Rulebook], subject: Subject) -> Iterator[Errand]:
    """Yield what there is to do for one part."""
    documents = subject.snapshot.documents
    by_kind: dict[str, list[Candidate]] = {}
    for address in part.addresses(subject):
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
    changed = changes_of(subject)
    standing = [a for a in subject.snapshot.documents if a in changed] if changed else []
    others = (
        *documents_of(subject, standing),
        *map(foreign_candidate, foreign),
        *gone(subject),
    )
    timely = any(reach.timely for book in books for reach in book.reaches)
    every = candidates_of(subject, foreign) if timely else ()
    for book in books:
        rules = range(len(book.rules))
        at_once = tuple(rule for rule in rules if book.reaches[rule].timely)
        changing = tuple(rule for rule in rules if book.reaches[rule].changing)
        plain = tuple(rule for rule in rules if rule not in {*at_once, *changing})
        yield _errand(book, at_once, subject, every)
        yield _errand(book, tuple(r for r in changing if r not in at_once), subject, others)
        selection = Selection(book.policy.spec.match, subject)
        yield _errand(book, plain, subject, (c for c in others if not selection.means_as_is(c)))


def _errand(
    book: Rulebook, rules: tuple[int, ...], subject: Subject, candidates: Iterable[Candidate]
) -> Errand:
    selection = Selection(book.policy.spec.match, subject)
    chosen = tuple(c for c in candidates if selection.means(c)) if rules else ()
    return Errand(book, rules, chosen)
