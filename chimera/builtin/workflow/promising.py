"""Outputs that a stage has to give, wherever its work is executed and whatever its work is.

Refuses what gives them as null, too: who refers to an output relies on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from chimera.runtime import Expansion, Json, Outputs, PermanentError


def checked(outputs: Json, promised: Sequence[str]) -> Json:
    """Return outputs that hold all that was promised; raises `PermanentError` for others."""
    for name in promised:
        if not isinstance(outputs, dict) or outputs.get(name) is None:
            raise PermanentError(
                f"it gave no {name!r}, which the stage has to give",
                help="remove it under outputs, or do something that gives it",
            )
    return outputs


def promising(expansion: Expansion, promised: Sequence[str]) -> Expansion:
    """Return an expansion whose output is checked."""
    collect: Callable[[Outputs], Json] = expansion.collect
    if not promised:
        return expansion
    return replace(expansion, collect=lambda outputs: checked(collect(outputs), promised))
