"""Requests to a run from other processes: files in a spool that the running process looks into.

The one that holds the apply lock is the only one that writes the state, so others ask it. Refuses
nothing by itself: what a request means is the scheduler's and `runs`' to say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from chimera.context import Context, write_whole
from chimera.model import StateError
from chimera.state import EventKind, Json, Layout


class ControlAction(Enum):
    """What can be asked of a run."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"

    @property
    def event(self) -> EventKind:
        """The event that records it."""
        return EventKind[self.name]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, by whom and why, and the file that it came in."""

    action: ControlAction
    actor: str
    reason: str
    path: Path

    @property
    def data(self) -> Json:
        """What the journal keeps of it."""
        return {"actor": self.actor, "reason": self.reason}

    def discard(self) -> None:
        """Remove the request: the journal has it now."""
        self.path.unlink(missing_ok=True)


def leave_request(
    layout: Layout, context: Context, run: str, action: ControlAction, reason: str
) -> None:
    """Leave a request for the process that executes `run`, now or later."""
    layout.create()
    content = {"action": action.value, "actor": context.actor.name, "reason": reason}
    path = layout.control / f"{run}.{context.ids.new()}.json"  # ids sort by time
    try:
        write_whole(path, json.dumps(context.secrets.mask_json(content)).encode())
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}", help="make .chimera/control writable"
        ) from error


def requests_for(layout: Layout, run: str) -> list[Request]:
    """Return the requests for `run` in the order in which they were made."""
    if not layout.control.is_dir():
        return []
    found = (_read(path) for path in sorted(layout.control.glob(f"{run}.*.json")))
    return [request for request in found if request is not None]


def _read(path: Path) -> Request | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Request(ControlAction(content["action"]), content["actor"], content["reason"], path)
    except (OSError, ValueError, TypeError, KeyError):
        return None  # taken by another process, or not written by leave_request
