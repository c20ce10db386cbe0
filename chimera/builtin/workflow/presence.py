"""Presence: which stages may be skipped, and which of them surely ran when another one does.

Owns what can be told from the text of predicates: a stage runs only where each term of its `when`
holds, so one with the same terms, or with a test of an output, implies another. Refuses to guess
more than that: whoever knows better writes a default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from chimera.builtin.workflow.kinds import StageSpec, WorkflowSpec
from chimera.builtin.workflow.order import Order

_OPAQUE = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
_SPLIT = re.compile(rf"{_OPAQUE}|(?P<open>[(\[{{])|(?P<close>[)\]}}])|(?P<op>&&|\|\||\?)")
_TEST = re.compile(
    r"(?:has\(\s*(?P<has>[a-z][a-z0-9-]*)\s*\.[^()]*\)"
    r"|(?P<left>[a-z][a-z0-9-]*)(?:\s*\.\s*\w+)*\s*!=\s*null"
    r"|null\s*!=\s*(?P<right>[a-z][a-z0-9-]*)(?:\s*\.\s*\w+)*)"
)


class Presence:
    """Which stages of a workflow may be skipped, by their positions."""

    def __init__(self, spec: WorkflowSpec, order: Order) -> None:
        self._position = {stage.id: n for n, stage in reversed(list(enumerate(spec.stages)))}
        self._terms = [terms(stage.when) for stage in spec.stages]
        self._may_be_skipped: dict[int, int] = {}
        """The bit of each stage that may be."""
        self._implied: dict[int, int] = {}
        """Of each stage, the bits of those that ran if it did."""
        if spec.mode == "conditional" or any(self._terms):
            self._work_out(spec.stages, order, follows=spec.mode == "conditional")

    def may_be_skipped(self, stage: int) -> bool:
        """Tell whether a stage may be skipped in a run that succeeds."""
        return stage in self._may_be_skipped

    def may_miss(self, stage: int, asking: int | None) -> bool:
        """Tell whether a stage may have been skipped when `asking` runs, or when the run ends."""
        bit = self._may_be_skipped.get(stage)
        if bit is None:
            return False
        return asking is None or not self._implied.get(asking, 0) & bit

    def _work_out(self, stages: Sequence[StageSpec], order: Order, *, follows: bool) -> None:
        alike: dict[frozenset[str], int] = {}
        for stage in order.started:
            needs = order.needs[stage] if follows else ()
            is_carried = bool(needs) and all(need in self._may_be_skipped for need in needs)
            implied = self._in_common(needs) if needs else 0
            for key in self._keys(stage):
                implied |= alike.get(key, 0)
            implied |= self._tested(self._terms[stage])
            if self._terms[stage] or is_carried:
                bit = 1 << len(self._may_be_skipped)
                self._may_be_skipped[stage] = bit
                implied |= bit
                if self._terms[stage] and not is_carried:
                    key = frozenset(self._terms[stage])
                    alike[key] = alike.get(key, 0) | implied
            if implied:
                self._implied[stage] = implied

    def _keys(self, stage: int) -> Iterable[frozenset[str]]:
        """Yield the predicates under which another stage surely ran as well."""
        own = self._terms[stage]
        yield from (frozenset((term,)) for term in own)
        if len(own) > 1:
            yield frozenset(own)

    def _in_common(self, needs: Iterable[int]) -> int:
        """Return what all of these imply: one of them ran, and it is not known which."""
        found = -1
        for need in needs:
            found &= self._implied.get(need, 0)
        return found

    def _tested(self, own: Iterable[str]) -> int:
        found = 0
        for term in own:
            match = _TEST.fullmatch(term)
            name = match and (match["has"] or match["left"] or match["right"])
            if name and name in self._position:
                found |= self._implied.get(self._position[name], 0)
        return found


def terms(predicate: str | None) -> tuple[str, ...]:
    """Cut a predicate into the terms all of which must hold, their blanks made one."""
    if predicate is None:
        return ()
    found, depth, start = [], 0, 0
    for match in _SPLIT.finditer(predicate):
        if match["open"]:
            depth += 1
        elif match["close"]:
            depth -= 1
        elif match["op"] and depth == 0:
            if match["op"] != "&&":
                return (" ".join(predicate.split()),)
            found.append(predicate[start : match.start()])
            start = match.end()
    found.append(predicate[start:])
    return tuple(" ".join(term.split()) for term in found)
