"""Objectives over a real state: looks, runs, applies; met, missed, and not measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.objectives.evaluating import Standing, evaluate
from chimera.builtin.services.objectives.sources import Origin
from chimera.context import Context, FixedClock
from chimera.model import Finding
from chimera.runtime.health import Health, HealthCheck
from chimera.runtime.looks import HOURS, REPORTS, check_json, counted, hour_id, looks_of
from chimera.state import Event, EventKind, RunStatus, StateWriter, open_state, read_state
from chimera.workspace import Workspace
from tests.builtin.services.objectives.conftest import NOW, document, spec, value

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def context(now: datetime) -> Context:
    import dataclasses

    return dataclasses.replace(Context.system(), clock=FixedClock(now))


@pytest.fixture
def state(tmp_path: Path) -> Iterable[StateWriter]:
    workspace = Workspace(tmp_path, Context.system())
    workspace.prepare()
    with workspace.open_state("test") as writer:
        yield writer


def look(
    state: StateWriter, at: datetime, *, ok: bool = True, latency: float = 0.1, **services: bool
) -> dict[str, Any]:
    """Keep a look at Service/a, or at some services."""
    found = [
        HealthCheck(
            f"Service/{name}",
            Health.HEALTHY if well else Health.UNHEALTHY,
            measures={"looked": True, "ok": well},
            latency=latency if well else None,
        )
        for name, well in (services or {"a": ok}).items()
    ]
    memory = HealthCheck("memory", Health.HEALTHY, measures={"usage": 0.75})
    report = {"at": at.isoformat(), "checks": [check_json(one) for one in (*found, memory)]}
    state.put_items({("local", REPORTS, at.isoformat()): report})
    return report


def standing(tmp_path: Path, type: str = "availability", **more: Any) -> Standing:
    workspace = Workspace(tmp_path, Context.system())
    with read_state(tmp_path) as reader:
        origin = Origin("local", reader, workspace.tree)
        return evaluate(document(spec(type, **more)), origin, NOW)


def test_too_few_looks_are_not_measured_whatever_they_found(
    state: StateWriter, tmp_path: Path
) -> None:
    for n in range(19):
        look(state, NOW - n * MINUTE)
    found = standing(tmp_path)
    assert (found.finding, found.value, found.count) == (Finding.NOT_EXERCISED, None, 19)
    assert "19 of the 20" in found.why
    look(state, NOW - 19 * MINUTE)
    assert standing(tmp_path).finding is Finding.PASS


def test_no_state_at_all_is_not_measured(tmp_path: Path) -> None:
    for type in ("availability", "latency", "error-rate", "utilisation", "cadence", "count"):
        found = standing(tmp_path, type)
        assert found.finding is Finding.NOT_EXERCISED
        assert found.why


def test_availability_latency_and_utilisation_come_from_looks(
    state: StateWriter, tmp_path: Path
) -> None:
    for n in range(40):
        look(state, NOW - n * MINUTE, ok=n != 5, latency=0.6 if n < 3 else 0.1)
    available = standing(tmp_path)
    assert (available.finding, available.value) == (Finding.FAIL, 39 / 40)
    assert available.budget is not None
    assert available.budget.bad == 1
    slow = standing(tmp_path, "latency")
    assert (slow.value, slow.count, slow.finding) == (0.6, 39, Finding.FAIL)
    assert standing(tmp_path, "latency", indicator={"percentile": 90}).value == 0.1
    assert standing(tmp_path, "utilisation").finding is Finding.PASS
    both = standing(tmp_path, "utilisation", target={"atLeast": "80%", "atMost": "90%"})
    assert both.finding is Finding.FAIL


def test_a_band_is_missed_on_both_sides(state: StateWriter, tmp_path: Path) -> None:
    for n in range(20):
        look(state, NOW - n * MINUTE)
    for low, high, finding in (
        (70, 80, Finding.PASS),
        (76, 80, Finding.FAIL),
        (70, 74, Finding.FAIL),
    ):
        target = {"atLeast": f"{low}%", "atMost": f"{high}%"}
        assert standing(tmp_path, "utilisation", target=target).finding is finding


def test_together_a_look_is_good_where_all_are(state: StateWriter, tmp_path: Path) -> None:
    for n in range(20):
        look(state, NOW - n * MINUTE, a=n != 0, b=n != 1)
    source = {"from": "health", "subjects": ["Service/a", "Service/b"]}
    each = standing(tmp_path, indicator={"source": source})
    assert (each.value, each.count) == (38 / 40, 40)
    together = standing(tmp_path, indicator={"source": {**source, "together": True}})
    assert (together.value, together.count) == (18 / 20, 20)


def test_what_was_not_looked_at_is_no_measurement(state: StateWriter, tmp_path: Path) -> None:
    check = HealthCheck("Service/a", Health.DEGRADED, measures={"looked": False})
    for n in range(30):
        at = NOW - n * MINUTE
        report = {"at": at.isoformat(), "checks": [check_json(check)]}
        state.put_items({("local", REPORTS, at.isoformat()): report})
    assert standing(tmp_path).count == 0


def test_only_the_window_counts(state: StateWriter, tmp_path: Path) -> None:
    for n in range(60):
        look(state, NOW - n * MINUTE, ok=n < 30)
    look(state, NOW + MINUTE, ok=False)
    assert standing(tmp_path, window="30m").value == 1
    assert standing(tmp_path, window="1h").value == 0.5
    assert standing(tmp_path, window="30m").count == 30


def test_older_looks_count_by_the_hour(state: StateWriter, tmp_path: Path) -> None:
    kept: dict[str, Any] = {}
    for n in range(240):  # four hours; the reports of the last 90 minutes are kept
        at = NOW - n * MINUTE
        report = look(state, at, ok=n % 10 != 0, latency=0.2)
        for one in looks_of(report):
            kept[hour_id(one)] = counted(kept.get(hour_id(one)), one)
        if n >= 90:
            state.put_items({("local", REPORTS, at.isoformat()): None})
    state.put_items({("local", HOURS, id): value for id, value in kept.items()})
    found = standing(tmp_path, window="1d")
    assert found.count == 240
    assert found.value == pytest.approx(0.9)
    slow = standing(tmp_path, "latency", window="1d")
    assert slow.count == 216
    assert slow.value == pytest.approx(0.2, rel=0.011)
    assert standing(tmp_path, window="30m").count == 30


def run(
    state: StateWriter,
    tmp_path: Path,
    status: RunStatus,
    *events: Event,
    target: str = "Workflow/w",
) -> None:
    made = state.create_run("local", target, {"spec": {}}, None)
    state.record(made.uid, events, status=status)


def recorded(tmp_path: Path, now: datetime, fill: Callable[[StateWriter], None]) -> None:
    workspace = Workspace(tmp_path, Context.system())
    workspace.prepare()
    with open_state(tmp_path, context(now), command="test") as state:
        fill(state)


def test_errors_are_runs_or_steps_that_failed(tmp_path: Path) -> None:
    def fill(state: StateWriter) -> None:
        for n in range(25):
            is_bad = n == 0
            kind = EventKind.FAIL if is_bad else EventKind.DONE
            at = NOW - MINUTE
            steps = [Event(EventKind.DONE, "a", 1, at, 1), Event(kind, "b", 1, at, {"error": "e"})]
            run(state, tmp_path, RunStatus.FAILED if is_bad else RunStatus.SUCCEEDED, *steps)
        run(state, tmp_path, RunStatus.RUNNING)

    recorded(tmp_path, NOW - MINUTE, fill)
    assert standing(tmp_path, "error-rate").value == 1 / 25
    steps = standing(tmp_path, "error-rate", indicator={"source": {"from": "runs", "unit": "step"}})
    assert (steps.value, steps.count) == (1 / 50, 50)
    other = {"from": "runs", "targets": ["Workflow/other"]}
    assert standing(tmp_path, "error-rate", indicator={"source": other}).count == 0


def test_a_count_is_a_figure_that_runs_gave(tmp_path: Path) -> None:
    def fill(state: StateWriter) -> None:
        for generations in (30, 35, 120):
            done = Event(EventKind.DONE, "generation-1", 1, NOW, {"generation": 1})
            last = Event(EventKind.DONE, "generation-9", 1, NOW, {"generations": generations})
            run(state, tmp_path, RunStatus.SUCCEEDED, done, last, target="Evolution/e")
        run(state, tmp_path, RunStatus.FAILED, target="Evolution/e")

    recorded(tmp_path, NOW - MINUTE, fill)
    found = standing(tmp_path, "count")
    assert (found.value, found.count, found.finding) == (35, 3, Finding.PASS)
    every = standing(tmp_path, "count", indicator={"percentile": 95})
    assert (every.value, every.finding) == (120, Finding.FAIL)
    named = {"source": {"from": "runs", "figure": "generation-1/generation"}}
    assert standing(tmp_path, "count", indicator=named).value == 1


def ruling(outcome: str, *actions: str) -> dict[str, Any]:
    return {"outcome": outcome, "items": [{"action": action} for action in actions]}


def test_a_cadence_counts_applies_that_changed_something(tmp_path: Path) -> None:
    def day(number: int) -> Callable[[StateWriter], None]:
        def fill(state: StateWriter) -> None:
            state.record_ruling("local", f"p{number}", ruling("passed", "update"))
            state.record_ruling("local", f"q{number}", ruling("failed", "update"))
            state.record_ruling("local", f"r{number}", ruling("passed", "run"))
            state.record_ruling("local", f"s{number}", ruling("passed"))

        return fill

    for number in range(4):
        recorded(tmp_path, NOW - timedelta(days=number), day(number))
    short = standing(tmp_path, "cadence", window="7d")
    assert short.finding is Finding.NOT_EXERCISED
    assert "begins at 2026-11-18" in short.why
    recorded(tmp_path, NOW - timedelta(days=8), day(8))
    found = standing(tmp_path, "cadence", window="7d")
    assert (found.value, found.finding) == (4 / 7, Finding.FAIL)
    assert standing(tmp_path, "cadence", window="7d", target={"atLeast": 0.5}).finding is (
        Finding.PASS
    )


def test_a_file_that_cannot_be_read_is_not_measured(tmp_path: Path) -> None:
    rows = [{"at": (NOW - n * MINUTE).isoformat(), "value": 0.1} for n in range(30)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    source = {"source": {"from": "file", "path": "m.jsonl"}}
    assert "there is no file m.jsonl" in standing(tmp_path, "latency", indicator=source).why
    (tmp_path / "m.jsonl").write_text(text)
    assert standing(tmp_path, "latency", indicator=source).finding is Finding.PASS
    (tmp_path / "m.jsonl").write_text(text + "~15ms\n")
    found = standing(tmp_path, "latency", indicator=source)
    assert found.finding is Finding.NOT_EXERCISED
    assert "line 31" in found.why


def test_the_answer_depends_on_measurements_and_now_alone(
    state: StateWriter, tmp_path: Path
) -> None:
    for n in range(60):
        look(state, NOW - n * MINUTE, ok=n % 7 != 0, latency=n / 100)
    assert standing(tmp_path) == standing(tmp_path)
    assert standing(tmp_path, "latency") == standing(tmp_path, "latency")


Chimera = Callable[..., Any]
AS_OF = ("--now", NOW.isoformat())


def test_commands_tell_met_missed_and_not_measured_by_their_exit_codes(
    state: StateWriter, tmp_path: Path, chimera: Chimera, write: Callable[..., None]
) -> None:
    write(value(), "available")
    assert chimera("objective", "list", *AS_OF).code == 5
    for n in range(40):
        look(state, NOW - n * MINUTE)
    said = chimera("objective", "list", *AS_OF)
    assert (said.code, "met" in said.out) == (0, True)
    assert chimera("objective", "list", "--env", "elsewhere", *AS_OF).code == 5
    look(state, NOW, ok=False)
    shown = chimera("objective", "show", "available", "-o", "json", *AS_OF)
    assert shown.code == 1
    told = json.loads(shown.out)
    assert (told["status"], told["value"], told["now"]) == ("missed", 39 / 40, NOW.isoformat())
    assert told["burnRates"][0]["passed"] is True
    assert "burn rate" in chimera("objective", "show", "available", *AS_OF).out
    assert chimera("objective", "show", "avalable").code == 4


def test_what_is_exported_makes_a_current_value_that_holds(
    state: StateWriter, tmp_path: Path, chimera: Chimera, write: Callable[..., None]
) -> None:
    written = value("latency")
    write(written)
    assert chimera("objective", "export", "o", "m.jsonl", *AS_OF).code == 4
    for n in range(40):
        look(state, NOW - n * MINUTE, latency=0.1 + n / 1000)
    said = chimera("objective", "export", "o", "m.jsonl", *AS_OF)
    assert said.code == 0
    assert chimera("objective", "export", "o", "../m.jsonl", *AS_OF).code == 4
    block = said.out.partition("current:\n")[2]
    current = dict(line.strip().split(": ", 1) for line in block.strip().split("\n"))
    write(
        {
            **written,
            "current": {
                "value": float(current["value"]),
                "at": current["at"].strip('"'),
                "count": int(current["count"]),
                "file": current["file"],
            },
        }
    )
    assert chimera("check").code == 0
