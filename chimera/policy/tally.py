"""What rules said, added up: which hold how often, and everything else one by one.

Can be written down and read back, so that it is not asked again; what could come out differently
another time is never written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chimera.kinds import Subject
from chimera.model import Address, PathSet
from chimera.policy.candidates import SNAPSHOT, Candidate
from chimera.policy.rulebook import Rulebook
from chimera.policy.sitting import Judged
from chimera.policy.worker import Answer

_HOLDS, _ABSENT, _BROKEN = "holds", "absent", "broken"


@dataclass
class Tally:
    """The answers of rules, by the names under which they judge."""

    holds: Counter[str] = field(default_factory=Counter)
    absent: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a rule asked for a name that was not there."""
    alone: dict[tuple[str, str], str] = field(default_factory=dict)
    """What the first rule to ask for such a name was about."""
    bare: list[Judged] = field(default_factory=list)
    """Where it was a change of governed paths that lacked the name, until that is settled."""
    found: list[Judged] = field(default_factory=list)
    """Where a rule is broken or erred."""

    def add(self, judged: Judged) -> None:
        """Count one answer, for each candidate that it is about."""
        if judged.holds:
            self.holds[judged.judge] += 1 + len(judged.alike)
            return
        for one in judged.each:
            if one.answer.absent is None:
                self.found.append(one)
            elif _is_of_paths(one.candidate):
                self.bare.append(one)
            else:
                self._lacks(one, one.answer.absent)

    def _lacks(self, judged: Judged, name: str) -> None:
        self.absent[judged.judge, name] += 1
        self.alone.setdefault((judged.judge, name), judged.candidate.subject)

    def settle(self, is_told: Callable[[Judged], bool]) -> None:
        """Count the changes of governed paths that lacked a name, save those told otherwise."""
        for judged in self.bare:
            if judged.answer.absent is not None and not is_told(judged):
                self._lacks(judged, judged.answer.absent)
        self.bare.clear()

    def update(self, other: Tally) -> None:
        """Add what another tally counted."""
        self.holds.update(other.holds)
        self.absent.update(other.absent)
        self.alone = other.alone | self.alone
        self.bare += other.bare
        self.found += other.found

    @property
    def is_certain(self) -> bool:
        """Whether nothing went wrong that need not happen again."""
        return all(judged.certain for judged in self.found)

    @property
    def judges(self) -> set[str]:
        """The names of the rules that judged anything."""
        return {*self.holds, *(judge for judge, _ in self.absent), *(j.judge for j in self.found)}

    def to_json(self) -> Any:
        """Return it as JSON; only for one that is certain."""
        return {
            _HOLDS: sorted(self.holds.items()),
            _ABSENT: sorted((*key, times, self.alone[key]) for key, times in self.absent.items()),
            _BROKEN: sorted((j.judge, j.candidate.subject, j.message) for j in self.found),
        }


def tally_from_json(value: Any, books: Iterable[Rulebook], subject: Subject) -> Tally | None:
    """Return the tally that was written down, `None` for anything that is none."""
    rules = {book.judge_name(n): (book, n) for book in books for n in range(len(book.rules))}
    try:
        tally = Tally(
            Counter({judge: int(times) for judge, times in value[_HOLDS]}),
            Counter({(judge, name): int(times) for judge, name, times, _ in value[_ABSENT]}),
            {(judge, name): str(first) for judge, name, _, first in value[_ABSENT]},
            found=[_broken(rules, subject, *entry) for entry in value[_BROKEN]],
        )
    except (KeyError, TypeError, ValueError):
        return None
    return tally if tally.judges <= rules.keys() else None


def _broken(
    rules: Mapping[str, tuple[Rulebook, int]], subject: Subject, judge: str, name: str, message: str
) -> Judged:
    book, number = rules[judge]
    if name == SNAPSHOT.subject:
        candidate = SNAPSHOT
    else:
        candidate = Candidate(name, subject.snapshot.documents[Address.parse(name)])
    return Judged(book, number, candidate, Answer(value=False), message)


def _is_of_paths(candidate: Candidate) -> bool:
    change = candidate.change
    return candidate.foreign is None and change is not None and isinstance(change.target, PathSet)
