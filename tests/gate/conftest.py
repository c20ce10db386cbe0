"""A folder of gates and guarded documents, and what the gate says of its changes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chimera.documents import open_work_tree
from chimera.gate import Ruling, Side, Weighing, weigh
from chimera.gate.obligations import owe
from chimera.kinds import (
    Answer,
    EnvironmentFacts,
    Field,
    Items,
    Kind,
    Model,
    Registry,
    Snapshot,
    Subject,
    load_snapshot,
    read_source,
)
from chimera.model import (
    Action,
    Actor,
    Address,
    Change,
    Finding,
    Obligation,
    PathSet,
    Placement,
    Verdict,
    digest_json,
)
from chimera.plan import Baseline, Plan, build_plan
from chimera.plugin import load_plugins

BEFORE, AFTER = digest_json("before"), digest_json("after")
THING = Address("Thing", "a")
SRC = PathSet.of(["src/**"])


class ThingSpec(Model):
    """Something that changes."""


class NoteSpec(Model):
    """A record."""

    answers: Items[Answer] = Field(default=(), description="What it is about.")


PLUGINS = load_plugins()
SHIPPED = Registry.collect(PLUGINS)
REGISTRY = Registry(
    {
        **SHIPPED.kinds,
        "Thing": Kind("Thing", ThingSpec, "A thing."),
        "Note": Kind("Note", NoteSpec, "A note.", record=True),
    }
)


def update(target: Any = THING, **edits: Any) -> Change:
    given = {"action": Action.UPDATE, "before": BEFORE, "after": AFTER, "reason": "r", **edits}
    return Change(target, **given)


class Team:
    """Documents on disk, judged by the gate in one environment."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.placements: dict[Address, tuple[Placement, ...]] = {}
        self.before: dict[Address, Mapping[str, Any]] = {}
        self.standing: dict[str, Finding] = {}

    def write(self, kind: str, name: str, spec: str = "{}", **metadata: str) -> None:
        file = self.root / "specs" / f"{kind}-{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        more = "".join(f", {key}: {value}" for key, value in metadata.items())
        head = f"apiVersion: chimera/v1\nkind: {kind}\nmetadata: {{name: {name}{more}}}\nspec:\n"
        file.write_text(head + textwrap.indent(textwrap.dedent(spec), "  ") + "\n", "utf-8")

    def gate(self, match: str = "{}", requires: str = "{records: [Note]}", **more: str) -> None:
        self.write("Gate", "g", f"match: {match}\nrequires: {requires}", **more)

    def snapshot(self) -> Snapshot:
        loaded = load_snapshot(read_source(open_work_tree(self.root)), REGISTRY)
        dangling = {"reference-dangling", "selector-kind-unknown"}
        assert [d for d in loaded.diagnostics if d.rule not in dangling] == []
        return loaded.snapshot

    def subject(self, *changes: Change, protected: bool = False, name: str = "local") -> Subject:
        return Subject(
            self.snapshot(),
            self.placements,
            EnvironmentFacts(name, protected),
            Actor("ann", "human"),
            datetime(2026, 11, 21, tzinfo=UTC),
            changes,
            self.before,
        )

    def owes(self, *changes: Change, **where: Any) -> list[tuple[str, str, str]]:
        found = owe(self.subject(*(changes or (update(),)), **where))
        return [(o.kind, o.subject, str(o.target)) for o in found]

    def plan(self, *changes: Change, **where: Any) -> tuple[Plan, Subject]:
        subject = self.subject(*(changes or (update(),)), **where)
        owed: list[Obligation] = list(owe(subject))
        base = Baseline("main", {})
        return build_plan(subject.environment, base, subject.changes or (), {}, owed), subject

    def weighing(self, *changes: Change, **where: Any) -> Weighing:
        plan, subject = self.plan(*changes, **where)
        here = Side("the work tree", subject.snapshot)
        trusted = (None, (), frozenset[tuple[str, str]](), subject.now, lambda change: ())
        return Weighing(plan, subject, (), (), self._standing, *trusted, (here,))

    def ruling(self, *changes: Change, **where: Any) -> Ruling:
        return weigh(self.weighing(*changes, **where), PLUGINS)

    def _standing(self, address: Address) -> Verdict:
        finding = self.standing.get(str(address), Finding.NOT_EXERCISED)
        return Verdict(str(address), str(address), finding, ("as it stands",))


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path)
    made.write("Thing", "a", labels="{tier: one}")
    return made
