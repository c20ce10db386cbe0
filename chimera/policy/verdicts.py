"""What rules said, made into verdicts: every fault at its place, and what is in order counted.

A rule that errs denies, whatever it does otherwise and whoever waives it. One that needs what is
not there (`before` without a change) is inapplicable, as is a policy that matched nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chimera.kinds import Document, Subject
from chimera.model import (
    Diagnostic,
    Finding,
    Place,
    Related,
    RuleAction,
    Severity,
    Verdict,
    is_dormant,
)
from chimera.policy.candidates import OF_A_CHANGE
from chimera.policy.kinds import WaiverSpec
from chimera.policy.places import narrowest
from chimera.policy.rulebook import Rulebook
from chimera.policy.sitting import Judged
from chimera.policy.tally import Tally
from chimera.policy.waivers import Waivers

_BROKEN: dict[RuleAction, tuple[str, Severity]] = {
    "deny": ("policy-denied", Severity.ERROR),
    "warn": ("policy-warned", Severity.WARNING),
    "audit": ("policy-audited", Severity.INFO),
}


def counted(tally: Tally, books: Sequence[Rulebook], subject: Subject) -> Iterator[Verdict]:
    """Yield for each rule how often it holds and how often it is inapplicable."""
    rules = {book.judge_name(n): rule for book in books for n, rule in enumerate(book.rules)}
    for judge, times in tally.holds.items():
        action = rules[judge].action
        yield Verdict(judge, _matches(times), Finding.PASS, action=action, count=times)
    for (judge, name), times in tally.absent.items():
        reason = f"the rule asks for {name!r}, which is not there"
        if name in OF_A_CHANGE and subject.changes is None:
            reason += ": nothing was compared"
        where, action = tally.alone[judge, name], rules[judge].action
        where = where if times == 1 else f"{_matches(times)}, inapplicable"
        yield Verdict(judge, where, Finding.NOT_EXERCISED, (reason,), action=action, count=times)


def _matches(times: int) -> str:
    return f"{times} match{'es' if times != 1 else ''}"


def of_fault(judged: Judged, waivers: Waivers) -> Verdict:
    """Return the verdict of a rule that is broken or that errs."""
    action, subject = judged.rule.action, judged.candidate.subject
    waiver = waivers.find(judged)
    if waiver is not None and judged.answer.error is None:
        reasons = (waived(waiver),)
        name = str(waiver.address)
        return Verdict(judged.judge, subject, Finding.PASS, reasons, action=action, waiver=name)
    fault = _error(judged) if judged.answer.error is not None else _broken(judged)
    finding = Finding.FAIL if fault.severity is Severity.ERROR else Finding.PASS
    return Verdict(judged.judge, subject, finding, (fault.message,), (fault,), action)


def waived(waiver: Document[WaiverSpec]) -> str:
    """Return why a broken rule passes."""
    return f"waived by {waiver.address} until {waiver.spec.expires}: {waiver.spec.reason}"


def _broken(judged: Judged) -> Diagnostic:
    subject = judged.candidate.subject
    rule, severity = _BROKEN[judged.rule.action]
    is_alone = judged.candidate.has_object or judged.candidate.change is not None
    what = f"change {subject}" if is_alone else "change what the message names"
    ask = ", or ask for a Waiver of this rule that ends" if judged.candidate.has_object else ""
    return Diagnostic(
        rule,
        f"{judged.judge}: {judged.message}",
        _place(judged),
        f"{what}{ask}",
        severity,
        subject,
        (Related(f"{judged.judge} asks for it here", _rule_place(judged)),),
    )


def _error(judged: Judged) -> Diagnostic:
    return Diagnostic(
        "policy-rule-error",
        f"{judged.judge} could not be judged and so refuses: {judged.answer.error}",
        _place(judged),
        "guard the expression with has(), or correct the document; an error never passes",
        Severity.ERROR,
        judged.candidate.subject,
        (Related(f"{judged.judge} stands here", _rule_place(judged)),),
    )


def _place(judged: Judged) -> Place:
    """Return the narrowest place; what is deleted has none, so the rule stands for it."""
    candidate = judged.candidate
    if not candidate.has_object:
        return _rule_place(judged)
    route = narrowest(judged.rulebook.text_of(judged.number), candidate.value)
    return candidate.at(*route) or _rule_place(judged)


def _rule_place(judged: Judged) -> Place:
    return judged.rulebook.policy.at("spec", "rules", judged.number, "expression")


def unjudged(book: Rulebook, tally: Tally, subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict for a policy with faults, and for every rule that met nothing."""
    name = str(book.policy.address)
    if book.faults:
        reasons = tuple(fault.message for fault in book.faults)
        yield Verdict(name, name, Finding.FAIL, reasons, book.faults)
    reason = _why_idle(book, subject)
    judges = tally.judges
    for number, rule in enumerate(book.rules):
        if (judge := book.judge_name(number)) not in judges:
            yield Verdict(judge, name, Finding.NOT_EXERCISED, (reason,), action=rule.action)


def _why_idle(book: Rulebook, subject: Subject) -> str:
    match = book.policy.spec.match
    if book.faults:
        return "its policy has faults, and is not applied until they are mended"
    if is_dormant(subject.placed(book.policy.address)):
        return "it stands in a dormant layer, for which nothing acts"
    if match.changes:
        return (
            "it is about changes, and nothing was compared"
            if subject.changes is None
            else "nothing that it is about changes so"
        )
    if match.paths and not match.names_documents:
        return "it matched nothing: no foreign document stands at its paths, and none changes"
    if match.kinds and subject.snapshot.kinds.keys().isdisjoint(match.kinds):
        return f"it matched nothing: there is no {' and no '.join(match.kinds)}"
    return "it matched nothing"
