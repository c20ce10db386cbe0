"""What guards, freezes and incidents stop now, as every plan and status shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chimera.render.paint import Paint, plain, unbroken

if TYPE_CHECKING:
    from chimera.gate import Halt

STATES = {
    "switch": "engaged",
    "machine": "engaged here",
    "maintenance": "maintenance",
    "freeze": "frozen",
    "incident": "open incident",
}


def halt_lines(halts: Iterable[Halt], paint: Paint = plain) -> Iterator[str]:
    """Yield a line for each that stops anything, or will."""
    for halt in halts:
        state = STATES[halt.kind]
        head = paint(state, "bad") if halt.is_standing else paint(f"{state} to come", "warn")
        yield (
            f"{head}: {unbroken(halt.guard)} stops {unbroken(halt.concerns)}: {unbroken(halt.said)}"
        )
        if not halt.is_recorded:
            yield f"  no document records it; {unbroken(halt.lift)}"


def halts_json(halts: Iterable[Halt]) -> list[dict[str, Any]]:
    """Return them as JSON."""
    return [halt.to_json() for halt in halts]
