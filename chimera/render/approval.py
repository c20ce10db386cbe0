"""What a person signs about a plan, before and after they did."""

from __future__ import annotations

from typing import Any

from chimera.model import Outcome
from chimera.render.paint import Paint, count, plain
from chimera.render.plan import item_lines, obligation_lines
from chimera.workspace.approving import Proposal, Signature

FORMAT = "chimera-approval/1"


def proposal_text(proposal: Proposal, paint: Paint = plain) -> str:
    """Return all that would be signed: each item, what it becomes, and what it owes."""
    plan = proposal.plan
    of = f", of the commit {proposal.revision[:12]}" if proposal.revision else ""
    lines = [f"to sign for {plan.environment}, compared with {plan.compared_with}{of}:"]
    for item in proposal.items:
        lines += item_lines(item, paint)
        lines.append(f"      becomes {item.change.after or 'nothing: it is deleted'}")
        lines += (f"      passes by {address}" for address, _ in item.waivers)
    owed = {o: None for item in proposal.items for o in item.obligations}
    if owed:
        lines.append(paint("which owes:", "bold"))
        lines += obligation_lines(owed)
    if proposal.diagnostics:
        faults = count(len(proposal.diagnostics), "fault")
        lines.append(paint(f"the plan has {faults}, and would not be applied as it is", "warn"))
    return "\n".join(lines)


def signature_text(signature: Signature, paint: Paint = plain) -> str:
    """Return what was signed and where it is, and how it gets to where it is applied."""
    did = "approved" if signature.spec["decision"] == "approve" else "rejected"
    items = count(len(signature.spec["items"]), "change")
    who, address = signature.key.identity, signature.address
    return "\n".join(
        [
            f"{paint(did, 'good')} {items} for {signature.spec['environment']} as {who}",
            f"  wrote {signature.path}, signed by {signature.key.fingerprint}",
            f"  share it: `chimera record {address}` and commit, or `chimera evidence push`",
        ]
    )


def signature_json(signature: Signature) -> dict[str, Any]:
    """Return the record that was signed, and where it is."""
    return {
        "format": FORMAT,
        "outcome": Outcome.PASSED.value,
        "record": signature.address,
        "path": signature.path,
        "key": signature.key.fingerprint,
        "spec": signature.spec,
    }
