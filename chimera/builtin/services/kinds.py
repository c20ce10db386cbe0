"""The kinds of the room by name. Refuses to hold their fields: those are in `spec`."""

from __future__ import annotations

from chimera.kinds import Kind

_SPEC = "chimera.builtin.services.spec"

KINDS = (
    Kind(
        "Service",
        f"{_SPEC}.service:ServiceSpec",
        "Something that runs: where it listens, what it needs, and how it is looked at.",
    ),
    Kind(
        "Objective",
        f"{_SPEC}.objective:ObjectiveSpec",
        "A target for what is measured over a window, and how much may go wrong.",
    ),
    Kind(
        "Runbook",
        f"{_SPEC}.runbook:RunbookSpec",
        "Symptoms, and procedures that a person goes through step by step.",
    ),
    Kind(
        "RunbookRun",
        f"{_SPEC}.runbook:RunbookRunSpec",
        "That somebody went through a procedure, and what came of each step.",
        record=True,
    ),
)
