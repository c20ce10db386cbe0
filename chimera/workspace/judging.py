"""From a loaded snapshot to a judgement: placements, verdicts, located diagnostics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from chimera.context import Context
from chimera.contract import place
from chimera.documents import Contents, RawDocument, locate, locate_each
from chimera.gate import environments
from chimera.kinds import (
    Document,
    EnvironmentFacts,
    Loaded,
    Model,
    Registry,
    Snapshot,
    Subject,
    suggestion,
    validate,
)
from chimera.model import (
    Action,
    Actor,
    Address,
    Change,
    ChimeraError,
    Diagnostic,
    Finding,
    Placement,
    UsageError,
    Verdict,
)
from chimera.plugin import PluginManager, ask

_CONTRACT = "LayerContract"
ESSENTIAL_JUDGES = ("chimera.contract.plugin", "chimera.policy.plugin", "chimera.proof.plugin")


@dataclass(frozen=True)
class Judgement:
    """What judging one subject found; `diagnostics` are located, sorted and without repetition."""

    subject: Subject
    verdicts: tuple[Verdict, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def not_exercised(self) -> tuple[Verdict, ...]:
        """What judged nothing: policies about nothing here, rules that met nothing, bare claims."""
        return tuple(v for v in self.verdicts if v.finding is Finding.NOT_EXERCISED)


def facts_of(
    snapshot: Snapshot, environment: str, former: Snapshot | None = None
) -> EnvironmentFacts:
    """Return what judges may know of an environment; raises `UsageError` for an unknown one.

    One that was protected in the `former` snapshot is: no change unprotects itself.
    """
    known = environments(snapshot)
    if environment not in known:
        listed = f"there is: {', '.join(sorted(known))}; add an Environment document for another"
        raise UsageError(
            f"there is no environment {environment!r}",
            help=suggestion(environment, known, listed),
        )
    was_protected = former is not None and environments(former).get(environment, False)
    return EnvironmentFacts(environment, known[environment] or was_protected)


def judge(
    loaded: Loaded,
    plugins: PluginManager,
    context: Context,
    environment: EnvironmentFacts,
    *,
    changes: tuple[Change, ...] | None = None,
    before: Mapping[Address, Mapping[str, Any]] | None = None,
    former_paths: Mapping[Address, str] | None = None,
    former: Snapshot | None = None,
    signers: Mapping[str, Address] | None = None,
) -> Judgement:
    """Place every document, then let every judge speak.

    `former` is what the snapshot is compared with, where that is a tree. Where it is protected,
    automation acts, whoever runs this, but on what a person signed: `signers` says who, by target.
    """
    snapshot = loaded.snapshot
    placing = place(snapshot)
    subject = Subject(
        snapshot,
        placing.placements,
        environment,
        Actor(context.actor.name, "automation") if environment.protected else context.actor,
        context.clock.now(),
        changes,
        before or {},
        former_paths or {},
        _former_placements(snapshot, changes or (), before or {}),
        former,
        context,
        signers or {},
        snapshot.memo,
    )
    answers, silent = ask(plugins, "chimera_check_snapshot", ESSENTIAL_JUDGES, subject=subject)
    if silent:
        raise ChimeraError(
            "; ".join(reason for verdict in silent for reason in verdict.reasons),
            help="fix or remove the plugin: without its word nothing is judged",
        )
    answers += snapshot.verdicts
    snapshot.memo.flush()
    verdicts = sorted(answers, key=lambda v: (v.judge, v.subject, v.finding.value, v.reasons))
    diagnostics = (
        *loaded.diagnostics,
        *placing.diagnostics,
        *(diagnostic for verdict in verdicts for diagnostic in verdict.diagnostics),
    )
    return Judgement(subject, tuple(verdicts), locate(diagnostics, snapshot.tree))


def _former_placements(
    snapshot: Snapshot, changes: tuple[Change, ...], before: Mapping[Address, Mapping[str, Any]]
) -> Mapping[Address, tuple[Placement, ...]]:
    """Place today's documents by the contracts that this change edits or deletes, as they were.

    So that nothing moves documents out of a layer that a gate or proof selects by editing what the
    layer admits.
    """
    former = [
        document
        for change in changes
        if change.action in {Action.UPDATE, Action.DELETE}
        and isinstance(change.target, Address)
        and change.target.kind == _CONTRACT
        and change.target in before
        and (document := _as_it_was(before[change.target], snapshot.registry)) is not None
    ]
    if not former:
        return {}
    others = (d for d in snapshot.documents.values() if d.address.kind != _CONTRACT)
    return place(Snapshot.of(snapshot.tree, snapshot.registry, (*others, *former))).placements


def _as_it_was(value: Mapping[str, Any], registry: Registry) -> Document[Model] | None:
    return validate(RawDocument("", 0, dict(value)), registry)[0]


def located(verdicts: Sequence[Verdict], tree: Contents) -> tuple[Verdict, ...]:
    """Return verdicts whose diagnostics have lines and columns."""
    found = locate_each((fault for verdict in verdicts for fault in verdict.diagnostics), tree)
    return tuple(
        replace(v, diagnostics=tuple(islice(found, len(v.diagnostics)))) if v.diagnostics else v
        for v in verdicts
    )


def placements_of(snapshot: Snapshot) -> Mapping[Address, tuple[Placement, ...]]:
    """Return where the documents of a snapshot stand."""
    return place(snapshot).placements
