"""Who does something about an incident, when, and what becomes of its record by that.

Refuses automation and a time that has not come.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.finding import require_name, require_person
from chimera.builtin.records.kinds import written
from chimera.builtin.records.writing import Draft
from chimera.context import is_to_come
from chimera.kinds import when
from chimera.model import Address, UsageError

if TYPE_CHECKING:
    from chimera.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who does something, and when."""

    by: str
    at: datetime

    @staticmethod
    def of(workspace: Workspace, what: str, at: datetime | None, by: str | None) -> Occasion:
        """Return the occasion of a person's command; raises `UsageError` for another one's."""
        context = workspace.context
        require_person(context.actor, what)
        now = context.clock.now()
        if at is not None and is_to_come(at, now):
            raise UsageError(
                f"{written(at)} has not come yet", help="records state what happened: give --at"
            )
        who = require_name(by) if by is not None else context.actor.name
        return Occasion(who, (at or now).replace(microsecond=0))

    def stamp(self) -> dict[str, Any]:
        """Return it as records write it."""
        return {"at": written(self.at), "by": self.by}


@dataclass
class Response:
    """An incident with what a command does about it, written at the end."""

    address: Address
    draft: Draft
    occasion: Occasion
    done: list[str] = field(default_factory=list)
    """What became of it, a sentence each."""

    def note(self, text: str, kind: str) -> None:
        """Put a line into the timeline where it belongs by its time."""
        timeline = self.draft.value(self.address, ("timeline",)) or []
        moments = [when(event["at"]) for event in timeline]
        event = {**self.occasion.stamp(), "text": text, "kind": kind}
        index = bisect_right(moments, self.occasion.at)
        self.draft.append(self.address, ("timeline",), event, index=index)

    def freeze(self, commander: str, environment: str, reason: str) -> None:
        """Propose the freeze that the incident owes, beside it."""
        freeze = Address("Freeze", self.address.name)
        scope = {"environments": [f"Environment/{environment}"]}
        spec = {
            "scope": scope,
            "from": written(self.occasion.at),
            "reason": reason,
            "by": commander,
            "incident": str(self.address),
        }
        self.draft.create(freeze, spec)
        self.draft.put(self.address, ("freeze",), str(freeze))
        self.done.append(f"{freeze} stands: nothing is applied to {environment} until it is over")
