"""What judges are given: a snapshot, where its documents stand, what changed, and for where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from chimera.context import Context
from chimera.kinds.fields import Model
from chimera.kinds.memo import Memo, NoMemo
from chimera.kinds.selectors import PathSelector, Selector
from chimera.kinds.snapshot import Snapshot
from chimera.kinds.validation import validate_model
from chimera.model import (
    Action,
    Actor,
    Address,
    Change,
    PathSet,
    Place,
    Placement,
    Target,
    is_dormant,
)

S = TypeVar("S", bound=Model)


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What judges may know of the environment that a plan is for."""

    name: str
    protected: bool


@dataclass(frozen=True)
class Subject:
    """One judgement's complete input; equal subjects get equal verdicts.

    `changes` is `None` where nothing was compared (a plain `check`), so that rules about changes
    are inapplicable rather than satisfied. `before` holds what the documents' authors had written
    in what the snapshot is compared with.
    """

    snapshot: Snapshot
    placements: Mapping[Address, tuple[Placement, ...]]
    environment: EnvironmentFacts
    actor: Actor
    now: datetime
    changes: tuple[Change, ...] | None = None
    before: Mapping[Address, Mapping[str, Any]] = field(default_factory=dict)
    former_paths: Mapping[Address, str] = field(default_factory=dict)
    """The files in which those documents stood."""
    former_placements: Mapping[Address, tuple[Placement, ...]] = field(default_factory=dict)
    """Where today's documents would stand by the contracts that this change edits or deletes."""
    former: Snapshot | None = None
    """What is compared with, where that is a tree and not a state that was applied."""
    context: Context = field(default_factory=Context.system, compare=False, repr=False)
    """Runs what judging needs; `now` and `actor` above are what verdicts may depend on."""
    signers: Mapping[str, Address] = field(default_factory=dict)
    """In a protected environment: the person who signed what becomes of a target, by its text."""
    memo: Memo = field(default_factory=NoMemo, compare=False, repr=False)
    """Keeps answers between runs; no verdict depends on what it holds."""

    def acting(self, target: Target) -> Actor:
        """Return who acts on a target: the person who signed it, else whoever runs this."""
        signer = self.signers.get(str(target))
        return self.actor if signer is None else Actor(str(signer), "human")

    def placed(self, address: Address) -> tuple[Placement, ...]:
        """Return where a document stands, one placement a contract."""
        return self.placements.get(address, ()) if self.placements else ()

    def selects(self, selector: Selector, change: Change) -> bool:
        """Tell whether a selector means a change, by what its target is or by what it was.

        Both sides count, so that a change cannot escape what it owes by editing a label, moving to
        another layer or deleting the document.
        """
        if isinstance(change.target, PathSet):
            paths = selector.paths if isinstance(selector, PathSelector) else ()
            return bool(paths) and PathSet.of(paths) == change.target
        if isinstance(selector, PathSelector) and not selector.names_documents and selector.paths:
            return False
        document = self.snapshot.get(change.target)
        former = self.former_placements.get(change.target, ())
        standing = (*self.placed(change.target), *former)
        is_now = document is not None and selector.selects(document, standing)
        return is_now or self._selected_before(selector, change.target)

    def binding(self, spec: type[S]) -> Iterator[tuple[Address, S]]:
        """Yield the documents of a model that bind this subject, as they are and as they were.

        One in a dormant layer binds nothing. One that the changes edit or delete binds them as it
        was, too, wherever it can be read: nothing loosens its own conditions.
        """
        for document in self.snapshot.of_model(spec):
            if not is_dormant(self.placed(document.address)):
                yield document.address, document.spec
        kind = self.snapshot.registry.of_model(spec).name
        for change in self.changes or ():
            target = change.target
            if change.action not in {Action.UPDATE, Action.DELETE} or target not in self.before:
                continue
            if isinstance(target, Address) and target.kind == kind:
                written = self.before[target].get("spec")
                former, _ = validate_model(spec, written, Place("before"), str(target))
                if former is not None:
                    yield target, former

    def _selected_before(self, selector: Selector, address: Address) -> bool:
        """Judge what the author had written; where it asserted no layer of a contract, any counts.

        What the contract admitted then is not known: the document may have moved, or the contract.
        """
        if address not in self.before:
            return False
        metadata = self.before[address].get("metadata", {})
        layers = set(metadata.get("layers", ()))
        contracts = {layer.partition("/")[0] for layer in layers}
        return (
            (not selector.kinds or address.kind in selector.kinds)
            and (
                not selector.layers
                or any(n in layers or n.partition("/")[0] not in contracts for n in selector.layers)
            )
            and selector.labels.items() <= metadata.get("labels", {}).items()
        )
