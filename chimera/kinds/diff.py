"""What became of one target between what was there before and a snapshot."""

from __future__ import annotations

from chimera.model import Action, Change, Digest, Target


def change_of(target: Target, before: Digest | None, after: Digest | None, base: str) -> Change:
    """Return the change of one target, `no-op` where the digests are equal.

    `base` names what `before` is, for the reason: `the applied state`, `main`.
    """
    if before == after:
        return Change(target, Action.NO_OP, before, after, f"is as in {base}")
    if before is None:
        return Change(target, Action.CREATE, None, after, "is new")
    if after is None:
        return Change(target, Action.DELETE, before, None, "is no longer in the tree")
    return Change(target, Action.UPDATE, before, after, f"differs from {base}")
