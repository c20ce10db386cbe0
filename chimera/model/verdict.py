"""Verdicts: what a judge found about one subject; three values and nothing between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chimera.model.diagnostic import Diagnostic


class Finding(Enum):
    """Pass, fail, or not exercised: a check that met nothing has shown nothing."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    NOT_EXERCISED = "not-exercised"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one judge says of one subject.

    `judge` names the rule or the document that judged (`Policy/x#rule`, `Proof/y`, `contract`),
    `subject` the address or path set judged, as text. `diagnostics` say why it failed.
    """

    judge: str
    subject: str
    finding: Finding
    reasons: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def is_unexplained(self) -> bool:
        """Whether it fails and carries nothing that says why: no diagnostic can stand for it."""
        return self.finding is Finding.FAIL and not self.diagnostics
