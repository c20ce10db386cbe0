"""Proving: which proofs are run, which have evidence that fits, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chimera.kinds import Document, Loaded, Snapshot, suggestion
from chimera.model import (
    Address,
    Finding,
    GateError,
    Outcome,
    Placement,
    Result,
    UsageError,
    Verdict,
    has_errors,
    is_dormant,
)
from chimera.proof import EvidenceStore, ProofReport, ProofSpec, Standing, standing
from chimera.proof import prove as run_proofs
from chimera.workspace.judging import facts_of, judge
from chimera.workspace.recording import Recorder

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class ProveReport:
    """What was proven now, and what had been proven before and still stands; of which documents."""

    proven: tuple[ProofReport, ...]
    reused: tuple[Standing, ...]
    snapshot: Snapshot | None = None


def prove(
    workspace: Workspace, names: Sequence[str], *, environment: str, fresh: bool
) -> Result[ProveReport]:
    """Run the named proofs, or all; evidence that fits the content is used again unless `fresh`."""
    loaded = workspace.for_environment(environment)
    judgement = judge(
        loaded, workspace.plugins, workspace.context, facts_of(loaded.snapshot, environment)
    )
    if has_errors(judgement.diagnostics):
        return Result(ProveReport((), ()), Outcome.FAILED, judgement.diagnostics)
    selected = select(loaded, names, judgement.subject.placed)
    report = prove_documents(workspace, loaded.snapshot, selected, environment, fresh=fresh)
    outcomes = [r.outcome for r in report.proven] or [Outcome.PASSED]
    if not report.proven and not report.reused:
        outcomes = [Outcome.NOT_EXERCISED]
    return Result(report, Outcome.worst(outcomes), judgement.diagnostics)


def prove_change(
    workspace: Workspace, base: str, head: str | None, *, environment: str, fresh: bool
) -> Result[ProveReport]:
    """Run the proofs that a change of a Git ref owes, on what merging it would leave."""
    planned = workspace.compare(environment, base, head)
    diagnostics = planned.judgement.diagnostics
    if has_errors(diagnostics):
        return Result(ProveReport((), ()), Outcome.FAILED, diagnostics)
    snapshot = planned.judgement.subject.snapshot
    owed = {o.subject for o in planned.plan.obligations if o.kind == "proof"}
    proofs = [d for d in snapshot.of_model(ProofSpec) if str(d.address) in owed]
    report = prove_documents(workspace, snapshot, proofs, environment, fresh=fresh)
    outcomes = [r.outcome for r in report.proven]
    if len(proofs) < len(owed):
        outcomes.append(Outcome.NOT_EXERCISED)
    return Result(report, Outcome.worst(outcomes), diagnostics)


def select(
    loaded: Loaded, names: Sequence[str], placed: Callable[[Address], tuple[Placement, ...]]
) -> list[Document[ProofSpec]]:
    """Return the proofs that are named, or all that do not stand in a dormant layer."""
    proofs = {d.address: d for d in loaded.snapshot.of_model(ProofSpec)}
    if not names:
        return [d for a, d in proofs.items() if not is_dormant(placed(a))]
    wanted = [Address.parse(name if "/" in name else f"Proof/{name}") for name in names]
    for address in wanted:
        if address not in proofs:
            known = ", ".join(map(str, proofs)) or "none"
            raise UsageError(
                f"there is no {address}",
                help=suggestion(str(address), map(str, proofs), f"there is: {known}"),
            )
        if is_dormant(placed(address)):
            raise GateError(
                f"{address} stands in a dormant layer, in which nothing acts",
                help="activate the layer first, with all that its contract asks for",
            )
    return [proofs[address] for address in dict.fromkeys(wanted)]


def prove_documents(
    workspace: Workspace,
    snapshot: Snapshot,
    proofs: Sequence[Document[ProofSpec]],
    environment: str,
    *,
    fresh: bool,
) -> ProveReport:
    """Run each proof that has no evidence for the present content, and keep what it showed."""
    store = EvidenceStore.below(workspace.root)
    reused: list[Standing] = []
    missing: list[Document[ProofSpec]] = []
    for proof in proofs:
        found = standing(proof, snapshot, store)
        if found.state == "valid" and not fresh:
            reused.append(found)
        else:
            missing.append(proof)
    hook = workspace.plugins.hook
    reports = run_proofs(
        snapshot,
        missing,
        workspace.context,
        lambda task: hook.chimera_run_proof_step(task=task),
        store,
        environment=environment,
        record=Recorder(workspace.root, workspace.context).write,
        plugins=sorted(name for name, _ in workspace.plugins.list_name_plugin()),
    )
    return ProveReport(tuple(reports), tuple(reused), snapshot)


def standing_of(workspace: Workspace, loaded: Loaded) -> Callable[[Address], Verdict]:
    """Return what tells the gate whether a proof has evidence for the present content."""
    store = EvidenceStore.below(workspace.root)
    proofs = {d.address: d for d in loaded.snapshot.of_model(ProofSpec)}

    def tell(address: Address) -> Verdict:
        if address not in proofs:
            reason = f"there is no valid {address}: mend it, or delete it in a change of its own"
            return Verdict(str(address), str(address), Finding.NOT_EXERCISED, (reason,))
        return standing(proofs[address], loaded.snapshot, store).verdict

    return tell
