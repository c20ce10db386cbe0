"""Answers to queries, kept until what they are about changes.

An answer is kept in the store with the generation of its module's objects; every change begins
another generation, so that no answer outlives what it says. There is room for a fixed number of
answers, each in the place that its query's digest gives it. Refuses to be where an answer differs
from the one that looking again would give.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chimera.builtin.coordination.shelf import Call

ANSWERS = "answer"
"""Collection of kept answers: `module` is the generation, `module/place` an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The ids of the objects that were asked for, and until when they are at the latest."""

    ids: list[str]
    until: datetime | None = None


_DIGITS = 2  # of a digest in hexadecimal: 256 places a module


def remembered(
    call: Call, module: str, query: str, look: Callable[[], Answer], *, enabled: bool
) -> tuple[list[str], bool]:
    """Return the ids that answer the query of this digest, and whether they were kept.

    `look` finds them where they were not; it is not called where they were.
    """
    if not enabled:
        return look().ids, False
    place = f"{module}/{query.removeprefix('sha256:')[:_DIGITS]}"
    kept = call.store.get(ANSWERS, place)
    asked = {"query": query, "generation": _generation(call, module)}
    if kept is not None and asked.items() <= kept.items() and _holds(kept["until"], call.now):
        return list(kept["ids"]), True
    answer = look()
    until = None if answer.until is None else answer.until.isoformat()
    asked["generation"] = _generation(call, module)  # looking may have closed what has expired
    call.store.put(ANSWERS, place, {**asked, "ids": answer.ids, "until": until})
    return answer.ids, False


def _holds(until: str | None, now: datetime) -> bool:
    return until is None or now < datetime.fromisoformat(until)


def forget_answers(call: Call, module: str) -> None:
    """Begin another generation: an object of the module has changed."""
    call.store.put(ANSWERS, module, {"generation": _generation(call, module) + 1})


def _generation(call: Call, module: str) -> int:
    return int((call.store.get(ANSWERS, module) or {"generation": 0})["generation"])
