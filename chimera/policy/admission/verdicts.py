"""What a policy said of a resource, made into diagnostics at the resource and at the policy."""

from __future__ import annotations

from collections.abc import Sequence

from chimera.model import Diagnostic, Finding, Place, Related, Route, RuleAction, Severity, Verdict
from chimera.policy.admission.models import ValidationAction
from chimera.policy.admission.programs import Book
from chimera.policy.admission.resources import Resource
from chimera.policy.places import narrowest

_BROKEN: dict[RuleAction, tuple[str, Severity]] = {
    "deny": ("admission-denied", Severity.ERROR),
    "warn": ("admission-warned", Severity.WARNING),
    "audit": ("admission-audited", Severity.INFO),
}
_THERE: dict[RuleAction, str] = {
    "deny": "refuse it",
    "warn": "admit it with this warning",
    "audit": "admit it and note this in its audit log",
}


def action_of(actions: Sequence[ValidationAction]) -> RuleAction:
    """Return the weightiest of what a binding does where its policy is broken."""
    if "Deny" in actions:
        return "deny"
    return "warn" if "Warn" in actions else "audit"


def broken(
    judge: str,
    action: RuleAction,
    resource: Resource,
    book: Book,
    program: int,
    message: str,
    route: Route | None,
) -> Verdict:
    """Return the verdict of a validation that does not hold, at `route` if that is known."""
    rule, severity = _BROKEN[action]
    help = f"change {resource.subject}: a cluster would {_THERE[action]}"
    where = narrowest_place(resource, book, program) if route is None else resource.place.at(*route)
    fault = Diagnostic(
        rule,
        f"{judge}: {message}",
        where,
        help,
        severity,
        resource.subject,
        (Related(f"{judge} asks for it here{_reason(book, program)}", book.place(program)),),
    )
    return _verdict(judge, action, resource, fault)


def erred(
    judge: str, action: RuleAction, resource: Resource, book: Book, program: int, error: str
) -> Verdict:
    """Return the verdict of an expression that erred: what is then done is the policy's choice."""
    related = (Related(f"{judge} stands here", book.place(program)),)
    where = narrowest_place(resource, book, program)
    if book.policy.spec.failure_policy == "Ignore":
        message = f"{judge} could not be judged, which its failurePolicy ignores: {error}"
        help = "guard the expression with has(): a cluster would admit this unjudged"
        fault = Diagnostic(
            "admission-error-ignored",
            message,
            where,
            help,
            Severity.WARNING,
            resource.subject,
            related,
        )
        return Verdict(judge, resource.subject, Finding.NOT_EXERCISED, (message,), (fault,), action)
    message = f"{judge} could not be judged and so refuses: {error}"
    help = "guard the expression with has(), or correct the resource; an error never passes"
    severity = _BROKEN[action][1]
    fault = Diagnostic("admission-error", message, where, help, severity, resource.subject, related)
    return _verdict(judge, action, resource, fault)


def faulty(book: Book) -> Verdict:
    """Return the verdict of a policy that a cluster would refuse."""
    name = book.policy.address
    reasons = tuple(fault.message for fault in book.faults)
    return Verdict(name, name, Finding.FAIL, reasons, book.faults)


def narrowest_place(resource: Resource, book: Book, program: int) -> Place:
    """Return the narrowest field of the resource that an expression names."""
    return resource.place.at(*narrowest(book.text_of(program), resource.value))


def _reason(book: Book, program: int) -> str:
    """Return the reason that a cluster would answer with, where the author chose one."""
    reason = book.policy.spec.validations[program - book.validations.start].reason
    return f", with the reason {reason}" if reason != "Invalid" else ""


def _verdict(judge: str, action: RuleAction, resource: Resource, fault: Diagnostic) -> Verdict:
    finding = Finding.FAIL if fault.severity is Severity.ERROR else Finding.PASS
    return Verdict(judge, resource.subject, finding, (fault.message,), (fault,), action)
