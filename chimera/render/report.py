"""What a command has to say, once: SARIF, JUnit, annotations and Markdown all render from this.

Owns which diagnostics, verdicts and changes a result brings. Refuses to know how any format looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, TypeVar, cast

from chimera.model import (
    Address,
    Change,
    Diagnostic,
    Finding,
    Outcome,
    Severity,
    Span,
    Touch,
    Verdict,
)
from chimera.plan import Plan, PlanItem, RecordDraft

T = TypeVar("T")
WORST_FIRST = tuple(Severity)
_OWED = ("proof ", "evidence ", "approval ")


OWED_ELSEWHERE = "which is unprotected: --env NAME says what a protected environment asks for"


def is_owed_elsewhere(plan: Plan, touches: Iterable[Touch]) -> bool:
    """Tell whether a gate, proof or layer asks for something that only a protected one owes."""
    if plan.protected or plan.obligations:
        return False
    return any(ask.startswith(_OWED) for touch in touches for ask in touch.asks)


@dataclass(frozen=True)
class Changes:
    """What changes, which gates, proofs, policies and layers that touches, and who leans on it.

    `compared` says with what, in words; `by_layer` holds what differs by the layers that it is in.
    """

    plan: Plan
    compared: str
    by_layer: Mapping[tuple[str, ...], tuple[PlanItem, ...]]
    cosmetic: tuple[Change, ...] = ()
    touches: tuple[Touch, ...] = ()
    affected: Mapping[Address, tuple[Address, ...]] = field(default_factory=dict)
    drafts: tuple[RecordDraft, ...] = ()


@dataclass(frozen=True)
class Report:
    """The result of one command, for every format.

    `diagnostics` are located, in order, and include those that the verdicts carry. `notes` say what
    was looked at. `list_files` names the files whose documents were judged, which may be many;
    `places` holds the files of those that verdicts without a place are about.
    """

    command: str
    outcome: Outcome
    diagnostics: tuple[Diagnostic, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    changes: Changes | None = None
    notes: tuple[str, ...] = ()
    list_files: Callable[[], tuple[str, ...]] = tuple
    places: Mapping[str, str] = field(default_factory=dict)
    exit_code: int = 0
    version: str = "unknown"

    @cached_property
    def worst_first(self) -> tuple[Diagnostic, ...]:
        """The diagnostics, errors before warnings before what is merely noted."""
        return tuple(sorted(self.diagnostics, key=lambda d: WORST_FIRST.index(d.severity)))

    @cached_property
    def unexplained(self) -> tuple[Verdict, ...]:
        """The failures for which no diagnostic stands."""
        return tuple(verdict for verdict in self.verdicts if verdict.is_unexplained)

    @cached_property
    def idle(self) -> tuple[Verdict, ...]:
        """The verdicts that were not exercised: inapplicable, or with nothing to judge."""
        return tuple(v for v in self.verdicts if v.finding is Finding.NOT_EXERCISED)

    @cached_property
    def waived(self) -> tuple[Verdict, ...]:
        """The verdicts that pass by a waiver alone."""
        return tuple(verdict for verdict in self.verdicts if verdict.waiver is not None)

    @cached_property
    def findings(self) -> dict[Finding, int]:
        """How many subjects were judged each way."""
        found: Counter[Finding] = Counter()
        for verdict in self.verdicts:
            found[verdict.finding] += verdict.count
        return {finding: found[finding] for finding in Finding}

    @cached_property
    def severities(self) -> dict[Severity, int]:
        """How many diagnostics there are of each severity; an unexplained failure is an error."""
        found = Counter(diagnostic.severity for diagnostic in self.diagnostics)
        found[Severity.ERROR] += len(self.unexplained)
        return {severity: found[severity] for severity in WORST_FIRST}

    @cached_property
    def owed(self) -> int:
        """How many things are owed yet, however many changes owe each.

        What was weighed by a gate is told by its verdicts, and none of it is owed any more.
        """
        if self.changes is None or self.command not in {"check", "plan"}:
            return 0
        return len({(o.kind, o.subject, o.detail) for o in self.changes.plan.obligations})

    @cached_property
    def changed(self) -> frozenset[str] | None:
        """The paths that differ from what was compared with; `None` where nothing was."""
        if self.changes is None:
            return None
        items = (item for found in self.changes.by_layer.values() for item in found)
        changes = (*(item.change for item in items), *self.changes.cosmetic)
        return frozenset(path for change in changes for path in change.paths)

    def span_of(self, subject: str) -> Span | None:
        """Return where the document called `subject` stands, if it is one that was read."""
        path = self.places.get(subject.partition("#")[0])
        return Span(path) if path is not None else None

    def masked(self, mask: Callable[[str], str]) -> Report:
        """Return the report with every secret in it masked."""
        texts: list[str] = []

        def remember(text: str) -> str:
            texts.append(text)
            return text

        _each(self, remember)
        whole = "\n".join((*texts, ""))  # one look at all of it: most reports hold no secret
        masked = self if mask(whole) == whole else _each(self, mask)
        return replace(masked, list_files=lambda: tuple(map(mask, self.list_files())))


def _each(value: T, change: Callable[[str], str]) -> T:
    """Return a value made of plain values with every text in it changed."""
    changed: Any = value
    if isinstance(value, str):
        changed = change(value)
    elif isinstance(value, tuple):
        changed = tuple(_each(item, change) for item in value)
    elif isinstance(value, Mapping):
        changed = {_each(key, change): _each(item, change) for key, item in value.items()}
    elif is_dataclass(value) and not isinstance(value, type):
        own = {f.name: getattr(value, f.name) for f in fields(value)}
        new = {name: _each(item, change) for name, item in own.items()}
        different = {name: item for name, item in new.items() if item != own[name]}
        changed = replace(cast("Any", value), **different) if different else value
    return cast("T", changed)
