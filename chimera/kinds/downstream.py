"""What leans on a document through references, directly or through others.

Refuses to say whether it still stands: judges do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from chimera.kinds.snapshot import Snapshot
from chimera.model import Address

MOST = 1000
"""How many documents are listed for one change: more are nobody's to read one by one."""


def affected_by(
    changed: Iterable[Address], snapshot: Snapshot, most: int = MOST
) -> Mapping[Address, tuple[Address, ...]]:
    """Return for each changed document those that lean on it, near ones first, `most` at most.

    The near ones refer to it; the next refer to those; of one distance they come in order.
    """
    found = {address: tuple(islice(_downstream(address, snapshot), most)) for address in changed}
    return {address: leaning for address, leaning in found.items() if leaning}


def _downstream(address: Address, snapshot: Snapshot) -> Iterator[Address]:
    seen, level = {address}, [address]
    while level:
        near = {use.source for at in level for use in snapshot.referred_by(at)} - seen
        level = sorted(near)
        seen |= near
        yield from level
