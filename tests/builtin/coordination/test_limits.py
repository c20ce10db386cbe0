"""What the configuration of a module bounds, it bounds while operations are performed."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.runtime import PermanentError
from tests.builtin.coordination.conftest import Desk, Memory


def test_shipped_limit_of_contexts_is_enforced_at_the_1001st() -> None:
    """The seed's maxContexts: 1000, which holds where no Module is applied, too."""
    desk = Desk()
    desk.context()
    value, facts = (desk.store.find(name)[0][1] for name in ("context", "context.facts"))
    for number in range(1, 1000):  # as `context.create` keeps them
        id = f"{value['context_id'][:-4]}{number:04x}"
        desk.store.put("context", id, {**value, "context_id": id})
        desk.store.put("context.facts", id, facts)
    desk.store.put("tally", "context", {"active": 1000})

    with pytest.raises(PermanentError, match="open contexts: 1000, and the module") as refused:
        desk.context()
    assert "raise maxContexts" in (refused.value.help or "")
    desk.do("context.close", contextId="ctx-001")
    desk.context()


def test_limit_counts_open_contexts_and_frees_what_expired(desk: Desk) -> None:
    desk.configure("context", maxContexts=2, defaultTtl="10m")
    desk.context(ttl="1h")
    desk.context()
    with pytest.raises(PermanentError, match="the module admits"):
        desk.context()
    desk.wait(minutes=10)

    desk.context()
    found = desk.do("context.query", status=["closed"])["contexts"]
    assert [one["events"][-1]["event_type"] for one in found] == ["context.expired"]


def test_context_lives_as_long_as_its_ttl(desk: Desk) -> None:
    desk.configure("context", defaultTtl="10m")
    given = desk.do("context.create", name="work")
    assert given["expiresAt"] == "2026-11-21T12:10:00+00:00"
    desk.wait(minutes=9, seconds=59)
    desk.do("context.get", contextId="ctx-001")
    desk.wait(seconds=1)

    for operation in ("context.get", "context.update", "plan.create", "dialog.start"):
        with pytest.raises(PermanentError, match="ctx-001 expired at 2026-11-21T12:10"):
            desk.do(operation, contextId="ctx-001")


def test_ttl_is_renewed_by_an_update(desk: Desk) -> None:
    desk.context(ttl="1m")
    desk.do("context.update", contextId="ctx-001", ttl="1h")
    desk.wait(minutes=59)

    assert desk.do("context.get", contextId="ctx-001")["status"] == "active"


def test_query_closes_what_has_expired(desk: Desk) -> None:
    desk.context(ttl="1m")
    desk.context(ttl="1h")
    assert desk.do("context.query")["count"] == 2
    desk.wait(minutes=1)

    found = desk.do("context.query")
    assert (found["count"], found["cached"]) == (1, False)
    assert desk.do("context.query", status=["closed"])["count"] == 1


class Counted(Memory):
    """Counts the searches of the collection of contexts."""

    searches = 0

    def find(self, collection: str, **equal: Any) -> Any:
        self.searches += collection == "context"
        return super().find(collection, **equal)


def test_answer_is_kept_until_a_context_changes() -> None:
    store = Counted()
    desk = Desk(store=store)
    desk.context(tags=["a"])
    first = desk.do("context.query", tags=["a"])
    searched = store.searches
    again = desk.do("context.query", tags=["a"])

    assert (first["cached"], again["cached"]) == (False, True)
    assert again["contexts"] == first["contexts"]
    assert store.searches == searched
    desk.do("context.update", contextId="ctx-001", tags=["b"])
    assert desk.do("context.query", tags=["a"])["contexts"] == []
    assert store.searches > searched


@pytest.mark.parametrize(
    "change",
    [
        ("context.create", {"name": "another"}),
        ("context.suspend", {"contextId": "ctx-001"}),
        ("context.close", {"contextId": "ctx-001"}),
        ("context.delete", {"contextId": "ctx-001"}),
    ],
)
def test_no_answer_outlives_a_change(desk: Desk, change: tuple[str, dict[str, Any]]) -> None:
    desk.context()
    desk.do("context.query", status=["active"])
    desk.do(change[0], **change[1])
    kept = desk.do("context.query", status=["active"])
    desk.configure("context", enableCaching=False)

    fresh = desk.do("context.query", status=["active"])
    assert kept["contexts"] == fresh["contexts"]
    assert not kept["cached"]


def test_nothing_is_kept_where_caching_is_off(desk: Desk) -> None:
    desk.configure("context", enableCaching=False)
    desk.context()

    assert not any(desk.do("context.query")["cached"] for _ in range(3))


def test_kept_answer_ends_when_a_context_expires(desk: Desk) -> None:
    desk.context(ttl="1m")
    desk.context(ttl="1h")
    desk.do("context.query")
    desk.wait(seconds=59)
    assert desk.do("context.query")["cached"]
    desk.wait(seconds=1)

    assert desk.do("context.query")["count"] == 1


@pytest.mark.parametrize(
    ("module", "limits", "operation", "inputs", "times"),
    [
        ("plan", {"maxSteps": 1}, "plan.create", {"steps": [{"description": "x"}] * 2}, 0),
        ("trace", {"maxSegments": 2}, "trace.append", {"traceId": "trace-001", "label": "x"}, 2),
        ("dialog", {"maxTurns": 2}, "dialog.turn", {"dialogId": "dialog-001", "content": ""}, 2),
        (
            "dialog",
            {"maxLength": 2},
            "dialog.turn",
            {"dialogId": "dialog-001", "content": "abc"},
            0,
        ),
        (
            "extension",
            {"maxActive": 1},
            "extension.activate",
            {"extensionId": "ext-002"},
            0,
        ),
        ("network", {"maxNodes": 2}, "network.addNode", {"networkId": "net-001"}, 2),
        ("role", {"maxRoles": 1}, "role.create", {"name": "second"}, 0),
        (
            "collab",
            {"maxParticipants": 2},
            "collab.join",
            {"collabId": "collab-001", "participant": {"id": "c"}},
            0,
        ),
    ],
)
def test_limit_is_met_and_not_passed(
    desk: Desk,
    module: str,
    limits: dict[str, Any],
    operation: str,
    inputs: dict[str, Any],
    times: int,
) -> None:
    context = desk.context()
    desk.do("trace.open", contextId=context)
    desk.do("dialog.start", contextId=context)
    desk.do("network.create", contextId=context, name="n")
    desk.do("role.create", name="first")
    desk.do("collab.start", contextId=context, title="t", participants=[{"id": "a"}, {"id": "b"}])
    for name in ("x", "y"):
        desk.do("extension.register", contextId=context, name=name, version="1.0.0")
    desk.do("extension.activate", extensionId="ext-001")
    desk.configure(module, **limits)
    given = {"contextId": context, **inputs} if operation == "plan.create" else inputs
    for _ in range(times):
        desk.do(operation, **given)

    with pytest.raises(PermanentError, match="admit") as refused:
        desk.do(operation, **given)
    assert next(iter(limits)) in (refused.value.help or "")
    desk.configure(module)
    desk.do(operation, **given)


def test_a_limit_that_was_lowered_is_not_told_as_the_count(desk: Desk) -> None:
    desk.context()
    desk.context()
    desk.configure("context", maxContexts=1)
    with pytest.raises(PermanentError, match="open contexts: 2, and the module admits 1"):
        desk.context()
