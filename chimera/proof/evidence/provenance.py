"""What evidence says of its own proving: when, by whom and where, and whether it passed.

It is as good as its signatures, and is shown and never weighed but for the time, which orders what
counts already. Refuses to fail over a statement that says it in another form: that says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chimera.context import is_to_come, parse_instant
from chimera.model import Finding, UsageError
from chimera.proof.evidence.store import Statement


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a statement says of the proving: empty where it says nothing that can be read."""

    proof: str
    finding: str
    at: str
    actor: str
    environment: str
    revision: str

    @staticmethod
    def of(statement: Statement) -> Provenance:
        """Read a statement, of which anything may be missing or of another type."""
        predicate = _mapping(statement.get("predicate"))
        volatile = _mapping(predicate.get("volatile"))
        actor = _mapping(volatile.get("actor"))
        return Provenance(
            proof=_text(predicate.get("proof")),
            finding=_text(predicate.get("finding")),
            at=_text(volatile.get("at")),
            actor=_text(actor.get("name")),
            environment=_text(volatile.get("environment")),
            revision=_text(volatile.get("revision")),
        )

    @property
    def moment(self) -> str:
        """When it was proven, to the second."""
        whole, dot, _ = self.at.partition(".")
        return f"{whole}Z" if dot else self.at


def untimely(at: str, now: datetime) -> str | None:
    """Say why evidence dated `at` cannot vouch for anything at `now`; `None` where it can.

    What is dated ahead would outrank every failure until then.
    """
    try:
        instant = parse_instant(at)
    except UsageError:
        return "it does not say when it was proven"
    return f"it is dated {at}, which is yet to come" if is_to_come(instant, now) else None


def is_pass(statement: Statement) -> bool:
    """Tell whether a statement says that the proof passed, in both of its fields."""
    predicate = _mapping(statement.get("predicate"))
    finding = predicate.get("finding")
    return predicate.get("result") == "PASSED" and finding == Finding.PASS.value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
