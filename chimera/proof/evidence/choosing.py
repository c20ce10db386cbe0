"""Which statement decides where several are about the same content.

The latest word does: what failed after it had passed is flaky or broken, and stands as failed until
it is proven anew. Only what was made here, or signed by a key that counts, has a word: anybody can
push a statement. Where a signature is asked for, what was made here can take away and never give.
Refuses to pass over what is damaged: it may have been a failure, and counts as the latest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chimera.model import Address, Digest
from chimera.proof.evidence.provenance import Provenance, is_pass, untimely
from chimera.proof.evidence.store import EvidenceError, EvidenceStore


def deciding(
    store: EvidenceStore,
    proof: Address,
    bound_to: Digest,
    *,
    is_signed: Callable[[Digest], bool] = lambda _: False,
    needs_signature: bool = False,
    now: datetime | None = None,
) -> Digest | None:
    """Return the statement that decides about some content, or None where none has a word.

    `is_signed` tells whether a key that counts has signed a statement; with `needs_signature`, one
    that passes decides only if such a key has. What passes from the time after `now` has no word.
    """
    found: list[tuple[tuple[bool, str, bool, Digest], bool]] = []
    for kept in store.about(proof, bound_to):
        signed = is_signed(kept.digest)
        if not signed and not kept.is_own:
            continue
        order = _order(store, kept.digest)
        if order[2] or now is None or untimely(order[1], now) is None:
            found.append((order, signed))
    found.sort()
    if not found:
        return None
    (_, _, fails, latest), _ = found[-1]
    if fails or not needs_signature:
        return latest
    return next((order[-1] for order, signed in reversed(found) if signed), None)


def _order(store: EvidenceStore, digest: Digest) -> tuple[bool, str, bool, Digest]:
    """Return what sorts the latest last: damaged after whole, then by time, failing after passing.

    The third tells whether it fails.
    """
    try:
        statement = store.get(digest)
    except EvidenceError:
        return True, "", True, digest
    return False, Provenance.of(statement).at, not is_pass(statement), digest
