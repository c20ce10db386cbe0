"""What verifying a piece of evidence found, as values: its checks, how it stands, and by whom.

Refuses anything between valid and not: one check that failed is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chimera.model import Address, Digest, Finding, Outcome, TrustedKey
from chimera.proof.evidence.conformance import Stated

CheckName = Literal[
    "payload type",
    "statement",
    "signature",
    "key",
    "proof definition",
    "subjects",
    "engine",
    "isolation",
    "result",
]
CheckState = Literal["pass", "fail", "not-asked", "not-reached"]
State = Literal["valid", "failed", "stale", "missing", "altered", "untrusted"]

_STATES: dict[CheckName, State] = {
    "payload type": "altered",
    "statement": "altered",
    "signature": "untrusted",
    "key": "untrusted",
    "proof definition": "stale",
    "subjects": "stale",
    "engine": "stale",
    "isolation": "failed",
    "result": "failed",
}
OUTCOMES: dict[State, Outcome] = {
    "valid": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "altered": Outcome.FAILED,
    "untrusted": Outcome.FAILED,
    "stale": Outcome.STALE,
    "missing": Outcome.NOT_EXERCISED,
}
"""How each state ends a command."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of evidence: how it ended, why, and what to do where it failed."""

    name: CheckName
    state: CheckState
    reasons: tuple[str, ...] = ()
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """Every check of one piece of evidence; `signer` is whose signature counted."""

    evidence: Digest
    checks: tuple[Check, ...]
    proof: Address | None = None
    stated: Stated | None = None
    signer: TrustedKey | None = None

    @property
    def failed(self) -> Check | None:
        """The check that failed, if one did."""
        return next((check for check in self.checks if check.state == "fail"), None)

    @property
    def state(self) -> State:
        """How the evidence stands; only `valid` counts."""
        return "valid" if self.failed is None else _STATES[self.failed.name]

    @property
    def finding(self) -> Finding:
        """The evidence as the gate weighs it: what is stale or untrusted has shown nothing."""
        if self.state == "valid":
            return Finding.PASS
        if self.state == "failed" and self.stated is not None:
            is_unexercised = self.stated.finding is Finding.NOT_EXERCISED
            return Finding.NOT_EXERCISED if is_unexercised else Finding.FAIL
        return Finding.FAIL if self.state == "altered" else Finding.NOT_EXERCISED

    @property
    def outcome(self) -> Outcome:
        """The evidence as an exit code says it."""
        if self.state == "failed" and self.finding is Finding.NOT_EXERCISED:
            return Outcome.NOT_EXERCISED
        return OUTCOMES[self.state]
