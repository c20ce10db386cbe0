"""The differences between what was applied (or stands at a base) and a snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chimera.kinds.snapshot import Snapshot
from chimera.model import Action, Address, Change, Digest


def diff_documents(
    before: Mapping[Address, Digest], snapshot: Snapshot, compared_with: str
) -> Iterator[Change]:
    """Yield one change for each desired document, `no-op` included, in order of address.

    `compared_with` names what `before` is, for the reasons: `the applied state`, `main`.
    """
    after = {document.address: document.digest for document in snapshot.desired}
    for address in sorted(before.keys() | after.keys()):
        yield change_of(address, before.get(address), after.get(address), compared_with)


def change_of(
    address: Address, before: Digest | None, after: Digest | None, compared_with: str
) -> Change:
    """Return what became of one target."""
    if before == after:
        reason = f"is the same in {compared_with}"
        return Change(address, Action.NO_OP, before, after, reason)
    if before is None:
        return Change(address, Action.CREATE, None, after, f"is not in {compared_with}")
    if after is None:
        return Change(address, Action.DELETE, before, None, f"is in {compared_with} only")
    return Change(address, Action.UPDATE, before, after, f"differs from {compared_with}")
