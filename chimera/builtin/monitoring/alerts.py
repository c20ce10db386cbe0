"""Alerts that are given on the command line: `cpuUsage>0.9`."""

from __future__ import annotations

import re
from typing import get_args

from chimera.builtin.monitoring.kinds import AlertSpec, Measure
from chimera.kinds import suggestion
from chimera.model import UsageError

_FORM = re.compile(r"\s*([A-Za-z]+)\s*([<>])\s*(-?\d+(?:\.\d+)?)\s*")


def parse_alert(text: str) -> AlertSpec:
    """Read a threshold; raises `UsageError` for what is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is no threshold", help="write MEASURE>NUMBER, as in 'cpuUsage>0.9'"
        )
    measure, sign, number = found.groups()
    known = get_args(Measure)
    if measure not in known:
        listed = f"there is: {', '.join(known)}"
        raise UsageError(
            f"there is no measure {measure!r}", help=suggestion(measure, known, listed)
        )
    side = "above" if sign == ">" else "below"
    return AlertSpec.model_validate(
        {"measure": measure, "threshold": float(number), "when": side, "message": text}
    )
