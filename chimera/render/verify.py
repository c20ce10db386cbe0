"""What verifying evidence showed: every check of it, and which one failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera.model import Outcome, Result
from chimera.proof import Check, Verification
from chimera.render.evidence import short
from chimera.render.paint import Paint, Style, count, plain, unbroken
from chimera.workspace.verifying import Examined, VerifyReport

_STYLES: dict[str, Style] = {
    "pass": "good",
    "fail": "bad",
    "not-asked": "dim",
    "not-reached": "dim",
}
_WIDTH = len("proof definition")


def verify_text(result: Result[VerifyReport], paint: Paint = plain) -> str:
    """Return each piece of evidence with the check that failed; of the only one, every check."""
    report = result.value
    is_only = len(report.examined) == 1
    lines = [line for one in report.examined for line in _lines(one, paint, is_only=is_only)]
    lines.append(_against(report, paint))
    total = count(len(report.examined), "piece")
    lines.append(f"{total} of evidence: {result.outcome.value}")
    return "\n".join(lines)


def _lines(one: Examined, paint: Paint, *, is_only: bool) -> Iterator[str]:
    word = paint(one.outcome.value, "good" if one.outcome is Outcome.PASSED else "bad")
    found = one.verification
    yield f"{word}  {unbroken(one.given)}{_about(one.given, found)}"
    told: list[str] = []
    for check in found.checks if found is not None else ():
        if is_only or check.state == "fail":
            yield _check(check, paint)
            told += check.reasons
    help = one.help or ""
    for reason in one.reasons:
        if not reason.endswith((*told, help or "\n")):
            yield f"    {unbroken(reason)}"
    if help:
        yield f"    {paint('help', 'accent')}: {unbroken(help)}"


def _about(given: str, found: Verification | None) -> str:
    if found is None:
        return ""
    proof = str(found.proof) if found.proof is not None else ""
    about = f" of {proof}" if proof not in {"", given} else ""
    by = f", signed by {found.signer.identity}" if found.signer is not None else ""
    return f": evidence {short(found.evidence)}{about}{by}"


def _check(check: Check, paint: Paint) -> str:
    state = paint(f"{check.state:<11}", _STYLES[check.state])
    reasons = unbroken("; ".join(check.reasons))
    return f"    {state} {check.name:<{_WIDTH}}  {reasons}".rstrip()


def _against(report: VerifyReport, paint: Paint) -> str:
    tree = f"commit {report.revision[:12]}" if report.revision else "the work tree"
    keys = "no keys: there is no trust ref"
    if report.trust is not None:
        keys = f"the keys of {unbroken(report.trust.ref)} at {report.trust.revision[:12]}"
    return paint(f"against {tree}, for {unbroken(report.environment)}, with {keys}", "dim")


def verify_json(result: Result[VerifyReport]) -> dict[str, Any]:
    """Return what verifying showed as JSON."""
    report = result.value
    trust = report.trust
    return {
        "format": "chimera-verify/1",
        "outcome": result.outcome.value,
        "environment": report.environment,
        "revision": report.revision,
        "trust": None if trust is None else {"ref": trust.ref, "revision": trust.revision},
        "evidence": [_examined_json(one) for one in report.examined],
    }


def _examined_json(one: Examined) -> dict[str, Any]:
    found = one.verification
    signer = found.signer if found is not None else None
    return {
        "given": one.given,
        "outcome": one.outcome.value,
        "proof": str(found.proof) if found is not None and found.proof is not None else None,
        "evidence": found.evidence if found is not None else None,
        "state": found.state if found is not None else None,
        "signer": None
        if signer is None
        else {"identity": str(signer.identity), "key": signer.fingerprint},
        "checks": [_check_json(check) for check in found.checks] if found is not None else [],
        "reasons": list(one.reasons),
        "help": one.help,
    }


def _check_json(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "state": check.state,
        "reasons": list(check.reasons),
        "help": check.help,
    }
