"""A repository of documents whose kinds nobody has written: the tests define them themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest

from chimera.contract import PROHIBITIONS, Placing, judge, owed, place
from chimera.contract.plugin import chimera_register_kinds
from chimera.documents import dump, locate, open_work_tree
from chimera.kinds import (
    AddressText,
    Answer,
    Duration,
    EnvironmentFacts,
    Expression,
    Field,
    Items,
    Kind,
    LayerRef,
    Model,
    Plays,
    Reference,
    Registry,
    Role,
    Snapshot,
    Subject,
    Text,
    TriggerName,
    load_snapshot,
    read_source,
)
from chimera.model import Actor, Change, Diagnostic, Obligation, Verdict

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ADA = Actor("ada", "human")


class ThingSpec(Model):
    """A kind that can do everything that a layer may forbid."""

    trigger: TriggerName | None = Field(default=None, description="What starts it.")
    background: Annotated[bool, Plays(Role.BACKGROUND)] = Field(
        default=False, description="Whether it outlives its command."
    )
    review: Annotated[Duration, Plays(Role.CADENCE)] | None = Field(
        default=None, description="How often it is looked at."
    )
    denies: Annotated[bool, Plays(Role.DENIES)] = Field(
        default=False, description="Whether it refuses changes."
    )
    action: Annotated[str, Plays(Role.DENIES)] = Field(
        default="audit", description="What it does about a change that it is against."
    )
    auto_approves: Annotated[bool, Plays(Role.AUTO_APPROVES)] = Field(
        default=False, description="Whether approvals count without a person."
    )
    writes: Items[Annotated[Text, Plays(Role.WRITES)]] = Field(
        default=(), description="What it writes."
    )
    owner: Annotated[str, Plays(Role.OWNER)] | None = Field(
        default=None, description="Who answers for it."
    )
    participants: Items[Annotated[Text, Plays(Role.PARTICIPANT)]] = Field(
        default=(), description="Who must take part."
    )
    threshold: Annotated[int, Plays(Role.INTERPRETS)] | None = Field(
        default=None, description="A score that is read into a result."
    )
    refers: Items[Annotated[AddressText, Reference()]] = Field(
        default=(), description="Documents that it names."
    )
    cites: Items[Annotated[AddressText, Reference(cites=True)]] = Field(
        default=(), description="Documents that it only speaks of."
    )
    inputs: dict[str, Any] = Field(default_factory=dict, description="Values of any type.")
    about: LayerRef | None = Field(default=None, description="A layer that it names.")
    owes: Items[Annotated[str, Plays(Role.OWES)]] = Field(
        default=(), description="Kinds of records that it asks for."
    )
    needs: Annotated[AddressText, Reference(), Plays(Role.OWES)] | None = Field(
        default=None, description="A document that it asks for."
    )
    decides: Annotated[AddressText, Reference(), Plays(Role.DECIDES)] | None = Field(
        default=None, description="A document that it chooses by."
    )
    condition: Annotated[str, Expression()] | None = Field(
        default=None, description="An expression that it chooses by."
    )


class RecordSpec(Model):
    """A record, as other rooms write theirs: it answers, activates, or says what was found."""

    answers: Items[Answer] = Field(default=(), description="Changes that it is about.")
    activates: LayerRef | None = Field(default=None, description="Layer that it activates.")
    owner: Annotated[str, Plays(Role.OWNER)] | None = Field(
        default=None, description="Who answered for it."
    )
    needs: Annotated[AddressText, Reference(), Plays(Role.OWES)] | None = Field(
        default=None, description="A document that it asked for."
    )
    proof: Annotated[AddressText, Reference("Proof")] | None = Field(
        default=None, description="Proof that was run."
    )
    verdict: str | None = Field(default=None, description="What it found.")
    at: str = Field(default="", description="When it was found.")
    refers: Items[Annotated[AddressText, Reference()]] = Field(
        default=(), description="Documents that it names."
    )


KINDS = (
    *chimera_register_kinds(),
    Kind("Thing", ThingSpec, "Anything.", room="things"),
    Kind("Machine", ThingSpec, "Anything that is executed.", executable=True, room="machines"),
    Kind("Served", ThingSpec, "Anything with a command.", room="served"),
    *(Kind(name, ThingSpec, name, room="others") for name in ("Policy", "Gate", "Guard", "Proof")),
    Kind("Claim", RecordSpec, "What reads like a record and is none.", room="others"),
    *(
        Kind(name, RecordSpec, name, record=True, room="others")
        for name in ("Decision", "ChangelogEntry", "ReleaseProof", "Record")
    ),
)

REGISTRY = Registry(
    {kind.name: kind for kind in KINDS},
    {word.word: word for word in PROHIBITIONS},
    operations={"spin": object()},
    commands={"serve": "served.commands:serve"},
    rooms={"serve": "served", "spin": "spinning"},
)


def document(kind: str, name: str, spec: Mapping[str, Any], *layers: str) -> dict[str, Any]:
    """Return a document; one file is made of it."""
    metadata: dict[str, Any] = {"name": name}
    if layers:
        metadata["layers"] = list(layers)
    return {
        "apiVersion": "chimera/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": dict(spec),
    }


def thing(name: str, *layers: str, kind: str = "Thing", **spec: Any) -> dict[str, Any]:
    """Return a document of a kind that nobody has written."""
    return document(kind, name, spec, *layers)


def layer(id: str, status: str = "active", **fields: Any) -> dict[str, Any]:
    """Return a layer that allows everything, but for `fields`."""
    allowing = {"trigger": "automatic", "mode": "enforcing"} if status == "active" else {}
    return {"id": id, "name": id, "status": status, "purpose": "a test", **allowing, **fields}


def contract(*layers: dict[str, Any], name: str = "ops", **fields: Any) -> dict[str, Any]:
    """Return a contract of `layers`."""
    return document("LayerContract", name, {"purpose": "a test", "layers": list(layers), **fields})


@dataclass
class Repository:
    """A folder of documents, and what judging it finds."""

    root: Path
    registry: Registry = REGISTRY
    actor: Actor = ADA
    protected: bool = False
    changes: tuple[Change, ...] | None = None
    before: dict[Any, Mapping[str, Any]] = field(default_factory=dict)
    former_paths: dict[Any, str] = field(default_factory=dict)

    def write(self, *documents: Mapping[str, Any]) -> Repository:
        """Write each document to `specs/<kind>-<name>.yaml`, and policies to `policies/`."""
        for value in documents:
            folder = "policies" if value["kind"] == "Policy" else "specs"
            path = self.root / folder / f"{value['kind'].lower()}-{value['metadata']['name']}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(dump(dict(value)))
        return self

    def snapshot(self) -> Snapshot:
        """Load what was written; it must be valid."""
        loaded = load_snapshot(read_source(open_work_tree(self.root)), self.registry)
        assert not loaded.diagnostics
        return loaded.snapshot

    def placing(self) -> Placing:
        return place(self.snapshot())

    def subject(self) -> Subject:
        snapshot = self.snapshot()
        facts = EnvironmentFacts("production" if self.protected else "local", self.protected)
        return Subject(
            snapshot,
            place(snapshot).placements,
            facts,
            self.actor,
            NOW,
            self.changes,
            self.before,
            self.former_paths,
        )

    def verdicts(self) -> list[Verdict]:
        subject = self.subject()
        return judge(subject, subject.snapshot.registry.prohibitions)

    def owed(self) -> list[Obligation]:
        return list(owed(self.subject()))

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return all that placing and judging find, located."""
        subject = self.subject()
        found = [fault for verdict in self.verdicts() for fault in verdict.diagnostics]
        return locate((*place(subject.snapshot).diagnostics, *found), subject.snapshot.tree)

    def rules(self) -> set[str]:
        """Return the ids of the rules that fire."""
        return {diagnostic.rule for diagnostic in self.diagnostics()}

    def only(self, rule: str) -> Diagnostic:
        """Return the one diagnostic of a rule."""
        (found,) = (d for d in self.diagnostics() if d.rule == rule)
        return found

    def line(self, diagnostic: Diagnostic) -> str:
        """Return the text of the line that a diagnostic stands at."""
        return self._text(diagnostic.span)

    def cited(self, diagnostic: Diagnostic) -> str:
        """Return the text of the line that a diagnostic cites."""
        return self._text(diagnostic.related[0].where)

    def _text(self, span: Any) -> str:
        return (self.root / span.path).read_text().splitlines()[span.line - 1].strip()

    def with_plugins(self, **fields: Any) -> Repository:
        """Return the repository under another registry."""
        return replace(self, registry=replace(self.registry, **fields))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return an empty repository."""
    return Repository(tmp_path)


@pytest.fixture(scope="session")
def build() -> SimpleNamespace:
    """Return the builders of documents, for tests that cannot import this file."""
    return SimpleNamespace(contract=contract, document=document, layer=layer, thing=thing)
