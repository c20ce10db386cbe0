"""Which approvals count for what a plan owes, and why each of the others does not.

Refuses to count anybody twice, and automation at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from chimera.gate.kinds import DEFAULT_EXPIRY, ApprovalSpec
from chimera.gate.signed import Signed, approved_item, signed_approvals
from chimera.gate.verdicts import met, unmet
from chimera.gate.weighing import Author, Weighing
from chimera.kinds import Document, parse_duration
from chimera.model import (
    Action,
    Address,
    Change,
    Digest,
    Finding,
    Obligation,
    TrustedKey,
    TrustRoot,
    Verdict,
)
from chimera.plan import PlanItem, item_digest

Authors = Callable[[Change], tuple[Author, ...]]
ANYBODY = "human"
"""The subject of an obligation that any person meets whose key may approve."""
_OTHER_CONTENT = "it is for other content"


def review_approval(obligation: Obligation, weighing: Weighing) -> Verdict:
    """Pass where as many people as are asked for approve and none that may rejects it."""
    count = int(dict(obligation.detail).get("count", "1"))
    found = tally(obligation, weighing)
    if len(found.people) >= count and not found.rejections:
        return met(obligation, tuple(map(str, found.people)), found.approvals)
    who = "a person" if obligation.subject == ANYBODY else obligation.subject
    told = [*found.rejections]
    if len(found.people) < count:
        given = f": {', '.join(map(str, found.people))}" if found.people else ""
        owed = f"{count} approval{'s' if count != 1 else ''} by {who}"
        told.append(f"{owed} owed, and {len(found.people)} counted{given}")
    told += found.refused
    reasons = ("; ".join(told), _what_to_do(found, obligation, weighing))
    return unmet(obligation, weighing, Finding.FAIL, reasons)


def _what_to_do(found: Tally, obligation: Obligation, weighing: Weighing) -> str:
    item = weighing.plan.item(obligation.target)
    environment = weighing.plan.environment
    if weighing.trust is None:
        return (
            "nobody's key counts without a trust ref: set CHIMERA_TRUST_REF in the environment of"
            " this command, as in origin/main"
        )
    if found.rejections:
        return "whoever rejects it approves it later, or the change becomes another"
    about = (o for o in weighing.plan.obligations if o.target == obligation.target)
    how = next((o.how for o in about if o.kind == obligation.kind and o.how), None)
    if how is not None:
        return how
    if item is not None and item.change.action is Action.RUN:
        given = ", and the same --input" if item.inputs else ""
        return (
            f"sign it with `chimera approve --env {environment} --run {item.change.target}`{given}"
        )
    return (
        f"sign it with `chimera approve --env {environment}`; for a pull request, on its branch"
        " and with --base"
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found for one obligation: who approves, by what, and why the others do not."""

    people: tuple[Address, ...]
    approvals: tuple[Digest, ...]
    rejections: tuple[str, ...]
    refused: tuple[str, ...]


def tally(obligation: Obligation, weighing: Weighing) -> Tally:
    """Count the approvals of one obligation: each person once, whatever keys they sign with."""
    trust, item = weighing.trust, weighing.plan.item(obligation.target)
    if trust is None or item is None:
        return Tally((), (), (), ())
    counting = _Counting(obligation, weighing, trust, item)
    about = [s for s in signed_approvals(weighing.approvals, trust) if s.item(obligation.target)]
    people: dict[Address, None] = {}
    digests, refused = [], []
    for signed in about:
        if signed.approval.spec.decision == "reject":
            continue
        reason = counting.refusal(signed)
        if reason is not None:
            refused.append((signed, reason))
        elif signed.key is not None:
            people[signed.key.identity] = None
            digests.append(signed.digest)
    rejections = tuple(counting.standing_rejections(about))
    return Tally(tuple(sorted(people)), tuple(sorted(digests)), rejections, _told_of(refused))


def _told_of(refused: Iterable[tuple[Signed, str]]) -> tuple[str, ...]:
    """Say why approvals do not count; of those of other content, which add up, only the latest."""
    told, others = [], []
    for signed, reason in refused:
        line = f"{signed.name} does not count: {reason}"
        if reason.startswith(_OTHER_CONTENT):
            others.append((signed.at, line))
        else:
            told.append(line)
    if others:
        told.append(max(others)[1])
    if len(others) > 1:
        earlier = len(others) - 1
        told.append(f"{earlier} earlier {'one' if earlier == 1 else 'ones'} of other content, too")
    return tuple(told)


def disqualification(
    key: TrustedKey, obligation: Obligation, trust: TrustRoot, change: Change, authors: Authors
) -> str | None:
    """Say why no approval by a key counts for an obligation, whatever it says; else `None`."""
    return _wrong_hand(key, obligation, trust) or _own_change(
        key, obligation, trust, change, authors
    )


def _wrong_hand(key: TrustedKey, obligation: Obligation, trust: TrustRoot) -> str | None:
    if not key.human:
        return f"{key.identity} is automation, and only a person approves"
    role = None if obligation.subject == ANYBODY else Address.parse(obligation.subject)
    if trust.can(key, "approve", role):
        return None
    if role is None:
        return f"{key.identity} holds no role in {trust.ref} that can approve"
    return f"{key.identity} cannot approve as {role}, by {trust.ref} and by what is applied"


