"""What a changed or deleted guard stops no longer."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.guards.kinds import GuardSpec


def breaks(before: GuardSpec, after: GuardSpec) -> Iterator[str]:
    """Yield what a guard stops no longer that is edited."""
    if before.engaged and not after.engaged:
        yield "it is released: nothing is stopped by it"
    if before.maintenance is not None and before.maintenance != after.maintenance:
        is_longer = after.maintenance is not None and _covers(before, after)
        if not is_longer:
            yield f"its time of maintenance until {before.maintenance.until} is another, or gone"
    kept = {one.id: one for one in after.invariants}
    for invariant in before.invariants:
        if invariant.id not in kept:
            yield f"the invariant {invariant.id} is gone: {invariant.message}"
        elif kept[invariant.id] != invariant:
            yield f"the invariant {invariant.id} is another: {invariant.message}"
    stopped = before.engaged or before.maintenance or before.invariants
    if stopped and before.scope != after.scope:
        yield "its scope is another: what it was about may not be in it any longer"


def ends(before: GuardSpec) -> Iterator[str]:
    """Yield what nothing stops any longer once a guard is deleted."""
    if before.engaged:
        yield f"nothing stops changes any longer for this reason: {before.reason}"
    if before.maintenance is not None:
        yield f"nothing stops changes any longer until {before.maintenance.until}"
    for invariant in before.invariants:
        yield f"nothing asks any longer that {invariant.message} ({invariant.id})"


def _covers(before: GuardSpec, after: GuardSpec) -> bool:
    """Tell whether the later time of maintenance has all of the earlier in it."""
    earlier, later = before.maintenance, after.maintenance
    if earlier is None or later is None or later.ends < earlier.ends:
        return False
    if later.begins is None:
        return True
    return earlier.begins is not None and later.begins <= earlier.begins
