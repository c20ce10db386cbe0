"""What gates say a change owes, and whether each obligation has been met."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.gate.approvals import review_approval, review_signers
from chimera.gate.kinds import ApprovalRequirement, GateSpec, Requirements
from chimera.gate.verdicts import met, unmet
from chimera.gate.weighing import Weighing
from chimera.kinds import (
    DELETED,
    Document,
    Model,
    Subject,
    answers,
    format_duration,
    mismatch,
)
from chimera.model import (
    Action,
    Address,
    Change,
    Finding,
    Obligation,
    PathSet,
    Verdict,
)
from chimera.proof import ProofSpec, how_to_prove, is_due


def owe(subject: Subject) -> Iterator[Obligation]:
    """Yield what every gate that is about a change asks for it, as it is and as it was.

    Of a gate that the same change edits or deletes both count: nothing loosens its own conditions.
    One in a dormant layer asks for nothing; what it was before it came there still does.
    """
    for address, gate in subject.binding(GateSpec):
        if not _holds_in(gate, subject.environment.name):
            continue
        for change in subject.changes or ():
            if change.action is not Action.NO_OP and subject.selects(gate.match, change):
                yield from _required(address, gate.requires, change, subject)


def _holds_in(gate: GateSpec, environment: str) -> bool:
    named = gate.match.environments
    return not named or f"Environment/{environment}" in named


def _required(
    gate: Address, requires: Requirements, change: Change, subject: Subject
) -> Iterator[Obligation]:
    target = change.target
    what = "a path" if isinstance(target, PathSet) else "a document"
    reason = f"{gate} governs {what} that changes"
    for proof in requires.proofs:
        if _is_due(proof, subject):
            yield Obligation("proof", proof, target, gate, reason)
    for record in requires.records:
        yield Obligation("record", record, target, gate, reason)
    if subject.environment.protected:
        for approval in requires.approvals:
            detail = conditions(approval)
            yield Obligation("approval", approval.role, target, gate, reason, detail)


def conditions(approval: ApprovalRequirement) -> tuple[tuple[str, str], ...]:
    """Return what an approval must be, as an obligation holds it."""
    return (
        ("count", str(approval.count)),
        ("excludeAuthor", str(approval.exclude_author).lower()),
        ("expires", format_duration(approval.expires)),
    )


def _is_due(proof: str, subject: Subject) -> bool:
    """Tell whether a proof of this phase is owed here; one that cannot be read always is.

    So is one that was before the change put it off to another phase.
    """
    address = Address.parse(proof)
    document = subject.snapshot.get(address)
    former = subject.former.get(address) if subject.former is not None else None
    specs = [one.spec if one else None for one in (document, former or document)]
    return any(not isinstance(spec, ProofSpec) or is_due(spec, subject) for spec in specs)


def review_proofs(weighing: Weighing) -> Iterator[Verdict]:
    """Yield one verdict for each proof that the plan owes, or that it owes none."""
    owed = [o for o in weighing.plan.obligations if o.kind == "proof"]
    yield from (_review_proof(obligation, weighing) for obligation in owed)
    if not owed:
        yield Verdict("gate", "proofs", Finding.PASS, ("no proof is owed",))


def review_agreement(weighing: Weighing) -> Iterator[Verdict]:
    """Yield one verdict for each approval and record that the plan owes, or that it owes none, and
    for each item that a person signed.

    What nobody can weigh is refused: a plugin may owe what this version does not know.
    """
    owed = [o for o in weighing.plan.obligations if o.kind != "proof"]
    yield from review_signers(weighing)
    for obligation in owed:
        match obligation.kind:
            case "record":
                yield _review_record(obligation, weighing)
            case "approval":
                yield review_approval(obligation, weighing)
            case kind:
                reasons = (f"nobody can tell whether a {kind} is there", "fix the plugin that asks")
                yield unmet(obligation, weighing, Finding.FAIL, reasons)
    if not owed:
        yield Verdict("gate", "approvals", Finding.PASS, ("no approval and no record is owed",))


def _review_proof(obligation: Obligation, weighing: Weighing) -> Verdict:
    standing = weighing.standing(Address.parse(obligation.subject))
    if standing.finding is Finding.PASS:
        return met(obligation, standing.reasons, standing.rests_on)
    signed = weighing.plan.protected
    how = how_to_prove(obligation.subject, weighing.trust, weighing.now, signed=signed)
    return unmet(
        obligation,
        weighing,
        standing.finding,
        (*standing.reasons, how),
        standing.diagnostics,
    )


def _review_record(obligation: Obligation, weighing: Weighing) -> Verdict:
    """Pass by a record that names the change; else say why those that are offered do not serve."""
    item, snapshot = weighing.plan.item(obligation.target), weighing.subject.snapshot
    if item is None:
        reasons = ("the plan does not have it", "fix the plugin that asks")
        return unmet(obligation, weighing, Finding.FAIL, reasons)
    kind, environment = obligation.subject, weighing.plan.environment
    records = [r for r in snapshot.records if r.address.kind == kind]
    found = [r for r in records if answers(r, item.change) and _is_of(r, environment)]
    if found:
        names, digests = zip(*((str(r.address), r.digest) for r in found), strict=True)
        return met(obligation, names, digests)
    offered = filter(None, (_refusal(record, item.change, environment) for record in records))
    missing = f"no {obligation.subject} names {obligation.target} with its digest"
    after = item.change.after or DELETED
    how = f"add one whose spec.answers has target: {obligation.target} and after: {after}"
    if obligation.how:
        how = f"{obligation.how}; or {how}"
    return unmet(obligation, weighing, Finding.FAIL, (missing, *offered, how))


def _is_of(record: Document[Model], environment: str) -> bool:
    """Tell whether a record is about an environment; one that names none is about every one."""
    return getattr(record.spec, "environment", environment) == environment


def _refusal(record: Document[Model], change: Change, environment: str) -> str | None:
    """Say why a record that is offered for a change does not serve; `None` if it is not offered."""
    if answers(record, change) and not _is_of(record, environment):
        return f"{record.address} is of another environment than {environment}"
    return mismatch(record, change)
