"""How long a rollback was watched before it counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from chimera.builtin.records.checks.faults import Filed, omission
from chimera.builtin.records.kinds import RollbackSpec, after
from chimera.builtin.records.procedures import PROCEDURES
from chimera.builtin.records.spec.rollback import WATCHED_FOR
from chimera.kinds import format_duration, when
from chimera.model import Diagnostic

_WRITTEN_WITHIN = timedelta(hours=24)


def judge_observation(rollback: Filed[RollbackSpec], now: datetime) -> Iterator[Diagnostic]:
    """Report an observation that was too short, begun too early, or never ended."""
    spec = rollback.spec
    seen = spec.observation
    done = spec.done(PROCEDURES[spec.type].executes)
    if seen.lasts < WATCHED_FOR:
        yield omission(
            rollback,
            "rollback-observation-short",
            f"it is to be watched for {format_duration(seen.lasts)}, and {_least()} is the least",
            ("observation", "for"),
            f"write {_least()} or more",
        )
    elif seen.result == "stable" and not _is_long_enough(spec):
        for_how_long = format_duration(spec.watched) if spec.watched else "no time that is known"
        yield omission(
            rollback,
            "rollback-observation-short",
            f"it was watched for {for_how_long}, and {format_duration(seen.lasts)} is owed",
            ("observation",),
            "watch on, and write from and until as they were",
        )
    if done is not None and seen.since is not None and when(seen.since) < when(done.at):
        yield omission(
            rollback,
            "rollback-observation-early",
            "it was watched from before it was carried out",
            ("observation", "from"),
            "watching begins when it is carried out",
        )
    late = done is not None and now > after(after(when(done.at), seen.lasts), _WRITTEN_WITHIN)
    if late and seen.result is None:
        yield omission(
            rollback,
            "rollback-unwatched",
            "it was carried out more than a day ago, and nothing says what was seen",
            ("observation",),
            "write observation: {from, until, result}; until then it does not count",
        )


def _is_long_enough(spec: RollbackSpec) -> bool:
    return spec.watched is not None and spec.watched >= spec.observation.lasts


def _least() -> str:
    return format_duration(WATCHED_FOR)
