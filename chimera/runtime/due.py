"""What is to be started because something was published: values, and which of it is new.

Refuses to know what a kind makes of a message: its plugin says so by `chimera_find_due`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.state import Applied, Json

if TYPE_CHECKING:
    from chimera.state import Item

STARTED = "started"
"""Collection of the last message that each document was started for, by its address."""


@dataclass(frozen=True, slots=True)
class Published:
    """A message as a step published it; `id` sorts by time."""

    id: str
    topic: str
    payload: Json


@dataclass(frozen=True, slots=True)
class Due:
    """A document that is to be executed, with these inputs, because of a message."""

    target: str
    inputs: Mapping[str, Any]
    message: Published


def published(items: Iterable[Item]) -> tuple[Published, ...]:
    """Return the messages of an outbox, in order; what was put there by no engine is left out."""
    return tuple(
        Published(item.id, item.value["topic"], item.value.get("payload"))
        for item in sorted(items, key=lambda item: item.id)
        if isinstance(item.value, dict) and isinstance(item.value.get("topic"), str)
    )


def not_started(
    due: Iterable[Due], applied: Mapping[str, Applied], last: Mapping[str, str]
) -> list[Due]:
    """Return what is new, in order of messages.

    A document hears of what is published after it was first started by a message, or, before
    that, after it was applied. `last` is the last message of each that was started for one.
    """
    found = []
    for one in due:
        entry = applied.get(one.target)
        if entry is not None and one.message.id > last.get(one.target, entry.at.isoformat()):
            found.append(one)
    return sorted(found, key=lambda one: (one.message.id, one.target))
