"""Which status may follow which: each way that is legal is gone, each other one refused."""

from __future__ import annotations

import json
from itertools import product
from typing import Any, get_args

import pytest

from chimera.builtin.coordination import planning
from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.modules import (
    collab,
    confirm,
    context,
    core,
    dialog,
    extension,
    network,
    trace,
)
from chimera.runtime import PermanentError
from tests.builtin.coordination.conftest import OPERATIONS, ORACLE, Desk, needs_oracle

MACHINES = {
    "context": (context.STATUSES, context.Status),
    "plan": (planning.STATUSES, planning.Status),
    "step": (planning.STEP_STATUSES, planning.StepStatus),
    "confirm": (confirm.STATUSES, confirm.Status),
    "trace": (trace.STATUSES, trace.Status),
    "segment": (trace.SEGMENT_STATUSES, trace.SegmentStatus),
    "extension": (extension.STATUSES, extension.Status),
    "dialog": (dialog.STATUSES, dialog.Status),
    "collab": (collab.STATUSES, collab.Status),
    "core": (core.STATUSES, core.Status),
    "network": (network.STATUSES, network.Status),
    "node": (network.NODE_STATUSES, network.NodeStatus),
}


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_table_speaks_of_every_status_and_reaches_it(name: str) -> None:
    machine, statuses = MACHINES[name]

    assert machine.follows.keys() == set(get_args(statuses))
    reached = set(machine.begins)
    for _ in machine.follows:
        reached |= {after for before in reached for after in machine.follows[before]}
    assert reached == machine.follows.keys()


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_legal_ways_are_gone_and_all_others_refused(name: str) -> None:
    machine, _ = MACHINES[name]
    for before, after in product(machine.follows, repeat=2):
        if after in machine.follows[before]:
            assert machine.move(before, after, "it") == after
        else:
            with pytest.raises(PermanentError, match=f"it is {before} and cannot become {after}"):
                machine.move(before, after, "it")


def test_help_says_which_ways_there_are() -> None:
    machine = Machine("thing", ("new",), {"new": ("used", "lost"), "used": (), "lost": ()})
    with pytest.raises(PermanentError) as refused:
        machine.move("new", "new", "it")
    assert refused.value.help == "from new, it can become used or lost"
    with pytest.raises(PermanentError) as refused:
        machine.move("used", "new", "it")
    assert refused.value.help == "from used, that is final"
    with pytest.raises(PermanentError, match="no thing begins as used"):
        machine.begin("used")


# Status that an operation leads to; the operation has to be legal from exactly the statuses from
# which the table leads there.
LEADS = {
    "context": {
        "activate": "active",
        "suspend": "suspended",
        "close": "closed",
        "archive": "archived",
    },
    "plan": {
        "propose": "proposed",
        "approve": "approved",
        "reject": "draft",
        "fail": "failed",
        "cancel": "cancelled",
    },
    "confirm": {"cancel": "cancelled"},
    "extension": {"activate": "active", "deactivate": "inactive", "deprecate": "deprecated"},
    "dialog": {"pause": "paused", "resume": "active", "close": "completed"},
    "collab": {
        "suspend": "suspended",
        "resume": "active",
        "close": "completed",
        "cancel": "cancelled",
    },
    "core": {"activate": "active", "deprecate": "deprecated", "archive": "archived"},
}
WAYS = [
    (module, action, status)
    for module, actions in LEADS.items()
    for action, status in actions.items()
]


def one_of(desk: Desk, module: str) -> str:
    """Keep an object of a module and return its id."""
    do, key = desk.do, "requestId" if module == "confirm" else f"{module}Id"
    id = desk.context()
    made: Any = {
        "context": lambda: {"contextId": id},
        "plan": lambda: do("plan.create", contextId=id),
        "confirm": lambda: do(
            "confirm.request", targetType="context", targetId=id, requestedByRole="x"
        ),
        "extension": lambda: do("extension.register", contextId=id, name="x", version="1.0.0"),
        "dialog": lambda: do("dialog.start", contextId=id),
        "collab": lambda: do(
            "collab.start", contextId=id, title="t", participants=[{"id": "a"}, {"id": "b"}]
        ),
        "core": lambda: do("core.initialize", modules=[{"module": "plan"}]),
    }[module]()
    found: str = made[key]
    return found


@pytest.mark.parametrize(("module", "action", "status"), WAYS)
def test_operation_is_legal_exactly_where_its_table_says(
    desk: Desk, module: str, action: str, status: str
) -> None:
    machine, _ = MACHINES[module]
    id = one_of(desk, module)
    value = desk.store.get(module, id)
    key = "requestId" if module == "confirm" else f"{module}Id"
    for before in machine.follows:
        desk.store.put(module, id, {**value, "status": before})
        if status in machine.follows[before]:
            assert desk.do(f"{module}.{action}", **{key: id})["status"] == status
        else:
            with pytest.raises(PermanentError, match="cannot become"):
                desk.do(f"{module}.{action}", **{key: id})


@needs_oracle
@pytest.mark.parametrize("name", sorted(set(MACHINES) - {"step", "segment", "node"}))
def test_statuses_are_those_of_the_protocol(name: str) -> None:
    assert ORACLE is not None
    schema = json.loads((ORACLE / f"mplp-{name}.schema.json").read_text())

    assert set(schema["properties"]["status"]["enum"]) == MACHINES[name][0].follows.keys()


def test_every_operation_says_what_it_does_and_what_each_field_is_for() -> None:
    for operation in OPERATIONS.values():
        assert operation.summary.endswith(".")
        for model in (operation.inputs, operation.outputs):
            schema = model.model_json_schema()
            for one in (schema, *schema.get("$defs", {}).values()):
                for field, said in one.get("properties", {}).items():
                    assert said.get("description"), (operation.name, one["title"], field)
