"""Messages start workflows: each one, or all that wait at once where nothing tells them apart."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.builtin.workflow.events import find_due
from chimera.runtime.due import Published

STAGES = "stages: [{id: a, operation: command, inputs: {argv: [x]}}]"


def due(task: Any, spec: str, **payloads: Any) -> list[tuple[str, dict[str, Any]]]:
    given = task(f"trigger: event\n{spec}\n{STAGES}\n")
    messages = [
        Published(f"{n}", topic.replace("_", "."), payload)
        for n, (topic, payload) in enumerate(payloads.items())
    ]
    return [(one.message.id, dict(one.inputs)) for one in find_due(given.snapshot, messages)]


def test_each_message_starts_what_takes_something_of_it(task) -> None:
    spec = "event: order.*\ninputs: {id: {default: none}}"
    found = due(task, spec, order_made={"id": "a", "other": 1}, paid={"id": "b"}, order_sent=3)
    assert found == [("0", {"id": "a"}), ("2", {})]


@pytest.mark.parametrize(
    ("event", "topic", "rules"),
    [
        ("order.*", "order.made", ["workflow-event-circle"]),
        ("order.made", "order.made", ["workflow-event-circle"]),
        ("order.*", "order.made}, when: input.again", []),
        ("order.*", "order.made.twice", []),
        ("order.*", '"order.${input.id}"', []),
    ],
)
def test_what_starts_itself_without_end_is_told(
    check, event: str, topic: str, rules: list[str]
) -> None:
    ends = "" if "}," in topic else "}"
    faults = check(f"""
        trigger: event
        event: {event}
        inputs: {{id: {{default: x}}, again: {{type: boolean, default: false}}}}
        stages: [{{id: a, operation: publish, inputs: {{topic: {topic}{ends}}}]
    """)
    assert [fault.rule for fault in faults] == rules


def test_all_that_wait_start_once_what_cannot_tell_them_apart(task) -> None:
    assert due(task, 'event: "#"', order_made=1, paid=2, order_sent=3) == [("2", {})]
    assert due(task, "event: order.*", order_made=1, paid=2) == [("0", {})]
    assert due(task, "event: order.*", paid=2) == []
