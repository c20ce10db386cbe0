"""Registers the gate's kinds, judges gates, what they ask for, and the gate's own review."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chimera.kinds import Kind
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.gate.weighing import Weighing
    from chimera.kinds import Subject
    from chimera.model import Obligation, Verdict


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register Gate, Environment, Role and Decision."""
    from chimera.gate.kinds import DecisionSpec, EnvironmentSpec, GateSpec, RoleSpec

    return [
        Kind("Gate", GateSpec, "Which changes owe what before they may be applied."),
        Kind("Environment", EnvironmentSpec, "Where changes are applied to."),
        Kind("Role", RoleSpec, "Who can approve for a part of the system."),
        Kind("Decision", DecisionSpec, "A formal choice that was made.", record=True),
    ]


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge whether each gate's paths are there."""
    from chimera.gate.checks import check

    return tuple(check(subject.snapshot))


@hookimpl
def chimera_owe(subject: Subject) -> Iterable[Obligation]:
    """Return what every gate asks of the subject's changes."""
    from chimera.gate.obligations import owe

    return tuple(owe(subject))


@hookimpl
def chimera_review_plan(weighing: Weighing) -> Iterable[Verdict]:
    """Return whether the repository is valid and each obligation is met."""
    from chimera.gate.obligations import review
    from chimera.gate.weighing import review_diagnostics

    return (review_diagnostics(weighing), *review(weighing))
