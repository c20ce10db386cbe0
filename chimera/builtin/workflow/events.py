"""Which workflows a message starts, and with which inputs.

A workflow with `trigger: event` is started by every message whose topic its `event` selects; of
the message's payload it gets what it has inputs for. One without inputs cannot tell messages apart:
all that wait start it once. Refuses to count what was started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.kinds import Snapshot
from chimera.runtime.topics import is_pattern, is_topic, matches

if TYPE_CHECKING:  # that a trigger is sound is judged without what is due
    from chimera.runtime.due import Due, Published


def find_due(snapshot: Snapshot, messages: Sequence[Published]) -> Iterator[Due]:
    """Yield the workflows that messages start, each with its inputs."""
    from chimera.runtime.due import Due

    waiting = [
        document
        for document in snapshot.of_model(WorkflowSpec)
        if document.spec.trigger == "event" and document.spec.event
    ]
    for document in waiting:
        spec, target = document.spec, str(document.address)
        meant = [message for message in messages if is_started_by(spec.event or "", message.topic)]
        for message in meant if spec.inputs else meant[-1:]:
            yield Due(target, _inputs(spec, message.payload), message)


def is_started_by(event: str, topic: str) -> bool:
    """Tell whether an event, which may be a pattern, is the one that was published."""
    if is_pattern(event) and is_topic(topic):
        return matches(event, topic)
    return event == topic


def _inputs(spec: WorkflowSpec, payload: Any) -> dict[str, Any]:
    given: Mapping[str, Any] = payload if isinstance(payload, dict) else {}
    return {name: given[name] for name in spec.inputs if name in given}
