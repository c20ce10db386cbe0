"""Applies one target after another, each with an approval, until somebody kills it."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from chimera.context import Context
from chimera.state import Applied, open_state

context = Context.system()
with open_state(Path(sys.argv[1]), context, command="test") as state:
    numbers = [int(target.removeprefix("Thing/")) for _, target in state.spent("production")]
    first = max(numbers, default=-1) + 1
    print("ready", flush=True)
    for number in count(first):
        target, now = f"Thing/{number}", context.clock.now()
        state.put_applied("production", Applied(target, "d", now), [f"sha256:{number}"])
        if number % 7 == 3:
            state.remove_applied("production", target, [f"sha256:again-{number}"])
            state.put_applied("production", Applied(target, "e", now), [f"sha256:last-{number}"])
