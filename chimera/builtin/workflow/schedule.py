"""Schedules: five cron fields, read in UTC.

Refuses names of months and days, `@daily` and seconds: what fires a schedule (cron, a CI schedule,
Kubernetes) must read it the same way, and these five fields are what all of them share.
"""

from __future__ import annotations

import re
from typing import Annotated

from chimera.kinds import AfterValidator, refuse

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
_ITEM = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


def _check(text: str) -> str:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise refuse(
            "workflow-schedule-invalid",
            f"{text!r} has {len(fields)} fields; write minute hour day month weekday",
        )
    for field, (name, low, high) in zip(fields, _FIELDS, strict=True):
        if not all(_fits(item, low, high) for item in field.split(",")):
            raise refuse(
                "workflow-schedule-invalid",
                f"{field!r} is no {name}: write *, */2, 1,15 or 1-5, from {low} to {high}",
            )
    return text


def _fits(item: str, low: int, high: int) -> bool:
    match = _ITEM.fullmatch(item)
    if match is None:
        return False
    first, last, step = (None if part is None else int(part) for part in match.groups())
    if step == 0:
        return False
    if first is None:
        return True
    return low <= first <= (first if last is None else last) <= high


Schedule = Annotated[str, AfterValidator(_check)]
"""When something is due, as five cron fields: `30 6 * * 1-5`."""
