"""Writes runs with large values and forgets old ones, again and again, until it is ended.

Not a test.
"""

import sys
from datetime import timedelta
from pathlib import Path

from chimera.context import Context
from chimera.state import Event, EventKind, RunStatus, open_state


def main():
    """Say a line once there is something, and go on."""
    root, context = Path(sys.argv[1]), Context.system()
    number = 0
    while True:
        with open_state(root, context, command="writer", wait=10, is_whole=True) as state:
            for _ in range(20):
                number += 1
                run = state.create_run("local", f"Workflow/w{number}", {"steps": []}, None)
                now = context.clock.now()
                value = f"{number} " * 40_000
                events = [
                    Event(EventKind.START, "a", 1, now),
                    Event(EventKind.DONE, "a", 1, now, value),
                ]
                state.record(run.uid, events, status=RunStatus.CANCELLED)
            state.prune(before=context.clock.now() - timedelta(milliseconds=100))
        if number == 20:
            print("ready", flush=True)


if __name__ == "__main__":
    main()
