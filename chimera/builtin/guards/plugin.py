"""Registers `Guard`, refuses at the gate what one stops, and is asked between the steps of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from chimera.kinds import Kind
from chimera.model import Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from chimera.builtin.guards.kinds import GuardSpec
    from chimera.context import Context
    from chimera.gate import Halt, Side, Weighing
    from chimera.kinds import Subject
    from chimera.runtime.guarding import RunGuard
    from chimera.runtime.reporting import ReportTask, Section
    from chimera.state import Holding


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Guard`."""
    return [
        Kind(
            "Guard",
            "chimera.builtin.guards.kinds:GuardSpec",
            "A kill switch, invariants of steps, or a time of maintenance: it may only stop.",
            breaks=_breaks,
            ends=_ends,
        )
    ]


def _breaks(before: GuardSpec, after: GuardSpec) -> Iterable[str]:
    """Yield what it stops no longer."""
    from chimera.builtin.guards.compatibility import breaks

    return breaks(before, after)


def _ends(before: GuardSpec) -> Iterable[str]:
    """Yield that nothing stops any longer what it stopped."""
    from chimera.builtin.guards.compatibility import ends

    return ends(before)


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register `chimera guard`."""
    return {"guard": "chimera.builtin.guards.commands:guard"}


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge what guards select, and whether their invariants can be asked."""
    if "Guard" not in subject.snapshot.kinds:
        return ()
    from chimera.builtin.guards.checking import judge

    return tuple(judge(subject))


@hookimpl
def chimera_review_plan(stage: str, weighing: Weighing) -> Iterable[Verdict]:
    """Return which changes a guard stops."""
    from chimera.builtin.guards.reviewing import review

    return tuple(review(weighing)) if stage == "guard" else ()


@hookimpl
def chimera_guard_runs(root: Path, context: Context) -> Iterable[RunGuard]:
    """Be asked between the steps of runs."""
    from chimera.builtin.guards.running import RunningGuard

    return (RunningGuard(root, context),)


@hookimpl
def chimera_list_halts(root: Path, sides: Sequence[Side], now: datetime) -> Iterable[Halt]:
    """Return what is engaged, and the times of maintenance that are not over."""
    from chimera.builtin.guards.standing import halts

    return tuple(halts(root, sides, now))


@hookimpl
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:
    """Say which guards stood in a time, and what they stop."""
    from chimera.builtin.guards.reporting import sections
    from chimera.runtime.reporting import ReportKind

    return () if task.kind is ReportKind.CAPACITY else tuple(sections(task))


@hookimpl
def chimera_contribute_backup() -> Iterable[Holding]:
    """Name the switches of this machine: those that are engaged outlast a restore."""
    from chimera.state import Holding

    about = "the switches that are engaged on this machine"
    return (Holding("guards", about, _switch_faults, stays=True),)


def _switch_faults(root: Path) -> Iterable[str]:
    from chimera.builtin.guards.switches import read_switches

    return (f"{one.path.name} is damaged" for one in read_switches(root) if one.is_damaged)
