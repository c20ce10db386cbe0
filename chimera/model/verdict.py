"""Verdicts: what a judge found about one subject; three values and nothing between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from chimera.model.diagnostic import Diagnostic
from chimera.model.digest import Digest

RuleAction = Literal["deny", "warn", "audit"]


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

    `action` is what a policy's rule does where it is broken, `None` for every other judge; `waiver`
    the address of the Waiver by which a broken rule passes; `count` the number of subjects of which
    a rule says the same, where that is not worth a verdict for each; `rests_on` the digests of the
    records, evidence and approvals by which it passes.
    """

    judge: str
    subject: str
    finding: Finding
    reasons: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    action: RuleAction | None = None
    waiver: str | None = None
    count: int = 1
    rests_on: tuple[Digest, ...] = ()

    @property
    def is_unexplained(self) -> bool:
        """Whether it fails and carries nothing that says why: no diagnostic can stand for it."""
        return self.finding is Finding.FAIL and not self.diagnostics

    @property
    def is_bare(self) -> bool:
        """Whether it says that its subject passes, and nothing else."""
        said = (self.reasons, self.diagnostics, self.action, self.waiver, self.count, self.rests_on)
        return self.finding is Finding.PASS and said == ((), (), None, None, 1, ())

    @property
    def label(self) -> str:
        """The finding in a word; of a broken rule that passes all the same, why it does.

        `warn` and `audit` for what its action is, `waived` for one that a Waiver silences.
        """
        if self.finding is not Finding.PASS:
            return str(self.finding.value)
        if self.waiver is not None:
            return "waived"
        return self.action if self.action is not None and self.diagnostics else "pass"
