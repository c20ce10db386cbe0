"""What is asked of freezes that stand: a scope that is there, and an end after the beginning.

A freeze of a misspelt layer would freeze nothing, and nobody would know. Refuses to ask it of one
that is over: a record stays true when what it is about is gone. Of one that was lifted it tells
where that was another than who could.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from chimera.builtin.records.checks.faults import Filed, contradiction, remark
from chimera.builtin.records.kinds import FreezeSpec, IncidentSpec
from chimera.builtin.records.spec.moments import person
from chimera.contract import LayerContractSpec
from chimera.gate import environments
from chimera.kinds import Snapshot, suggestion
from chimera.model import Diagnostic

Freeze = Filed[FreezeSpec]
Known = Mapping[str, set[str]]


def judge_freeze(
    freeze: Freeze, incident: IncidentSpec | None, known: Known, now: datetime
) -> Iterator[Diagnostic]:
    """Report everything that is wrong with a freeze; `known` is what scopes can name, by field."""
    if freeze.spec.is_backwards:
        yield contradiction(
            freeze,
            "freeze-never-stands",
            f"it ends at {freeze.spec.until}, before it begins",
            ("until",),
            "write an until that is after from, or leave it out",
        )
    if not freeze.spec.is_over(now):
        yield from _scope(freeze, known)
    yield from _lift(freeze, incident)


def _lift(freeze: Freeze, incident: IncidentSpec | None) -> Iterator[Diagnostic]:
    """Report that another lifted it than who declared it, or commanded or ended its incident."""
    lifted = freeze.spec.lifted
    if lifted is None:
        return
    can = [freeze.spec.by]
    if incident is not None:
        can += [one.by for one in incident.commands]
        can += [incident.resolved.by] if incident.resolved else []
    if person(lifted.by) not in map(person, can):
        yield remark(
            freeze,
            "freeze-lifted-foreign",
            f"{lifted.by} lifted it, and {freeze.spec.by} declared it",
            ("lifted", "by"),
            "who declares a freeze lifts it; for an incident, who commands or resolves that",
        )


def _scope(freeze: Freeze, known: Known) -> Iterator[Diagnostic]:
    for field, there in known.items():
        for index, name in enumerate(getattr(freeze.spec.scope, field)):
            if name not in there:
                listed = f"there is: {', '.join(sorted(there)) or 'none'}"
                yield contradiction(
                    freeze,
                    "freeze-scope-unknown",
                    f"{name!r} is not among the {field} here, so that it freezes none by it",
                    ("scope", field, index),
                    suggestion(name, there, listed),
                )


def scopes(snapshot: Snapshot) -> Known:
    """Return what the scope of a freeze can name, by its field."""
    layers = {
        f"{contract.address.name}/{layer.id}"
        for contract in snapshot.of_model(LayerContractSpec)
        for layer in contract.spec.layers
    }
    return {
        "environments": {f"Environment/{name}" for name in environments(snapshot)},
        "kinds": set(snapshot.registry.kinds),
        "layers": layers,
    }
