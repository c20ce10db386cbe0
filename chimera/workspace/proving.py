"""Proving: which proofs are run, which have evidence that fits, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chimera.kinds import Document, Loaded, Snapshot, suggestion
from chimera.model import (
    Address,
    Digest,
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
from chimera.proof import ProofReport, ProofSpec, Standing
from chimera.proof import prove as run_proofs
from chimera.proof.inputs import same_variables
from chimera.proof.provenance import Provenance
from chimera.proof.standing import stand
from chimera.proof.verifying import Verifier
from chimera.workspace.judging import facts_of, judge
from chimera.workspace.recording import Recorder

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class Reused:
    """Evidence that still stands, with what it says of itself and who vouches for that."""

    standing: Standing
    said: Provenance
    signers: tuple[Address, ...] = ()

    @property
    def proof(self) -> Address:
        """The proof that need not be run again."""
        return self.standing.proof

    @property
    def evidence(self) -> Digest | None:
        """The evidence that stands for it."""
        return self.standing.evidence

    @property
    def verdict(self) -> Verdict:
        """The verdict of the evidence, which says where it is from."""
        verdict = self.standing.verdict
        return replace(verdict, reasons=(*verdict.reasons, self.origin))

    @property
    def origin(self) -> str:
        """When, by whom and for which environment it was proven, and whose signatures count."""
        by = f"{self.said.actor or '?'}{' (automation)' if self.said.automated else ''}"
        signed = f", signed by {', '.join(map(str, self.signers))}" if self.signers else ""
        return (
            f"proven {self.said.moment or '?'} by {by} for {self.said.environment or '?'}{signed}"
        )


@dataclass(frozen=True)
class ProveReport:
    """What was proven now, and what had been proven before and still stands; of which documents."""

    proven: tuple[ProofReport, ...]
    reused: tuple[Reused, ...]
    snapshot: Snapshot | None = None


def prove(
    workspace: Workspace,
    names: Sequence[str],
    *,
    environment: str,
    fresh: bool,
    shuffle: bool = False,
) -> Result[ProveReport]:
    """Run the named proofs, or all; evidence that fits the content is used again unless `fresh`.

    `shuffle` runs them anew, with their tests in another order in each repetition.
    """
    loaded = workspace.for_environment(environment)
    judgement = judge(
        loaded, workspace.plugins, workspace.context, facts_of(loaded.snapshot, environment)
    )
    if has_errors(judgement.diagnostics):
        return Result(ProveReport((), ()), Outcome.FAILED, judgement.diagnostics)
    selected = select(loaded, names, judgement.subject.placed)
    report = prove_documents(
        workspace, loaded.snapshot, selected, environment, fresh=fresh, shuffle=shuffle
    )
    outcomes = [r.outcome for r in report.proven] or [Outcome.PASSED]
    if not report.proven and not report.reused:
        outcomes = [Outcome.NOT_EXERCISED]
    return Result(report, Outcome.worst(outcomes), judgement.diagnostics)


def prove_change(
    workspace: Workspace,
    base: str,
    head: str | None,
    *,
    environment: str,
    fresh: bool,
    shuffle: bool = False,
) -> Result[ProveReport]:
    """Run the proofs that a change of a Git ref owes, on what merging it would leave."""
    planned = workspace.compare(environment, base, head)
    diagnostics = planned.judgement.diagnostics
    if has_errors(diagnostics):
        return Result(ProveReport((), ()), Outcome.FAILED, diagnostics)
    snapshot = planned.judgement.subject.snapshot
    owed = {o.subject for o in planned.plan.obligations if o.kind == "proof"}
    proofs = [d for d in snapshot.of_model(ProofSpec) if str(d.address) in owed]
    report = prove_documents(workspace, snapshot, proofs, environment, fresh=fresh, shuffle=shuffle)
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
    shuffle: bool = False,
) -> ProveReport:
    """Run each proof that has no evidence for the present content, and keep what it showed."""
    store = workspace.evidence.store
    reused: list[Reused] = []
    missing: list[Document[ProofSpec]] = []
    verifier = _verifier(workspace, snapshot)
    for proof in proofs:
        found = None
        if not (fresh or shuffle):
            found = _reusable(workspace, proof, stand(verifier, proof, store, signed=False))
        if found is None:
            missing.append(proof)
        else:
            reused.append(found)
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
        shuffle=shuffle,
    )
    return ProveReport(tuple(reports), tuple(reused), snapshot)


def _verifier(workspace: Workspace, snapshot: Snapshot) -> Verifier:
    """Return what verifies evidence; keys are read only where there is evidence to verify."""
    trust = workspace.evidence.trust if workspace.evidence.store.digests() else None
    return Verifier(snapshot, trust, workspace.context.clock.now())


def _reusable(workspace: Workspace, proof: Document[ProofSpec], found: Standing) -> Reused | None:
    if found.state != "valid" or found.evidence is None:
        return None
    if not same_variables(proof, workspace.evidence.store.get(found.evidence)):
        return None
    envelope = workspace.evidence.store.envelope(found.evidence)
    signers = {s.identity for s in workspace.evidence.signatories.of(envelope) if s.counts}
    said = Provenance.of(workspace.evidence.store.get(found.evidence))
    return Reused(found, said, tuple(sorted(identity for identity in signers if identity)))


def standing_of(
    workspace: Workspace, loaded: Loaded, *, protected: bool
) -> Callable[[Address], Verdict]:
    """Return what tells the gate whether a proof has evidence for the present content.

    For a protected environment only evidence counts that a key of the trust ref vouches for.
    """
    verifier = _verifier(workspace, loaded.snapshot)
    proofs = {d.address: d for d in loaded.snapshot.of_model(ProofSpec)}

    def tell(address: Address) -> Verdict:
        if address not in proofs:
            reason = f"there is no valid {address}: mend it, or delete it in a change of its own"
            return Verdict(str(address), str(address), Finding.NOT_EXERCISED, (reason,))
        return stand(verifier, proofs[address], workspace.evidence.store, signed=protected).verdict

    return tell
