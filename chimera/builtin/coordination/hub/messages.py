"""Messages between modules (seed 003's InterModuleMessage), and dead letters, as values.

Refuses to know how either is kept or carried.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from chimera.kinds import Field, Model, Text

Priority = Literal["low", "normal", "high", "critical"]

RANKS: dict[Priority, int] = {"low": -10, "normal": 0, "high": 10, "critical": 20}
"""The priority of the step that delivers a message: of those that are ready, the highest starts."""


class Message(Model):
    """What one module asks of another, or is told because it subscribed."""

    id: Text = Field(description="Id of the message; the same when it is delivered again.")
    source_module: Text = Field(description="Who sends it.")
    target_module: Text = Field(description="Whom it is for.")
    operation: Text = Field(description="What is asked of it: contextUpdated, for one.")
    payload: dict[str, Any] = Field(description="Inputs of the operation.")
    correlation_id: Text = Field(description="What it belongs to; the run, unless it says another.")
    timestamp: Text = Field(description="When it was sent, in UTC.")
    priority: Priority = Field(description="Which messages are delivered before others.")
    deadline: Text | None = Field(
        description="When it is too late to deliver it; null for what was published."
    )

    @property
    def name(self) -> str:
        """The operation's full name."""
        return f"{self.target_module}.{self.operation}"

    def is_late(self, now: datetime) -> bool:
        """Tell whether the deadline has passed."""
        return self.deadline is not None and now > datetime.fromisoformat(self.deadline)


class Letter(Model):
    """A message that could not be delivered, and why."""

    message: Message = Field(description="The message.")
    reason: Text = Field(description="Why it could not be delivered.")
    at: Text = Field(description="When that was found out.")
    run: str = Field(description="Run in which it was.")
    replays: int = Field(description="How often it has been sent again.")


def plain(model: Model) -> dict[str, Any]:
    """Return a message or a letter as JSON."""
    return model.model_dump(mode="json")
