"""Registers `Guard`, and refuses at the gate what an engaged one stops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chimera.kinds import Kind
from chimera.model import Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.builtin.guards.kinds import GuardSpec
    from chimera.gate import Weighing


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Guard`."""
    return [
        Kind(
            "Guard",
            "chimera.builtin.guards.kinds:GuardSpec",
            "A switch that stops every change in its scope while it is engaged.",
            breaks=_breaks,
            ends=_ends,
        )
    ]


def _breaks(before: GuardSpec, after: GuardSpec) -> Iterable[str]:
    """Yield that it stops nothing any longer."""
    if before.engaged and not after.engaged:
        yield "it is released: nothing is stopped by it"


def _ends(before: GuardSpec) -> Iterable[str]:
    """Yield that nothing stops any longer what it stopped."""
    if before.engaged:
        yield f"nothing stops changes any longer for this reason: {before.reason}"


@hookimpl
def chimera_review_plan(stage: str, weighing: Weighing) -> Iterable[Verdict]:
    """Return which changes an engaged guard stops."""
    from chimera.builtin.guards.reviewing import review

    return tuple(review(weighing)) if stage == "guard" else ()
