"""Modules start in the order of what they need, are what was applied, and shut down in reverse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.coordination.health import look
from chimera.builtin.coordination.lifecycle import SUBSCRIPTIONS, starting, stopping
from chimera.builtin.coordination.modules import types
from chimera.builtin.coordination.ordering import cycles, dependents, starting_order
from chimera.kinds import Field, Model
from chimera.model import ChimeraError, StateError, digest_json
from chimera.runtime import ModuleType, PermanentError
from tests.builtin.coordination.conftest import Desk, Interpreter, Memory


class OwnConfiguration(Model):
    """How a plugin's own module is set up."""

    size: int = Field(default=1, description="How large.")


OWN = ModuleType("own", "Something.", OwnConfiguration, ("own",), {"context.*": "own.hear"})
TYPES = {type.name: type for type in (*types(), OWN)}


def pinned(type: str, *, former: str | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "module": f"Module/{type}",
        "document": "sha256:x",
        "types": {f"Module/{name}": name for name in TYPES},
        "former": former,
        "timeout": 30.0,
        "startupTimeout": "30s",
        "spec": {"type": type, "version": "1.0.0", **spec},
    }


def start(interpreter: Interpreter, type: str, **more: Any) -> Any:
    return interpreter.run(starting(pinned(type, **more), TYPES))


def stop(interpreter: Interpreter, type: str, *left: str) -> Any:
    given = {"module": f"Module/{type}", "stop": type, "left": list(left)}
    return interpreter.run(stopping(given))["stop"]


def needs(*names: str, range: str = "^1.0.0") -> list[dict[str, str]]:
    return [{"module": f"Module/{name}", "version": range} for name in names]


def test_module_is_initialized_configured_started_and_looked_at(
    desk: Desk, interpreter: Interpreter
) -> None:
    outputs = start(interpreter, "own", configuration={"size": 3})

    assert interpreter.done == ["initialize", "configure", "start", "health"]
    assert outputs["start"]["collections"] == {"own": 0}
    assert outputs["health"] == {
        "state": "started",
        "type": "own",
        "version": "1.0.0",
        "configuration": digest_json({"size": 3}),
        "health": "healthy",
    }
    kept = desk.store.get("module", "own")
    assert (kept["state"], kept["configuration"]) == ("started", {"size": 3})
    assert ("module.started", {"module": "own", "version": "1.0.0"}) in desk.published


def test_started_module_receives_what_its_type_subscribes_to(
    desk: Desk, interpreter: Interpreter
) -> None:
    start(interpreter, "own")

    expected = {"module": "own", "topic": "context.*", "operation": "own.hear"}
    assert [value for _, value in desk.store.find(SUBSCRIPTIONS)] == [expected]
    stop(interpreter, "own")
    assert desk.store.count(SUBSCRIPTIONS) == 0


def test_operations_learn_the_applied_configuration(desk: Desk, interpreter: Interpreter) -> None:
    start(interpreter, "role")
    start(interpreter, "context", configuration={"maxContexts": 1})
    desk.context()
    with pytest.raises(PermanentError, match="open contexts: 1, and the module admits 1"):
        desk.context()
    start(interpreter, "context", configuration={"maxContexts": 2})
    desk.context()
    stop(interpreter, "context")

    desk.context()  # the default holds where no module is applied


def test_module_does_not_start_before_what_it_needs(desk: Desk, interpreter: Interpreter) -> None:
    with pytest.raises(PermanentError, match="Module/role, on which Module/plan depends"):
        start(interpreter, "plan", dependencies=needs("role"))
    assert desk.store.get("module", "plan")["state"] == "configured"
    start(interpreter, "role")

    assert start(interpreter, "plan", dependencies=needs("role"))["health"]["state"] == "started"


def test_module_does_not_start_with_a_version_that_its_range_excludes(
    interpreter: Interpreter,
) -> None:
    start(interpreter, "context", version="1.0.0-alpha")
    with pytest.raises(PermanentError, match="a range admits a prerelease only"):
        start(interpreter, "plan", dependencies=needs("context"))

    start(interpreter, "plan", dependencies=needs("context", range="^1.0.0-alpha"))


@pytest.mark.parametrize("configuration", [{"maxContexts": 0}, {"maxContext": 1}])
def test_configuration_that_does_not_fit_is_not_taken(
    desk: Desk, interpreter: Interpreter, configuration: dict[str, Any]
) -> None:
    start(interpreter, "context", configuration={"maxContexts": 7})
    with pytest.raises(PermanentError):
        start(interpreter, "context", configuration=configuration)

    kept = desk.store.get("module", "context")
    assert (kept["state"], kept["configuration"]) == ("initialized", {"maxContexts": 7})


