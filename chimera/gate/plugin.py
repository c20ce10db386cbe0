"""Registers the gate's kinds, judges gates, what they ask for, and the gate's own review."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chimera.kinds import Kind
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.gate.kinds import EnvironmentSpec, GateSpec, IdentitySpec, RoleSpec
    from chimera.gate.ruling import Stage
    from chimera.gate.weighing import Weighing
    from chimera.kinds import Subject
    from chimera.model import Obligation, Touch, Verdict


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register Gate, Environment, Role and Identity, and the records Approval and Decision."""
    return [
        Kind(
            "Gate",
            "chimera.gate.kinds:GateSpec",
            "Which changes owe what before they may be applied.",
            ends=_gate_ends,
        ),
        Kind(
            "Environment",
            "chimera.gate.kinds:EnvironmentSpec",
            "Where changes are applied to.",
            breaks=_environment_breaks,
        ),
        Kind(
            "Role",
            "chimera.gate.kinds:RoleSpec",
            "Who can approve, or vouch for evidence.",
            breaks=_role_breaks,
        ),
        Kind(
            "Identity",
            "chimera.gate.kinds:IdentitySpec",
            "A person or a machine, and the keys by which it signs.",
            breaks=_identity_breaks,
        ),
        Kind(
            "Approval",
            "chimera.gate.kinds:ApprovalSpec",
            "What a person signed about items of a plan.",
            record=True,
        ),
        Kind(
            "Decision",
            "chimera.gate.kinds:DecisionSpec",
            "A formal choice that was made.",
            record=True,
        ),
    ]


def _gate_ends(before: GateSpec) -> Iterable[str]:
    from chimera.gate.compatibility import gate_ends

    return gate_ends(before)


def _environment_breaks(before: EnvironmentSpec, after: EnvironmentSpec) -> Iterable[str]:
    from chimera.gate.compatibility import environment_breaks

    return environment_breaks(before, after)


def _role_breaks(before: RoleSpec, after: RoleSpec) -> Iterable[str]:
    from chimera.gate.compatibility import role_breaks

    return role_breaks(before, after)


def _identity_breaks(before: IdentitySpec, after: IdentitySpec) -> Iterable[str]:
    from chimera.gate.compatibility import identity_breaks

    return identity_breaks(before, after)


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge whether each gate's paths are there, and those whom it asks; and production."""
    from chimera.gate import people
    from chimera.gate.checks import check, check_environments

    snapshot = subject.snapshot
    return (*check(snapshot), *check_environments(snapshot), *people.check(subject))


@hookimpl
def chimera_owe(subject: Subject) -> Iterable[Obligation]:
    """Return what every gate asks of the subject's changes."""
    from chimera.gate.obligations import owe

    return tuple(owe(subject))


@hookimpl
def chimera_touch(subject: Subject) -> Iterable[Touch]:
    """Return which gates the subject's changes concern."""
    from chimera.gate.touching import touch

    return tuple(touch(subject))


@hookimpl
def chimera_review_plan(stage: Stage, weighing: Weighing) -> Iterable[Verdict]:
    """Return whether the repository is valid, and whether each obligation is met."""
    from chimera.gate.obligations import review_agreement, review_proofs
    from chimera.gate.repository import review_repository

    match stage:
        case "contract":
            return (review_repository(weighing),)
        case "proof":
            return tuple(review_proofs(weighing))
        case "approval":
            return tuple(review_agreement(weighing))
    return ()
