"""Waivers: one rule of one policy, silenced for one document until a moment.

The one matcher that check, plan and apply go through. Refuses to waive anything else, and to
count a waiver from the moment on which it expires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chimera.kinds import Document, Snapshot, Subject
from chimera.model import Address, Diagnostic, Finding, Severity, Verdict
from chimera.policy.kinds import PolicySpec, WaiverSpec

Key = tuple[str, str, str]
"""A policy's address, the id of a rule, and the address that it judges."""


class Waivers:
    """The waivers of a snapshot at one moment."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._waivers = subject.snapshot.of_model(WaiverSpec)
        self._by_key: dict[Key, list[Document[WaiverSpec]]] = {}
        for waiver in self._waivers:
            spec = waiver.spec
            self._by_key.setdefault((spec.policy, spec.rule, spec.address), []).append(waiver)

    def __bool__(self) -> bool:
        return bool(self._waivers)

    def find(self, policy: Address, rule: str, subject: str) -> Document[WaiverSpec] | None:
        """Return the waiver in force that silences `rule` of `policy` for `subject`."""
        found = self._by_key.get((str(policy), rule, subject), [])
        return next((waiver for waiver in found if not self._is_expired(waiver)), None)

    def review(self, kept: Callable[[Key], bool]) -> Iterator[Verdict]:
        """Yield what is wrong with the waivers; `kept` tells what holds without any."""
        for waiver in self._waivers:
            spec = waiver.spec
            if fault := _unknown_rule(waiver, self._subject.snapshot):
                yield _verdict(waiver, Finding.FAIL, fault)
            elif self._is_expired(waiver):
                yield _verdict(waiver, Finding.NOT_EXERCISED, _expired(waiver))
            elif kept((spec.policy, spec.rule, spec.address)):
                yield _verdict(waiver, Finding.NOT_EXERCISED, _unused(waiver))

    def _is_expired(self, waiver: Document[WaiverSpec]) -> bool:
        return self._subject.now >= waiver.spec.expiry


def _unknown_rule(waiver: Document[WaiverSpec], snapshot: Snapshot) -> Diagnostic | None:
    policy = snapshot.get(Address.parse(waiver.spec.policy))
    if policy is None or not isinstance(policy.spec, PolicySpec):
        return None  # the reference itself is at fault, and reported as such
    known = [rule.id for rule in policy.spec.rules]
    if waiver.spec.rule in known:
        return None
    return Diagnostic(
        "waiver-unknown-rule",
        f"{policy.address} has no rule {waiver.spec.rule!r}",
        waiver.at("spec", "rule"),
        f"it has: {', '.join(known)}",
        address=str(waiver.address),
    )


def _expired(waiver: Document[WaiverSpec]) -> Diagnostic:
    return Diagnostic(
        "waiver-expired",
        f"the waiver ended with {waiver.spec.expires} and silences nothing",
        waiver.at("spec", "expires"),
        "delete it, or have it renewed by its approver",
        Severity.WARNING,
        str(waiver.address),
    )


def _unused(waiver: Document[WaiverSpec]) -> Diagnostic:
    spec = waiver.spec
    return Diagnostic(
        "waiver-unused",
        f"{spec.address} keeps the rule {spec.policy}#{spec.rule} by itself",
        waiver.at("spec", "address"),
        "delete the waiver: it would hide the next mistake",
        Severity.WARNING,
        str(waiver.address),
    )


def _verdict(waiver: Document[WaiverSpec], finding: Finding, fault: Diagnostic) -> Verdict:
    return Verdict(str(waiver.address), waiver.spec.address, finding, (fault.message,), (fault,))