def test_module_of_another_type_takes_the_place_of_the_former_one(
    desk: Desk, interpreter: Interpreter
) -> None:
    start(interpreter, "own")
    start(interpreter, "role", former="own")

    assert [id for id, _ in desk.store.find("module")] == ["role"]


def test_type_without_its_plugin_does_not_start(interpreter: Interpreter) -> None:
    with pytest.raises(PermanentError, match="no type of module 'gone'"):
        start(interpreter, "gone")


def test_pinned_start_that_no_longer_fits_is_refused() -> None:
    with pytest.raises(ChimeraError, match="cannot go on"):
        list(starting({**pinned("role"), "spec": {"kind": "role"}}, TYPES))


def test_what_depends_on_a_module_shuts_down_before_it(
    desk: Desk, interpreter: Interpreter
) -> None:
    start(interpreter, "role")
    start(interpreter, "context", dependencies=needs("role"))
    start(interpreter, "plan", dependencies=needs("context"))
    with pytest.raises(PermanentError, match="plan depends on Module/role, and stays"):
        stop(interpreter, "role", "plan")
    assert desk.store.count("module") == 3

    assert stop(interpreter, "role") == ["plan", "context", "role"]
    assert desk.store.count("module") == 0
    assert stop(interpreter, "context") == []


def test_objects_stay_when_their_module_is_shut_down(desk: Desk, interpreter: Interpreter) -> None:
    start(interpreter, "context")
    desk.context()
    stop(interpreter, "context")

    assert desk.do("context.get", contextId="ctx-001")["status"] == "active"


def test_health_says_what_was_looked_at(desk: Desk, interpreter: Interpreter) -> None:
    start(interpreter, "role")
    start(interpreter, "context", dependencies=needs("role"))
    desk.context()
    found = look(desk.store, "context", TYPES)
    assert (found.status, found.objects) == ("healthy", 1)
    assert set(found.checks) == {"state", "configuration", "collections", "dependencies"}
    stop(interpreter, "role", "own")
    assert look(desk.store, "role", TYPES).status == "unknown"


@pytest.mark.parametrize(
    ("change", "check", "said"),
    [
        ({"state": "configured"}, "state", "it is configured"),
        ({"configuration": {"maxRoles": 2}}, "configuration", "it is not what was applied"),
        (
            {"configuration": {"x": 1}, "digest": digest_json({"x": 1})},
            "configuration",
            "it does not fit its type",
        ),
    ],
)
def test_ill_module_and_what_needs_it_are_not_well(
    desk: Desk, interpreter: Interpreter, change: dict[str, Any], check: str, said: str
) -> None:
    start(interpreter, "role")
    start(interpreter, "context", dependencies=needs("role"))
    desk.store.put("module", "role", {**desk.store.get("module", "role"), **change})

    role, context = (look(desk.store, name, TYPES) for name in ("role", "context"))
    assert role.status == context.status == "unhealthy"
    assert said in role.checks[check]
    assert context.checks["dependencies"] == "Module/role is unhealthy"
    gone = {name: type for name, type in TYPES.items() if name != "role"}
    assert "no plugin registers" in look(desk.store, "role", gone).checks["collections"]


def test_collection_that_cannot_be_read_is_found(interpreter: Interpreter) -> None:
    class Torn(Memory):
        def count(self, collection: str, **equal: Any) -> int:
            if collection == "role.holder":
                raise StateError("the value is not there")
            return super().count(collection, **equal)

    start(interpreter, "role")
    torn = Torn(interpreter.desk.store.values)

    found = look(torn, "role", TYPES)
    assert found.status == "unhealthy"
    assert found.checks["collections"] == "role.holder cannot be read: the value is not there"


def test_health_check_looks_only_at_what_it_names(desk: Desk, interpreter: Interpreter) -> None:
    start(interpreter, "role", healthCheck={"checks": ["state"]})

    assert set(look(desk.store, "role", TYPES).checks) == {"state"}


graphs = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3), max_size=6
)


@given(graphs)
def test_order_starts_each_after_what_it_needs_and_leaves_circles_out(
    needs: dict[str, list[str]],
) -> None:
    order = starting_order(needs)
    for place, name in enumerate(order):
        assert all(need in order[:place] for need in needs[name] if need in needs)
    circles = list(cycles(needs))
    assert bool(circles) == (len(order) < len(needs))
    for circle in circles:
        assert all(
            after in needs[before]
            for before, after in zip(circle, (*circle[1:], circle[0]), strict=True)
        )


@given(graphs, st.sampled_from("abcdef"))
def test_dependents_shut_down_before_what_they_need(needs: dict[str, list[str]], name: str) -> None:
    found = dependents(name, needs)
    for place, one in enumerate(found):
        assert not any(one in needs[other] for other in found[place + 1 :])
