"""Named random streams. Refuses randomness that has no seed and no name."""

from __future__ import annotations

import hashlib
import random


def stream(seed: str, *labels: str) -> random.Random:
    """Return the random stream that `labels` name under `seed`: equal on every platform.

    Streams under different labels are independent, so that one consumer that draws more does not
    shift another. `random()`, `getrandbits()` and `randbytes()` are stable between versions of
    Python; what is drawn by other methods is stable within one.
    """
    name = hashlib.sha256()
    for part in (seed, *labels):
        data = part.encode()
        name.update(len(data).to_bytes(8) + data)  # the lengths keep ("a", "bc") from ("ab", "c")
    return random.Random(int.from_bytes(name.digest()))  # noqa: S311 - reproducible, not secret
