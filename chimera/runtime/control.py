"""Requests to a run from other processes: files in a spool that the running process looks into.

The one that holds the apply lock is the only one that writes the state, so others ask it. Refuses
nothing by itself: what a request means is the scheduler's and `runs`' to say.
"""

from __future__ import annotations

import json
import os
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
    SIGNAL = "signal"
    RETRY = "retry"

    @property
    def event(self) -> EventKind:
        """The event that records it; a retry from a stage is a way of taking the run up again."""
        return EventKind.RESUME if self is ControlAction.RETRY else EventKind[self.name]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, by whom and why, and the file that it came in.

    `name` is that of a signal, or the stage to retry from; `payload` is what a signal brings.
    """

    action: ControlAction
    actor: str
    reason: str
    path: Path
    name: str = ""
    payload: Json = None

    @property
    def id(self) -> str:
        """What tells it from every other request: it is taken once, whatever is killed when."""
        return self.path.stem

    @property
    def data(self) -> dict[str, Json]:
        """What the journal keeps of it."""
        said: dict[str, Json] = {"actor": self.actor, "reason": self.reason, "request": self.id}
        if self.action is ControlAction.SIGNAL:
            said |= {"name": self.name, "data": self.payload}
        return said

    def discard(self) -> None:
        """Remove the request: the journal has it now."""
        self.path.unlink(missing_ok=True)


def leave_request(
    layout: Layout,
    context: Context,
    run: str,
    action: ControlAction,
    reason: str,
    *,
    name: str = "",
    payload: Json = None,
) -> None:
    """Leave a request for the process that executes `run`, now or later."""
    layout.create()
    said = {"action": action.value, "actor": context.actor.name, "reason": reason}
    content = {**said, "name": name, "payload": payload}
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


def all_requests(layout: Layout) -> dict[str, list[Request]]:
    """Return the requests for all runs, by run, in the order in which they were made."""
    try:
        names = sorted(entry.name for entry in os.scandir(layout.control))
    except FileNotFoundError:
        return {}
    found: dict[str, list[Request]] = {}
    for name in names:
        if name.endswith(".json") and (request := _read(layout.control / name)) is not None:
            found.setdefault(name.partition(".")[0], []).append(request)
    return found


def _read(path: Path) -> Request | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Request(
            *(ControlAction(content["action"]), content["actor"], content["reason"], path),
            *(content.get("name", ""), content.get("payload")),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None  # taken by another process, or not written by leave_request
