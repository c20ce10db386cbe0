"""What an edit of a workflow takes from those who start it, signal it or hear of it.

What stages there are is its own affair: a stage more, or one that does something else, breaks
nobody. Refuses to tell names that only a run knows: those with references in them.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.builtin.workflow.kinds import InputSpec, WorkflowSpec
from chimera.builtin.workflow.references import slots


def breaks(before: WorkflowSpec, after: WorkflowSpec) -> Iterator[str]:
    """Yield inputs and outputs that no longer fit, events, signals and topics that are gone.

    A change of the major version says by itself that something breaks.
    """
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
    for name in sorted(_signals(before) - _signals(after)):
        yield f"it no longer waits for the signal {name}"
    for name in sorted(_topics(before) - _topics(after)):
        yield f"it no longer publishes {name}"
    majors = [_major(spec.version) for spec in (before, after)]
    if majors[0] is not None and majors[0] != majors[1]:
        yield f"the major version is {majors[1] or 'none'}, no longer {majors[0]}"


def _signals(spec: WorkflowSpec) -> set[str]:
    """Return the signals that others send it: answers are signals of the stage's name."""
    waits = {stage.wait.signal for stage in spec.stages if stage.wait and stage.wait.signal}
    asks = {stage.id for stage in spec.stages if stage.confirm and stage.for_each is None}
    return {name for name in waits | asks if not slots(name)}


def _topics(spec: WorkflowSpec) -> set[str]:
    """Return the topics under which it publishes, that others are started by."""
    named = (
        stage.inputs.get("topic")
        for stage in spec.stages
        if (stage.operation_name or "").rpartition(".")[2] == "publish"
    )
    return {name for name in named if isinstance(name, str) and not slots(name)}


def _major(version: str | None) -> str | None:
    return version.partition(".")[0] if version is not None else None


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
