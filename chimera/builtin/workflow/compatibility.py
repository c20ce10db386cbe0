"""What an edit of a workflow takes from those who start it or read what it gives."""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.workflow.kinds import InputSpec, WorkflowSpec


def breaks(before: WorkflowSpec, after: WorkflowSpec) -> Iterator[str]:
    """Yield inputs and outputs that no longer fit, and events that no longer start it."""
    for name, was in before.inputs.items():
        yield from _input(name, was, after.inputs.get(name))
    for name, now in after.inputs.items():
        if name not in before.inputs and now.is_required:
            yield f"the new input {name} is required"
    for name in before.outputs:
        if name not in after.outputs:
            yield f"the output {name} is gone"
    if before.event is not None and before.event != after.event:
        yield f"the event {before.event} no longer starts it"


def _input(name: str, was: InputSpec, now: InputSpec | None) -> Iterator[str]:
    if now is None:
        yield f"the input {name} is gone"
        return
    if not _takes(now.type, was.type):
        yield f"the input {name} is of type {now.type}, and was of type {was.type}"
    if now.is_required and not was.is_required:
        yield f"the input {name} is required now"


def _takes(now: str, was: str) -> bool:
    """Tell whether whatever had one type has the other: every integer is a number."""
    return now == was or (now, was) == ("number", "integer")
