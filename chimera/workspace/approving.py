"""Approvals: where they are found, and how one is made of a plan.

What is signed is a commit's, never a dirty tree's. Refuses to say which approvals count: the gate
does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from chimera.gate import (
    ApprovalSpec,
    approval_digest,
    approved_item,
    disqualification,
    signed_content,
)
from chimera.kinds import Document, Loaded, suggestion
from chimera.model import (
    Address,
    Diagnostic,
    GateError,
    StaleError,
    TrustedKey,
    UsageError,
    digest_bytes,
    has_errors,
    parse_target,
)
from chimera.plan import Plan, PlanItem, item_digest
from chimera.signatures import APPROVAL, Signer
from chimera.workspace.authorship import authors_of
from chimera.workspace.going_back import Back, plan_back
from chimera.workspace.planning import PlanReport
from chimera.workspace.recording import FOLDER, Recorder
from chimera.workspace.run_planning import plan_run
from chimera.workspace.sides import sides_of
from chimera.workspace.trust import trust_for

if TYPE_CHECKING:
    from chimera.workspace.workspace import Workspace

Decision = Literal["approve", "reject"]
_NAME_DIGITS = 24  # of the digest of what is signed: enough that no two records are called the same


def approvals_of(workspace: Workspace, loaded: Loaded) -> tuple[Document[ApprovalSpec], ...]:
    """Return every approval that is found, unverified: in the trees, and written here.

    What one place says twice, or two places say, comes once.
    """
    found = {
        approval_digest(document) + document.spec.signature: document
        for side in sides_of(workspace, loaded)
        for document in side.snapshot.of_model(ApprovalSpec)
    }
    return tuple(found[key] for key in sorted(found))


@dataclass(frozen=True)
class Proposal:
    """What can be signed: items of a plan, what else was found wrong, and of which commit it is."""

    plan: Plan
    items: tuple[PlanItem, ...]
    diagnostics: tuple[Diagnostic, ...]
    revision: str


@dataclass(frozen=True)
class Signature:
    """A record that was signed and written: its address, who signed, and what it says."""

    address: str
    path: str
    key: TrustedKey
    spec: dict[str, Any]


def propose(
    workspace: Workspace,
    environment: str,
    *,
    base: str | None = None,
    saved: Plan | None = None,
    targets: Sequence[str] = (),
    run: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    back: Back | None = None,
) -> Proposal:
    """Return the items of a plan that can be signed, made anew of commits.

    With a `base`, a Git ref: of what merging HEAD into it would leave, as a change of it. With
    `back`: of what a commit said, applied again. With `run`, the address of an applied document:
    that it is executed once, as it is applied, with `inputs`. Raises `StaleError` where a `saved`
    plan is not what would be planned, `UsageError` where nothing is there to be signed.
    """
    if run is not None:
        return _run(workspace, environment, Address.parse(run), inputs or {})
    if back is not None:
        report = plan_back(workspace, environment, back)
    elif base is None:
        report = workspace.make_plan(environment)
    else:
        report = workspace.compare(environment, base, "HEAD")
    plan = report.plan
    _refuse_unprotected(plan)
    if saved is not None:
        _refuse_stale(saved, plan)
    revision = report.compared.head_id if report.compared else ""
    items = _chosen(plan, saved, targets)
    if not items:
        raise UsageError(
            "the plan has nothing to do, so that there is nothing to sign",
            help="commit the change; for a pull request, give the ref it goes to with --base",
        )
    tree = report.judgement.subject.snapshot.tree
    return Proposal(plan, items, _faults(report), revision or tree.revision or "")


def _run(
    workspace: Workspace, environment: str, target: Address, inputs: Mapping[str, Any]
) -> Proposal:
    """Return the one item by which what is applied at `target` is executed."""
    with workspace.read_state() as state:
        _, report = plan_run(workspace, target, state, environment, inputs)
        revision = state.applied(environment)[str(target)].revision
    _refuse_unprotected(report.plan)
    return Proposal(report.plan, report.plan.changing, _faults(report), revision or "")


def _refuse_unprotected(plan: Plan) -> None:
    if not plan.protected:
        raise UsageError(
            f"{plan.environment} is not protected: nothing owes an approval there",
            help="name a protected environment with --env",
        )


def _faults(report: PlanReport) -> tuple[Diagnostic, ...]:
    return tuple(d for d in report.judgement.diagnostics if has_errors((d,)))


def _refuse_stale(saved: Plan, plan: Plan) -> None:
    for item in saved.changing:
        now = plan.item(item.change.target)
        if now is None or item_digest(plan.environment, now) != item_digest(
            saved.environment, item
        ):
            raise StaleError(
                f"the saved plan no longer fits: {item.change.target} is another now",
                help="make it again with `chimera plan --out FILE`, and give --base where that was"
                " made with it",
            )


def _chosen(plan: Plan, saved: Plan | None, targets: Sequence[str]) -> tuple[PlanItem, ...]:
    among = {item.change.target for item in (saved or plan).changing}
    items = tuple(item for item in plan.changing if item.change.target in among)
    if not targets:
        return items
    wanted = [parse_target(target) for target in targets]
    known = {item.change.target: item for item in items}
    for target in wanted:
        if target not in known:
            raise UsageError(
                f"{target} is not among what the plan changes",
                help=suggestion(str(target), map(str, known), "`chimera plan` lists it"),
            )
    return tuple(known[target] for target in dict.fromkeys(wanted))


def signatory(workspace: Workspace, signer: Signer) -> TrustedKey:
    """Return whose key it is that would sign; raises `GateError` where nothing it signs counts."""
    trust, fingerprint = workspace.trust, signer.public.fingerprint
    if trust is None:
        raise GateError(
            "there is no ref to trust, by which your key would be yours",
            help="set CHIMERA_TRUST_REF, as in origin/main",
        )
    key = trust.root.find(fingerprint)
    if key is None:
        shared = "two identities name it" if fingerprint in trust.root.shared else "no Identity has"
        raise GateError(
            f"the key {fingerprint} counts for nothing in {trust.ref}: {shared}"
            + ("" if fingerprint in trust.root.shared else " it"),
            help="add it to your Identity and merge that first, or sign with another by --key",
        )
    refusal = key.refusal(workspace.context.clock.now())
    if refusal is None and not key.human:
        refusal = f"{key.identity} is automation, and only a person approves"
    if refusal is not None:
        raise GateError(refusal, help="sign with another key by --key")
    return key


def doubts(workspace: Workspace, proposal: Proposal, key: TrustedKey) -> tuple[str, ...]:
    """Say of which items an approval by a key would meet nothing that they owe, and why.

    It still says that a person acts, so that nobody is kept from signing.
    """
    told: list[str] = []
    with workspace.read_state() as state:
        trust = trust_for(workspace, state, proposal.plan.environment)
        if trust is None:
            return ()
        authors = authors_of(workspace, state, proposal.plan.environment)
        for item in proposal.items:
            owed = [one for one in item.obligations if one.kind == "approval"]
            why = [disqualification(key, one, trust, item.change, authors) for one in owed]
            if all(why):
                told += (
                    f"what {one.source} asks of {one.target} is not met by your approval: {reason}"
                    for one, reason in zip(owed, why, strict=True)
                )
    return tuple(told)


def sign(
    workspace: Workspace,
    proposal: Proposal,
    decision: Decision,
    signer: Signer,
    *,
    expires: timedelta | None = None,
    reason: str | None = None,
) -> Signature:
    """Sign what is proposed and write the record below `.chimera/records`."""
    key = signatory(workspace, signer)
    now = workspace.context.clock.now().replace(microsecond=0)
    plan = proposal.plan
    spec: dict[str, Any] = {
        "decision": decision,
        "identity": str(key.identity),
        "environment": plan.environment,
        "plan": plan.digest,
        "items": [approved_item(plan.environment, item) for item in proposal.items],
        "at": now.isoformat(),
        **({"expires": (now + expires).isoformat()} if expires is not None else {}),
        **({"reason": reason} if reason else {}),
    }
    if workspace.context.secrets.mask_json(spec) != spec:
        raise UsageError(
            "what would be signed holds a secret of this machine's environment",
            help="leave it out of the reason: records are shared",
        )
    content = signed_content(spec)
    spec["signature"] = signer.sign(content, APPROVAL)
    name = digest_bytes(content).removeprefix("sha256:")[:_NAME_DIGITS]
    workspace.prepare()
    Recorder(workspace.root, workspace.context).write("Approval", name, spec)
    path = FOLDER / "Approval" / f"{name}.yaml"
    return Signature(f"Approval/{name}", path.as_posix(), key, spec)
