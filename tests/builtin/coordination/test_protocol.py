"""Our models say what the schemas of MPLP v1.0 say, judged by the schemas themselves."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.coordination.modules import (
    collab,
    confirm,
    context,
    core,
    dialog,
    extension,
    network,
    plan,
    role,
    trace,
)
from chimera.builtin.coordination.protocol import Event
from chimera.kinds import Model, ValidationError, is_valid
from tests.builtin.coordination.conftest import ORACLE, Desk, needs_oracle

pytestmark = needs_oracle

MODELS: dict[str, type[Model]] = {
    "collab": collab.Collab,
    "confirm": confirm.Confirm,
    "context": context.Context,
    "core": core.Core,
    "dialog": dialog.Dialog,
    "extension": extension.Extension,
    "network": network.Network,
    "plan": plan.Plan,
    "role": role.Role,
    "trace": trace.Trace,
    "event": Event,
}
SCHEMAS = "https://schemas.mplp.dev/v1.0/"


@cache
def oracle(module: str) -> jsonschema_rs.Draft7Validator:
    assert ORACLE is not None
    name = "common/events" if module == "event" else f"mplp-{module}"

    def retrieve(uri: str) -> Any:
        path = uri.removeprefix("json-schema://").lstrip("/").removeprefix(SCHEMAS)
        return json.loads((ORACLE / path).read_text())

    schema = json.loads((ORACLE / f"{name}.schema.json").read_text())
    return jsonschema_rs.Draft7Validator(schema, retriever=retrieve, validate_formats=True)


def examples() -> list[tuple[str, str]]:
    paths = sorted((ORACLE / "examples").glob("*.json")) if ORACLE else []
    return [(path.name.partition(".")[0], path.name) for path in paths]


@cache
def _read(name: str) -> str:
    assert ORACLE is not None
    return Path(ORACLE / "examples" / name).read_text()


def example(name: str) -> Any:
    """Return an example without its comment, which is about the file and no field of the schema."""
    value = json.loads(_read(name))
    value.pop("$comment", None)
    return value


@pytest.mark.parametrize(("module", "name"), examples())
def test_example_is_accepted_and_written_back_as_it_was(module: str, name: str) -> None:
    value = example(name)

    assert oracle(module).is_valid(value)
    assert MODELS[module].model_validate(value).model_dump(mode="json") == value


def test_every_module_has_examples() -> None:
    assert {module for module, _ in examples()} == set(MODELS)


ID = "550e8400-e29b-41d4-a716-446655440000"
AT = "2025-01-28T15:30:00.000Z"
EVENT = {
    "event_id": ID,
    "event_type": "a.b1",
    "source": "x",
    "timestamp": AT,
    "trace_id": ID,
    "data": {"x": 1},
}
SPAN = {
    "trace_id": ID,
    "span_id": ID,
    "parent_span_id": ID,
    "context_id": ID,
    "attributes": {"x": 1},
}
META = {
    "protocol_version": "1.0.0",
    "schema_version": "2.0.0",
    "created_at": AT,
    "updated_at": AT,
    "created_by": "me",
    "updated_by": "you",
    "tags": ["a", "b"],
    "cross_cutting": ["security", "event-bus"],
}
GOVERNANCE = {
    "lifecyclePhase": "review",
    "truthDomain": "architecture",
    "locked": False,
    "lastConfirmRef": {"id": ID, "module": "confirm", "description": "x"},
}
REST = {
    "collab": {
        "updated_at": AT,
        "participants": [
            {"participant_id": "a", "role_id": "r", "kind": "agent", "display_name": "A"}
        ],
    },
    "confirm": {
        "reason": "x",
        "decisions": [
            {
                "decision_id": ID,
                "status": "approved",
                "decided_by_role": "r",
                "decided_at": AT,
                "reason": "y",
            }
        ],
    },
    "context": {
        "root": {"domain": "d", "environment": "e", "entry_point": "p", "more": 1},
        "summary": "x",
        "tags": ["t"],
        "language": "en",
        "owner_role": "r",
        "constraints": {"x": 1},
        "created_at": AT,
        "updated_at": AT,
    },
    "core": {
        "modules": [
            {
                "module_id": "context",
                "version": "1",
                "status": "enabled",
                "required": True,
                "description": "x",
            }
        ]
    },
    "dialog": {
        "thread_id": ID,
        "started_at": AT,
        "ended_at": AT,
        "messages": [{"role": "user", "content": "x", "timestamp": AT, "event": EVENT}],
    },
    "extension": {"config": {"x": 1}, "version": "1.0.0-alpha.1+7"},
    "network": {
        "description": "x",
        "nodes": [
            {"node_id": ID, "name": "n", "kind": "agent", "role_id": "r", "status": "active"}
        ],
    },
    "plan": {
        "steps": [
            {
                "step_id": ID,
                "description": "x",
                "status": "pending",
                "dependencies": [ID],
                "agent_role": "r",
                "order_index": 0,
            }
        ]
    },
    "role": {"description": "x", "capabilities": ["a.b"], "created_at": AT, "updated_at": AT},
    "trace": {
        "plan_id": ID,
        "root_span": SPAN,
        "started_at": AT,
        "finished_at": AT,
        "segments": [
            {
                "segment_id": ID,
                "parent_segment_id": ID,
                "label": "x",
                "status": "running",
                "started_at": AT,
                "finished_at": AT,
                "attributes": {"x": 1},
            }
        ],
    },
    "event": {},
}


def full(module: str) -> Any:
    if module == "event":
        return copy.deepcopy(EVENT)
    shared = {"meta": META, "trace": SPAN, "events": [EVENT], "governance": GOVERNANCE}
    if module == "plan":
        del shared["governance"]
    if module == "trace":
        del shared["trace"]
    return copy.deepcopy({**example(f"{module}.minimal.json"), **shared, **REST[module]})


@pytest.mark.parametrize("module", sorted(MODELS))
def test_object_that_says_everything_is_accepted(module: str) -> None:
    value = full(module)

    assert oracle(module).is_valid(value)
    assert MODELS[module].model_validate(value).model_dump(mode="json") == value


def places(value: Any, route: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in an object, itself included."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [route, *(p for key, item in inner for p in places(item, (*route, key)))]


ODD = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 1.0, 2.0, 1.5, "", " ", "x", "draft", "active", "pending"),
        *([], {}, [None], ["x", "x"], [1], {"x": 1}, "agent", "user", "context", "other"),
        *("1.0.0", "1.0", "v1.0.0", "1.0.0\n", "01.0.0", "1.0.0-01", "1.0.0-a..b", "1.0.0+a"),
        *(ID, ID.upper(), ID + "\n", ID[:-1], "550e8400-e29b-11d4-a716-446655440000", "\u0661.0.0"),
        *("A.b", "a.b", "a..b", "a_b.c", "a.b\n", "security"),
        *(AT, "2025-01-28T15:30:00Z", "2025-01-28T15:30:00+01:00", "2025-01-28t15:30:00z"),
        *("2025-01-28", "2025-02-30T00:00:00Z", "2025-01-28T25:00:00Z", "2025-01-28T15:30:00"),
        *("2025-01-28 15:30:00Z", "2025-01-28T15:30:00+24:00", "2025-01-28T15:30Z", AT + "\n"),
        *("2016-12-31T23:59:60Z", "2016-12-31T23:58:60Z", "2017-01-01T00:59:60+01:00"),
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    """Return an object with a few things taken away, put in place of others, or added."""
    module = draw(st.sampled_from(sorted(MODELS)))
    value = full(module)
    for _ in range(draw(st.integers(1, 2))):
        *route, last = draw(st.sampled_from([p for p in places(value) if p]))
        target = value
        for key in route:
            target = target[key]
        match draw(st.sampled_from(["drop", "replace", "add", "twice"])):
            case "drop":
                del target[last]
            case "replace":
                target[last] = copy.deepcopy(draw(ODD))
            case "add":
                inside = target[last] if isinstance(target[last], dict) else value
                name = draw(st.sampled_from(["extra", "status", "tags", "x", "locked"]))
                inside[name] = copy.deepcopy(draw(ODD))
            case _ if isinstance(target, list):
                target.append(copy.deepcopy(target[last]))
    return module, value


@settings(max_examples=250)
@given(mutated())
def test_mutation_is_refused_exactly_when_the_schema_refuses_it(found: tuple[str, Any]) -> None:
    module, value = found

    assert is_valid(MODELS[module], value) == oracle(module).is_valid(value), value


@pytest.mark.parametrize("module", sorted(MODELS))
def test_each_value_replaced_by_each_odd_one_is_judged_as_the_schema_does(module: str) -> None:
    odd = [None, True, 1.0, -1, "", "x", [], {}, ["x", "x"], ID, AT, "1.0.0"]
    for *route, last in [p for p in places(full(module)) if p]:
        for one in [*odd, "gone"]:
            value = full(module)
            target = value
            for key in route:
                target = target[key]
            if one == "gone":
                del target[last]
            else:
                target[last] = one
            expected = oracle(module).is_valid(value)
            assert is_valid(MODELS[module], value) == expected, ((*route, last), one)


def test_refusal_names_the_field() -> None:
    with pytest.raises(ValidationError, match="steps"):
        plan.Plan.model_validate({**full("plan"), "steps": []})


@pytest.mark.parametrize(
    ("meta", "rule"),
    [({"created_by": None}, "value-null"), ({"tags": ["a", "a"]}, "items-repeated")],
)
def test_null_and_repetition_are_refused_with_a_rule(meta: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        plan.Plan.model_validate({**full("plan"), "meta": {**META, **meta}})
    assert [error["type"] for error in refused.value.errors()] == [rule]


def test_oracle_can_refuse(desk: Desk) -> None:
    made = desk.do("context.create", name="work")["context"]

    assert oracle("context").is_valid(made)
    assert not oracle("context").is_valid({**made, "status": "expired"})
