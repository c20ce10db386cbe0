"""Named tokens as limits of concurrency: a step that names one holds it while it runs.

Unlike a lease a token is given back by itself when the step ends. Refuses cpu, memory and gpu, of
which a step may need more than one unit: these are leased.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

from chimera.builtin.resources.kinds import ResourcePoolSpec
from chimera.builtin.resources.quantities import AUTO, units
from chimera.kinds import Snapshot

_LEASED = {"cpu", "memory", "gpu"}


def tokens_of(snapshot: Snapshot) -> dict[str, int]:
    """Return how many of each token there are, in all pools together."""
    tokens: dict[str, int] = {}
    for pool in snapshot.of_model(ResourcePoolSpec):
        for name, pooled in pool.spec.resources.items():
            if name in _LEASED or pooled.capacity == AUTO:
                continue
            share = Fraction(str(pooled.maximum_utilisation or pool.spec.maximum_utilisation))
            with suppress(ValueError):  # a part of a token, which a check refuses
                tokens[name] = tokens.get(name, 0) + int(units(name, pooled.capacity) * share)
    return {name: max(1, count) for name, count in sorted(tokens.items())}
