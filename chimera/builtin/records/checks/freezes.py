"""What is asked of freezes that stand: a scope that is there, and an end after the beginning.

A freeze of a misspelt layer would freeze nothing, and nobody would know. Refuses to ask it of one
that is over: a record stays true when what it is about is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from chimera.builtin.records.checks.faults import Filed, contradiction
from chimera.builtin.records.kinds import FreezeSpec
from chimera.contract import LayerContractSpec
from chimera.gate import environments
from chimera.kinds import Snapshot, suggestion
from chimera.model import Diagnostic

Freeze = Filed[FreezeSpec]
Known = Mapping[str, set[str]]


def judge_freeze(freeze: Freeze, known: Known, now: datetime) -> Iterator[Diagnostic]:
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
