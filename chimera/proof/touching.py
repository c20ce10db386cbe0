"""Which proofs a change concerns by what they cover, whenever they are run.

Refuses to owe: whether a proof is owed in an environment is `owed`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.kinds import Subject
from chimera.model import Address, Change, Touch
from chimera.proof.kinds import Phase, ProofSpec
from chimera.proof.owed import covers_anything

_WHEN: dict[Phase, str] = {
    "merge": "at merge",
    "apply": "at apply",
    "rollback": "before a rollback",
}


def touch(subject: Subject) -> Iterator[Touch]:
    """Yield each proof with each change that it covers, as it is and as it was, once."""
    changes = [change for change in subject.changes or () if change.changes]
    found: dict[tuple[Address, Change], dict[str, None]] = {}
    for address, spec in subject.binding(ProofSpec):
        for change in changes if covers_anything(spec) else ():
            if subject.selects(spec.covers, change):
                ask = f"evidence {_WHEN[spec.phase]}: {spec.claim}"
                found.setdefault((address, change), {})[ask] = None
    for (address, change), asks in found.items():
        yield Touch(str(address), address, change.target, change.paths, tuple(asks))
