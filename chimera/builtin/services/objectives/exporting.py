"""Measurements of the state written to a file of the tree, so that a current value can be checked.

Refuses to write a value of which too little was measured.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from chimera.builtin.services.objectives.evaluating import standing
from chimera.builtin.services.objectives.sources import Origin, gather
from chimera.model import UsageError

if TYPE_CHECKING:
    from chimera.builtin.services.spec.objective import ObjectiveSpec
    from chimera.kinds import Document


def exported(
    objective: Document[ObjectiveSpec], origin: Origin, path: str, now: datetime
) -> tuple[bytes, str]:
    """Return the lines of the file at `path`, and the field `current` that they show.

    Raises `UsageError` where too little was measured.
    """
    spec = objective.spec
    gathered = gather(spec.indicator, origin, now - spec.window, now)
    found = standing(objective.address.name, spec, gathered, now)
    if found.value is None or not found.count:
        raise UsageError(
            f"there is no current value of {objective.address}: {found.why or 'nothing happened'}",
            help="measure for longer, as `chimera health` does",
        )
    rows = [
        {"at": one.at.isoformat(), "value": one.value}
        for one in gathered.measurements
        for _ in range(one.count)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    block = "\n".join(
        (
            "current:",
            f"  value: {found.value!r}",
            f'  at: "{now.isoformat()}"',
            f"  count: {found.count}",
            f"  file: {path}",
        )
    )
    return lines.encode(), block
