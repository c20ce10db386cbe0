"""Proving: which proofs are run, which have evidence that fits, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chimera.gate import trust_root
from chimera.kinds import Document, Loaded, Snapshot, suggestion
from chimera.model import (
    Actor,
    Address,
    Digest,
    Finding,
    GateError,
    Outcome,
    Placement,
    Result,
    TrustRoot,
    UsageError,
    Verdict,
    has_errors,
    is_dormant,
)
from chimera.proof import EvidenceStore, ProofReport, ProofSpec, Standing
from chimera.proof import prove as run_proofs
from chimera.proof.evidence.provenance import Provenance
from chimera.proof.evidence.signatories import Signatory, actor_of, signatories
from chimera.proof.evidence.standing import stand
from chimera.proof.evidence.verifying import Verifier
from chimera.proof.inputs import same_variables
from chimera.proof.weakening import APART, as_they_were, as_trusted
from chimera.workspace.judging import facts_of, judge
from chimera.workspace.naming import proof_named
from chimera.workspace.recording import Recorder

if TYPE_CHECKING:
    from chimera.workspace.planning import PlanReport
    from chimera.workspace.workspace import Workspace


@dataclass(frozen=True)
class Reused:
    """Evidence that still stands, with what it says of itself and who vouches for that."""

    standing: Standing
    said: Provenance
    signed_by: tuple[Signatory, ...] = ()

    @property
    def proof(self) -> Address:
        """The proof that need not be run again."""
        return self.standing.proof

    @property
    def evidence(self) -> Digest | None:
        """The evidence that stands for it."""
        return self.standing.evidence

    @property
    def actor(self) -> Actor:
        """Who proved it: a person where one signed, else automation."""
        return actor_of(self.said, self.signed_by)

    @property
    def signers(self) -> tuple[Address, ...]:
        """Whose signatures count, each once."""
        found = {one.identity for one in self.signed_by if one.counts and one.identity is not None}
        return tuple(sorted(found))

    @property
    def verdict(self) -> Verdict:
        """The verdict of the evidence, which says where it is from."""
        verdict = self.standing.verdict
        return replace(verdict, reasons=(*verdict.reasons, self.origin))

    @property
    def origin(self) -> str:
        """When, by whom and for which environment it was proven, and whose signatures count."""
        automated = " (automation)" if self.actor.kind == "automation" else ""
        by = f"{self.actor.name or '?'}{automated}"
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
    vary: Sequence[str] = (),
) -> Result[ProveReport]:
    """Run the named proofs, or all; evidence that fits the content is used again unless `fresh`.

    `shuffle` runs them anew, with their tests in another order in each repetition; so does `vary`,
    whose factors repetitions then differ in.
    """
    loaded = workspace.for_environment(environment)
    judgement = judge(
        loaded, workspace.plugins, workspace.context, facts_of(loaded.snapshot, environment)
    )
    if has_errors(judgement.diagnostics):
        return Result(ProveReport((), ()), Outcome.FAILED, judgement.diagnostics)
    selected = select(loaded, names, judgement.subject.placed)
    report = prove_documents(
        workspace, loaded.snapshot, selected, environment, fresh=fresh, shuffle=shuffle, vary=vary
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
    vary: Sequence[str] = (),
) -> Result[ProveReport]:
    """Run the proofs that a change of a Git ref owes, on what merging it would leave."""
    planned = workspace.compare(environment, base, head)
    diagnostics = planned.judgement.diagnostics
    if has_errors(diagnostics):
        return Result(ProveReport((), ()), Outcome.FAILED, diagnostics)
    snapshot = planned.judgement.subject.snapshot
    owed = {o.subject for o in planned.plan.obligations if o.kind == "proof"}
    proofs = [d for d in snapshot.of_model(ProofSpec) if str(d.address) in owed]
    former = list(as_they_were(planned.judgement.subject, _owed_by_others(planned)))
    report = prove_documents(
        workspace, snapshot, proofs, environment, fresh=fresh, shuffle=shuffle, vary=vary
    )
    for proof in former:
        over = with_document(snapshot, proof)
        more = prove_documents(
            workspace, over, [proof], environment, fresh=fresh, shuffle=shuffle, vary=vary
        )
        report = _with_former(report, more)
    outcomes = [r.outcome for r in report.proven]
    if {str(d.address) for d in (*proofs, *former)} < owed:
        outcomes.append(Outcome.NOT_EXERCISED)
    return Result(report, Outcome.worst(outcomes), diagnostics)


def _owed_by_others(planned: PlanReport) -> set[str]:
    """Return the proofs that something owes, of which a file differs, besides their own change."""
    return {
        obligation.subject
        for item in planned.plan.changing
        for obligation in item.obligations
        if obligation.kind == "proof"
        and item.change.paths
        and str(item.change.target) != obligation.subject
    }


def _with_former(report: ProveReport, former: ProveReport) -> ProveReport:
    """Return what was proven with what was proven of a proof as it was."""
    said = (f"as it was before this change; to have it show less, {APART}",)
    proven = (replace(one, notes=(*one.notes, *said)) for one in former.proven)
    reused = (*report.reused, *former.reused)
    return replace(report, proven=(*report.proven, *proven), reused=reused)


def select(
    loaded: Loaded, names: Sequence[str], placed: Callable[[Address], tuple[Placement, ...]]
) -> list[Document[ProofSpec]]:
    """Return the proofs that are named, or all that do not stand in a dormant layer."""
    proofs = {d.address: d for d in loaded.snapshot.of_model(ProofSpec)}
    if not names:
        return [d for a, d in proofs.items() if not is_dormant(placed(a))]
    wanted = [proof_named(name) for name in names]
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
    vary: Sequence[str] = (),
) -> ProveReport:
    """Run each proof that has no evidence for the present content, and keep what it showed."""
    store = workspace.evidence.store
    reused: list[Reused] = []
    failed: dict[Address, Standing] = {}
    missing: list[Document[ProofSpec]] = []
    verifier = _verifier(workspace, snapshot, _keys(workspace))
    for proof in proofs:
        before = stand(verifier, proof, store, signed=False)
        found = _reusable(verifier, proof, store, before)
        if found is None or fresh or shuffle or vary:
            missing.append(proof)
        else:
            reused.append(found)
        if before.state == "failed":
            failed[proof.address] = before
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
        vary=vary,
    )
    proven = (_recalling(report, failed.get(report.proof)) for report in reports)
    return ProveReport(tuple(proven), tuple(reused), snapshot)


def _recalling(report: ProofReport, failed: Standing | None) -> ProofReport:
    """Return a report that says where a proof passes now and did not, over the same content."""
    if failed is None or report.finding is not Finding.PASS:
        return report
    note = (
        f"it did not pass before over the same content ({failed.evidence}): it may be flaky,"
        " or something that is no input has changed"
    )
    return replace(report, notes=(*report.notes, note))


def _keys(workspace: Workspace) -> TrustRoot | None:
    """Return the keys that count, which are read only where there is evidence to verify."""
    return workspace.evidence.trust if workspace.evidence.store.digests() else None


def _verifier(workspace: Workspace, snapshot: Snapshot, trust: TrustRoot | None) -> Verifier:
    """Return what verifies evidence by the keys of `trust`; those of the tree only explain."""
    branch = trust and trust_root(snapshot, "this tree", snapshot.tree.revision or "")
    return Verifier(snapshot, trust, workspace.context.clock.now(), branch)


def _reusable(
    verifier: Verifier, proof: Document[ProofSpec], store: EvidenceStore, found: Standing
) -> Reused | None:
    """Return the evidence by which a proof stands, made here or vouched for, if it does."""
    if found.state != "valid" or found.evidence is None:
        return None
    statement = store.get(found.evidence)
    if not same_variables(proof, statement):
        return None
    signed_by = signatories(verifier, store.envelope(found.evidence))
    return Reused(found, Provenance.of(statement), signed_by)


def standing_of(
    workspace: Workspace, loaded: Loaded, trust: TrustRoot | None, *, protected: bool
) -> Callable[[Address], Verdict]:
    """Return what tells the gate whether a proof has evidence for the present content.

    For a protected environment only evidence counts that a key of `trust` vouches for.
    """
    snapshot, store = loaded.snapshot, workspace.evidence.store
    trusted = workspace.trust.loaded.snapshot if protected and workspace.trust else None
    proofs = {d.address: d for d in snapshot.of_model(ProofSpec)}
    besides = {d.address: d for d in as_trusted(snapshot, trusted)} if trusted else {}

    verifier = _verifier(workspace, snapshot, trust)

    def stands(proof: Document[ProofSpec], by: Verifier) -> Verdict:
        return stand(by, proof, store, signed=protected).verdict

    def tell(address: Address) -> Verdict:
        found = [stands(proofs[address], verifier)] if address in proofs else []
        if (other := besides.get(address)) is not None and workspace.trust:
            verdict = stands(other, _verifier(workspace, with_document(snapshot, other), trust))
            where = f"as {workspace.trust.ref} has it"
            found.append(replace(verdict, reasons=tuple(f"{where}: {r}" for r in verdict.reasons)))
        if not found:
            reason = f"there is no valid {address}: mend it, or delete it in a change of its own"
            return Verdict(str(address), str(address), Finding.NOT_EXERCISED, (reason,))
        return _worst(found)

    return tell


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return one verdict that passes where all do, and else says why the first worst does not."""
    order = (Finding.FAIL, Finding.NOT_EXERCISED, Finding.PASS)
    worst = min(verdicts, key=lambda verdict: order.index(verdict.finding))
    if worst.finding is not Finding.PASS:
        return worst
    reasons = tuple(reason for verdict in verdicts for reason in verdict.reasons)
    rests_on = tuple(digest for verdict in verdicts for digest in verdict.rests_on)
    return replace(worst, reasons=reasons, rests_on=rests_on)


def with_document(snapshot: Snapshot, document: Document[ProofSpec]) -> Snapshot:
    """Return a snapshot in which a document stands as another revision has it."""
    others = (d for d in snapshot.documents.values() if d.address != document.address)
    return Snapshot.of(snapshot.tree, snapshot.registry, (*others, document))
