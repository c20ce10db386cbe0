"""What a module hears of others because its type subscribed to their topics.

The shape is the one in which the hub delivers what was published. Refuses what says of no object.
"""

from __future__ import annotations

from typing import Any

from chimera.kinds import Field, Items, Model, Text


class Notice(Model):
    """Something that happened to an object of another module."""

    message_id: Text = Field(description="Id of the message; the same when it comes again.")
    topic: Text = Field(description="What happened, such as context.closed.")
    payload: dict[str, Any] = Field(description="The object's id, and the event.")
    correlation_id: str = Field(default="", description="What it belongs to, such as a run.")
    timestamp: str = Field(default="", description="When it was said.")

    @property
    def object(self) -> str:
        """The id of the object, or nothing where the notice names none."""
        return str(self.payload.get("id", ""))

    @property
    def changes(self) -> tuple[str, ...]:
        """The fields of the object that changed, as far as the notice says."""
        event = self.payload.get("event") or {}
        return tuple(event.get("data", {}).get("changes", ()))


class Noted(Model):
    """What a module did about it."""

    changed: Items[str] = Field(description="Ids of its own objects that changed, in order.")
