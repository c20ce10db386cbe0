"""Which gates a change concerns, and what they ask for, in whatever environment.

A pull request is judged before anybody chooses where it is applied. Refuses to owe: what is owed
in an environment is `obligations`'.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.gate.kinds import GateSpec
from chimera.kinds import Subject
from chimera.model import Address, Change, Touch


def touch(subject: Subject) -> Iterator[Touch]:
    """Yield each gate with each change that it is about, as it is and as it was, once."""
    changes = [change for change in subject.changes or () if change.changes]
    found: dict[tuple[Address, Change], dict[str, None]] = {}
    for address, gate in subject.binding(GateSpec):
        for change in changes:
            if subject.selects(gate.match, change):
                found.setdefault((address, change), {}).update(dict.fromkeys(asks_of(gate)))
    for (address, change), asks in found.items():
        yield Touch(str(address), address, change.target, change.paths, tuple(asks))


def asks_of(gate: GateSpec) -> Iterator[str]:
    """Yield what a gate asks for, in words, each with where it does so if not everywhere."""
    where = " or ".join(name.removeprefix("Environment/") for name in gate.match.environments)
    there = f" in {where}" if where else ""
    for proof in gate.requires.proofs:
        yield f"proof {proof}{there}"
    for approval in gate.requires.approvals:
        people = "a person" if approval.count == 1 else f"{approval.count} people"
        yield f"approval by {people} of {approval.role}{there or ' where it is protected'}"
    for record in gate.requires.records:
        yield f"record {record}{there}"