def _own_change(
    key: TrustedKey, obligation: Obligation, trust: TrustRoot, change: Change, authors: Authors
) -> str | None:
    if dict(obligation.detail).get("excludeAuthor") != "true":
        return None
    wrote = authors(change)
    if any(author.identity == key.identity for author in wrote):
        return f"{key.identity} wrote the change"
    unknown = sorted({author.name for author in wrote if author.identity is None})
    if unknown:
        return (
            f"whether {key.identity} wrote the change cannot be told: no Identity in"
            f" {trust.ref} names {', '.join(unknown[:3])}"
        )
    return None


@dataclass(frozen=True)
class _Counting:
    """Says of approvals whether they count for one obligation of one item."""

    obligation: Obligation
    weighing: Weighing
    trust: TrustRoot
    item: PlanItem

    @property
    def _authorship(self) -> tuple[Obligation, TrustRoot, Change, Authors]:
        return self.obligation, self.trust, self.item.change, self.weighing.authors

    def refusal(self, signed: Signed) -> str | None:
        """Say why an approval does not count, `None` where it does."""
        if signed.key is None:
            return signed.fault
        return (
            signed.key.refusal(self.weighing.now)
            or _wrong_hand(signed.key, self.obligation, self.trust)
            or self._other_item(signed)
            or self._untimely(signed)
            or self._spent(signed)
            or _own_change(signed.key, *self._authorship)
        )

    def _other_item(self, signed: Signed) -> str | None:
        """Say in what the item that was signed is another than the plan's."""
        said = signed.item(self.obligation.target)
        environment = signed.approval.spec.environment
        if environment != self.weighing.plan.environment:
            return f"it is for the environment {environment}"
        now = approved_item(environment, self.item)
        if said is None or said.after != now["after"]:
            was = said.after[:19] if said else "nothing"
            return f"{_OTHER_CONTENT}: {was}, and now it is {now['after'][:19]}"
        if said.action != now["action"]:
            return f"it is to {said.action} what the plan would {now['action']}"
        if said.digest != now["digest"]:
            return "what the item owes, or the waivers that it has, are others than were signed"
        return None

    def _untimely(self, signed: Signed) -> str | None:
        age = dict(self.obligation.detail).get("expires")
        allowed = parse_duration(age) if age is not None else DEFAULT_EXPIRY
        return signed.untimely(self.weighing.now, allowed, str(self.obligation.source))

    def _spent(self, signed: Signed) -> str | None:
        if (signed.digest, str(self.obligation.target)) in self.weighing.spent:
            return "it was spent: it let this change through once already"
        return None

    def standing_rejections(self, about: Iterable[Signed]) -> Iterator[str]:
        """Yield what rejects the change and was not taken back.

        A rejection is of the content, whatever it owes now, and does not expire; nor does it with
        its key, which is no reason to have changed one's mind. Only a revoked key's is worthless.
        """
        about = list(about)
        for signed in about:
            if signed.approval.spec.decision != "reject" or not self._rejects(signed):
                continue
            if not any(self._takes_back(other, signed) for other in about):
                why = signed.approval.spec.reason
                yield f"{signed.name} rejects it" + (f": {why}" if why else "")

    def _rejects(self, signed: Signed) -> bool:
        key, said = signed.key, signed.item(self.obligation.target)
        if (
            key is None
            or said is None
            or key.revoked is not None
            or _wrong_hand(key, self.obligation, self.trust)
        ):
            return False
        spec, now = signed.approval.spec, approved_item(self.weighing.plan.environment, self.item)
        given = (spec.environment, said.action, said.after)
        return given == (self.weighing.plan.environment, now["action"], now["after"])

    def _takes_back(self, other: Signed, rejection: Signed) -> bool:
        if other.key is None or rejection.key is None or other.at <= rejection.at:
            return False
        is_approval = other.approval.spec.decision == "approve"
        same = other.key.identity == rejection.key.identity
        return is_approval and same and self.refusal(other) is None


def human_signers(
    approvals: Iterable[Document[ApprovalSpec]],
    trust: TrustRoot,
    environment: str,
    items: Iterable[PlanItem],
    spent: frozenset[tuple[Digest, str]],
    now: datetime,
) -> Mapping[str, tuple[Signed, ...]]:
    """Return by what each item is signed that a person signed, by its target as text.

    It is exactly the item that was signed, with what it owes and its waivers. Where it is not
    signed, automation acts.
    """
    found: dict[str, tuple[Signed, ...]] = {}
    wanted = {(str(item.change.target), item_digest(environment, item)) for item in items}
    for signed in signed_approvals(approvals, trust):
        spec, key = signed.approval.spec, signed.key
        if key is None or spec.decision != "approve" or spec.environment != environment:
            continue
        if key.refusal(now) or not key.human or not trust.can(key, "approve"):
            continue
        if signed.untimely(now) is not None:
            continue
        for item in spec.items:
            is_spent = (signed.digest, item.target) in spent
            if (item.target, item.digest) in wanted and not is_spent:
                found[item.target] = (*found.get(item.target, ()), signed)
    return found


def review_signers(weighing: Weighing) -> Iterator[Verdict]:
    """Yield by which signatures a person acts on an item, and not automation: they are spent.

    What judged the plan rests on them, whether or not anything owes an approval as well.
    """
    plan, trust = weighing.plan, weighing.trust
    if trust is None or not weighing.subject.signers:
        return
    given = (weighing.approvals, trust, plan.environment, plan.changing, weighing.spent)
    for target, signatures in sorted(human_signers(*given, weighing.now).items()):
        names = tuple(f"a person acts: {signed.name}" for signed in signatures)
        digests = tuple(signed.digest for signed in signatures)
        yield Verdict("signatures", target, Finding.PASS, names, rests_on=digests)
