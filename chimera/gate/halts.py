"""Guards that stop everything in their scope now, as values, wherever they are engaged.

Refuses to decide: guards are weighed at the gate, and asked by the engine between steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

_DEEDS = {"freeze": "declared", "incident": "commanded"}


@dataclass(frozen=True, slots=True)
class Halt:
    """That a guard or a record stops everything in its scope, why, and how that ends.

    `kind` is `switch` for one that a document has engaged, `machine` for one that somebody engaged
    here, `maintenance` for a time that ends by itself; `freeze` is one that stands, `incident` an
    open one that owes a freeze. `where` is the place that says so, `by` and
    `since` who engaged it and from when, as far as that is known. `is_recorded` tells that a
    document has it engaged too, and `is_trusted` that the trust ref does; of a time of maintenance
    to come `is_standing` is false.
    """

    guard: str
    kind: Literal["switch", "machine", "maintenance", "freeze", "incident"]
    reason: str
    where: str
    scope: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by: str = ""
    since: datetime | None = None
    until: datetime | None = None
    lift: str = ""
    is_recorded: bool = True
    is_standing: bool = True
    is_trusted: bool = False

    @property
    def is_of_guard(self) -> bool:
        """Whether it is a guard that stops, and not a record."""
        return self.kind not in _DEEDS

    @property
    def concerns(self) -> str:
        """What it stops, in words: `everything`, or `the kinds Workflow in Environment/local`."""
        named = dict(self.scope)
        environments = named.pop("environments", ())
        what = "; ".join(f"the {name} {', '.join(these)}" for name, these in named.items() if these)
        where = f" in {', '.join(environments)}" if environments else ""
        return f"{what or 'everything'}{where}"

    @property
    def said(self) -> str:
        """Why it stops, who engaged it and until when, in one line."""
        deed = _DEEDS.get(self.kind, "engaged")
        about = [f"{deed} by {self.by}"] if self.by else []
        about += [f"since {_time(self.since)}"] if self.since else []
        about += [f"until {_time(self.until)}"] if self.until else []
        about.append(f"{'on' if self.kind == 'machine' else 'in'} {self.where}")
        return f"{self.reason} ({', '.join(about)})"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "guard": self.guard,
            "kind": self.kind,
            "reason": self.reason,
            "where": self.where,
            "scope": {name: list(these) for name, these in self.scope.items() if these},
            "by": self.by or None,
            "since": _time(self.since) if self.since else None,
            "until": _time(self.until) if self.until else None,
            "lift": self.lift,
            "recorded": self.is_recorded,
            "standing": self.is_standing,
        }


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
