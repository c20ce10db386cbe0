"""Whether what proofs of production found is entered in the changelog, whichever it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chimera.builtin.records.checks.changelog import WITHIN, Changelog
from chimera.builtin.records.checks.faults import Filed, omission
from chimera.builtin.records.kinds import after
from chimera.kinds import when
from chimera.model import Diagnostic
from chimera.proof import ReleaseProofSpec


def judge_result(
    proof: Filed[ReleaseProofSpec], changelog: Changelog, now: datetime
) -> Iterator[Diagnostic]:
    """Report a result of production that no entry names, by itself or by the content it is of."""
    spec = proof.spec
    is_entered = proof.name in changelog.cited or any(
        subject.digest in changelog.digests for subject in spec.subjects
    )
    if not is_entered and now > after(when(spec.at), WITHIN):
        yield omission(
            proof,
            "proof-result-unentered",
            f"what {spec.proof} found for {spec.environment} is in no entry of the changelog",
            ("verdict",),
            f"enter it, whichever it is: an entry with refs: [{proof.name}]",
        )
