"""Waivers: one rule of one policy, silenced for one document until a moment.

The one matcher that check, plan and apply go through. Refuses to waive anything else (an error, a
rule about the snapshot as a whole, a governed path, what is deleted, a waiver), and to count a
waiver from the moment on which it expires.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chimera.kinds import Document, Snapshot, Subject, suggestion
from chimera.model import Address, Diagnostic, Finding, Severity, Verdict
from chimera.policy.candidates import Candidate, Key, Selection, documents_of, foreign_candidate
from chimera.policy.foreign import ForeignDocument
from chimera.policy.kinds import PolicySpec, WaiverSpec
from chimera.policy.rulebook import Rulebook
from chimera.policy.sitting import Judged
from chimera.policy.tally import Tally

Waived = tuple[str, str, Key]
"""A policy's address, the id of a rule, and the document that it judges."""


class Waivers:
    """The waivers of a snapshot at one moment."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._waivers = subject.snapshot.of_model(WaiverSpec)
        self._by_key: dict[Waived, list[Document[WaiverSpec]]] = {}
        for waiver in (w for w in self._waivers if w.spec.is_clear and not _is_of_waiver(w)):
            self._by_key.setdefault(_key_of(waiver.spec), []).append(waiver)

    def find(self, judged: Judged) -> Document[WaiverSpec] | None:
        """Return the waiver in force that silences what a rule found."""
        if not judged.candidate.has_object:
            return None
        found = self._by_key.get(_key(judged), [])
        return next((waiver for waiver in found if not self._is_expired(waiver)), None)

    def review(
        self, tally: Tally, books: Sequence[Rulebook], foreign: Sequence[ForeignDocument]
    ) -> Iterator[Verdict]:
        """Yield what is wrong with the waivers, given what was found without any."""
        if not self._waivers:
            return
        broken = {_key(judged) for judged in tally.found}
        silent = {judge for judge, _ in tally.absent}
        standing = {c.key: c for c in map(foreign_candidate, foreign)}
        for waiver in self._waivers:
            if not waiver.spec.is_clear:
                yield _verdict(waiver, Finding.FAIL, _unclear(waiver))
            elif _is_of_waiver(waiver):
                yield _verdict(waiver, Finding.FAIL, _of_waiver(waiver))
            elif fault := _unknown_rule(waiver, self._subject.snapshot):
                yield _verdict(waiver, Finding.FAIL, fault)
            elif waiver.spec.path is not None and _key_of(waiver.spec)[2] not in standing:
                yield _verdict(waiver, Finding.FAIL, _unknown_path(waiver))
            elif self._is_expired(waiver):
                yield _verdict(waiver, Finding.NOT_EXERCISED, _expired(waiver))
            elif (
                _key_of(waiver.spec) not in broken
                and _judge_of(waiver.spec) not in silent
                and self._is_judged(waiver.spec, books, standing)
            ):
                yield _verdict(waiver, Finding.NOT_EXERCISED, _unused(waiver))

    def _is_judged(
        self, spec: WaiverSpec, books: Sequence[Rulebook], standing: dict[Key, Candidate]
    ) -> bool:
        """Tell whether the policy is about the document."""
        if spec.address is not None:
            address = Address.parse(spec.address)
            known = [address] if address in self._subject.snapshot.documents else []
            candidate = next(documents_of(self._subject, known), None)
        else:
            candidate = standing.get(_key_of(spec)[2])
        policies = [b.policy.spec for b in books if str(b.policy.address) == spec.policy]
        return candidate is not None and any(
            Selection(policy.match, self._subject).means(candidate) for policy in policies
        )

    def _is_expired(self, waiver: Document[WaiverSpec]) -> bool:
        return self._subject.now >= waiver.spec.expiry


def _key_of(spec: WaiverSpec) -> Waived:
    return spec.policy, spec.rule, (spec.subject, spec.path is not None)


def _key(judged: Judged) -> Waived:
    return str(judged.rulebook.policy.address), judged.rule.id, judged.candidate.key


def _judge_of(spec: WaiverSpec) -> str:
    return f"{spec.policy}#{spec.rule}"


def _is_of_waiver(waiver: Document[WaiverSpec]) -> bool:
    address = waiver.spec.address
    return address is not None and Address.parse(address).kind == waiver.address.kind


def _of_waiver(waiver: Document[WaiverSpec]) -> Diagnostic:
    return Diagnostic(
        "waiver-of-waiver",
        "what policies ask of waivers cannot be waived, or a waiver could allow itself",
        waiver.at("spec", "address"),
        "keep the rule, or change the policy",
        address=str(waiver.address),
    )


def _unclear(waiver: Document[WaiverSpec]) -> Diagnostic:
    return Diagnostic(
        "waiver-subject-invalid",
        "a waiver is for one document, named by its address or by its path",
        waiver.at("spec"),
        "give it an address, or for a foreign document a path, and not both",
        address=str(waiver.address),
    )


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
        suggestion(waiver.spec.rule, known, f"it has: {', '.join(known)}"),
        address=str(waiver.address),
    )


def _unknown_path(waiver: Document[WaiverSpec]) -> Diagnostic:
    return Diagnostic(
        "waiver-unknown-path",
        f"no foreign document that a policy judges stands at {waiver.spec.path}",
        waiver.at("spec", "path"),
        "correct the path, or delete the waiver with what it was for",
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
        f"{spec.subject} keeps the rule {_judge_of(spec)} by itself",
        waiver.at("spec", "address" if spec.path is None else "path"),
        "delete the waiver: it would hide the next mistake",
        Severity.WARNING,
        str(waiver.address),
    )


def _verdict(waiver: Document[WaiverSpec], finding: Finding, fault: Diagnostic) -> Verdict:
    subject = waiver.spec.subject
    return Verdict(str(waiver.address), subject, finding, (fault.message,), (fault,))
