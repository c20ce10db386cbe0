"""How each type of rollback goes: its steps in order, when it is the right one, how long it takes.

The default content of the operations contract. Watching the result is no step of these lists: the
record's `observation` says it. Refuses to carry anything out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from chimera.builtin.records.checks.wording import is_empty
from chimera.builtin.records.spec.rollback import RollbackSpec, RollbackType

EVIDENCE: Mapping[str, str] = MappingProxyType(
    {
        "timeline": "what happened when, as far as it is known",
        "metrics": "error rates, latencies and load around the change",
        "logs": "the logs of the last hour",
        "state": "versions, values and flags as they are now",
        "impact": "which users were affected, and how",
    }
)
"""What is preserved before anything is rolled back, by the word for it in `preserved`."""


class ProcedureStep(NamedTuple):
    """One step: its id in a checklist, what is done, and under which condition it is owed."""

    id: str
    text: str
    condition: str | None = None


class Procedure(NamedTuple):
    """How one type of rollback goes; `executes` is the step by which something is taken back."""

    when: str
    steps: tuple[ProcedureStep, ...]
    executes: str
    usual: tuple[timedelta, timedelta]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all steps, in order."""
        return tuple(step.id for step in self.steps)

    @property
    def owed(self) -> tuple[str, ...]:
        """The ids of the steps that are owed under any condition, in order."""
        return tuple(step.id for step in self.steps if step.condition is None)


PRESERVE = "preserve-evidence"
"""The step by which evidence is preserved: the first one of every procedure."""
_PRESERVE = ProcedureStep(
    PRESERVE, "Preserve timeline, metrics, the last hour of logs, state and impact."
)
_FIND = ProcedureStep("find-change", "Find the change in the operations changelog.")


def _minutes(least: int, most: int) -> tuple[timedelta, timedelta]:
    return timedelta(minutes=least), timedelta(minutes=most)


PROCEDURES: Mapping[RollbackType, Procedure] = MappingProxyType(
    {
        "code": Procedure(
            "A deployment within two hours of the incident's start, and errors in what it changed.",
            (
                _PRESERVE,
                _FIND,
                ProcedureStep("capture-status", "Capture which version is live, and how it is."),
                ProcedureStep("note-values", "Note the environment values that have changed."),
                ProcedureStep("execute", "Apply the version before it, and nothing else."),
                ProcedureStep("verify", "Verify that the former version is live."),
            ),
            "execute",
            _minutes(5, 10),
        ),
        "config": Procedure(
            "A flag or value was changed at that time, and nothing was deployed.",
            (
                _PRESERVE,
                _FIND,
                ProcedureStep("record-values", "Record the values as they are now."),
                ProcedureStep("restore-values", "Restore the values that are known to be good."),
                ProcedureStep(
                    "restart",
                    "Restart what reads the values.",
                    "where it reads them when it starts",
                ),
                ProcedureStep("verify", "Verify that the former values are in force."),
            ),
            "restore-values",
            _minutes(2, 5),
        ),
        "database": Procedure(
            "A migration or a change of data correlates.",
            (
                _PRESERVE,
                _FIND,
                ProcedureStep("back-up", "Back up first, always."),
                ProcedureStep(
                    "locate-migration",
                    "Locate the tested reverse migration; without one, escalate to the owner.",
                ),
                ProcedureStep("execute", "Run the reverse migration; no statement by hand."),
                ProcedureStep("verify-schema", "Verify the schema."),
                ProcedureStep("check-connectivity", "Check that everything can connect."),
            ),
            "execute",
            _minutes(15, 30),
        ),
        "third-party": Procedure(
            "A service of somebody else is degraded.",
            (
                _PRESERVE,
                ProcedureStep("confirm", "Confirm that it is theirs, and not ours."),
                ProcedureStep("fall-back", "Enter the fallback mode.", "where there is one"),
                ProcedureStep("document-features", "Document which features are affected."),
                ProcedureStep(
                    "leave-fallback",
                    "Leave the fallback mode once the service is restored.",
                    "where it was entered",
                ),
            ),
            "fall-back",
            _minutes(1, 5),
        ),
    }
)
"""The procedures, by the type of the rollback."""


def missing_evidence(rollback: RollbackSpec) -> list[str]:
    """Return what of the evidence is neither kept nor said to be unavailable."""
    known = {one.what for one in rollback.preserved if one.where or one.unavailable}
    return [what for what in EVIDENCE if what not in known]


def can_be_reversed(rollback: RollbackSpec) -> bool:
    """Tell whether a reverse migration was tested, or its owner was asked in its place."""
    tested = rollback.migration.tested if rollback.migration else None
    return rollback.escalated is not None or not (tested is None or is_empty(tested))
