"""Requests to a run from other processes: files in a spool that the running process looks into.

The one that holds the apply lock is the only one that writes the state, so others ask it. Refuses
nothing by itself: what a request means is the scheduler's and `runs`' to say.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from chimera.context import Context, write_whole
from chimera.model import StateError, UsageError
from chimera.state import EventKind, Json, Layout

LARGEST = 16 * 1024 * 1024
"""Bytes of the largest request."""


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
    """Leave a request for the process that executes `run`, now or later.

    Raises `UsageError` where what a signal brings is no JSON, or too much of it.
    """
    layout.create()
    said = {"action": action.value, "actor": context.actor.name, "reason": reason}
    content = {**said, "name": name, "payload": payload}
    path = layout.control / f"{run}.{context.ids.new()}.json"  # ids sort by time
    data = _encoded(context.secrets.mask_json(content))
    try:
        write_whole(path, data)
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}", help="make .chimera/control writable"
        ) from error


def requests_for(layout: Layout, run: str) -> list[Request]:
    """Return the requests for `run` in the order in which they were made."""
    if not layout.control.is_dir():
        return []
    found = []
    for path in sorted(layout.control.glob(f"{run}.*.json")):
        with suppress(OSError):  # taken by another process
            found.append(_read(path))
    return [request for request in found if request is not None]


def all_requests(layout: Layout, useless: set[str] | None = None) -> dict[str, list[Request]]:
    """Return the requests for all runs, by run, in the order in which they were made.

    Files whose names are `useless` are not looked at; names of those that are no requests join
    them, so that whoever asks often reads them once.
    """
    useless = useless if useless is not None else set()
    try:
        names = sorted(entry.name for entry in os.scandir(layout.control))
    except FileNotFoundError:
        return {}
    found: dict[str, list[Request]] = {}
    for name in names:
        if not name.endswith(".json") or name in useless:
            continue
        try:
            request = _read(layout.control / name)
        except OSError:
            continue  # taken by another process, or not to be read for the moment
        if request is None:
            useless.add(name)
        else:
            found.setdefault(name.partition(".")[0], []).append(request)
    return found


def _encoded(content: Json) -> bytes:
    try:
        data = json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"what is asked is not JSON: {error}", help="send text, finite numbers, lists and maps"
        ) from error
    if len(data) > LARGEST:
        raise UsageError(
            f"what is asked takes {len(data):,} bytes, and no more than {LARGEST:,} are taken",
            help="write it to a file, and send the path and the digest of that",
        )
    return data


def _read(path: Path) -> Request | None:
    """Return the request of a file; `None` where `leave_request` did not write it.

    Raises `OSError` where it is gone, or cannot be read.
    """
    if path.is_symlink() or not path.is_file():
        return None  # it may lead out of the work tree, or never end
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    try:
        content = json.loads(data, parse_constant=_refuse_constant)
        action = ControlAction(content["action"])
        texts = (content["actor"], content["reason"], content.get("name", ""), path.name)
        payload = content.get("payload")
        if not all(isinstance(text, str) for text in texts):
            return None
        json.dumps((texts, payload), ensure_ascii=False).encode()  # a lone surrogate is no text
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    actor, reason, name, _ = texts
    return Request(action, actor, reason, path, name, payload)


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
