"""What an edit of a proof takes from the gates and contracts that rely on it."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.proof.kinds import ProofSpec


def breaks(before: ProofSpec, after: ProofSpec) -> Iterator[str]:
    """Yield what it no longer shows, and where it is no longer owed."""
    if before.claim != after.claim:
        yield f"it no longer shows that {before.claim}"
    kept = set(after.inputs)
    yield from (f"it no longer proves {glob}" for glob in before.inputs if glob not in kept)
    if before.phase == "apply" and after.phase != "apply":
        yield "it is no longer owed where nothing is protected"
