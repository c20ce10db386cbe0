"""What stages share about failures: circuit breakers and bulkheads, by the name that they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chimera.builtin.workflow.plugin import chimera_reconcile
from chimera.context import Context
from chimera.runtime import ReconcileTask, RunError, Runs, RunSettings
from chimera.runtime.recovery import BreakerRule, BulkheadRule
from chimera.state import EventKind, StateWriter
from tests.builtin.workflow.conftest import ADDRESS

Errors = Callable[..., list[str]]


@pytest.fixture
def errors(task: Callable[..., ReconcileTask], state: StateWriter, context: Context) -> Errors:
    """Return what the stages of a workflow failed with, executed by settings, in order."""

    def run(stages: str, concurrency: int = 32, **settings: object) -> list[str]:
        runs = Runs(state, context, "local", settings=RunSettings(**settings))  # type: ignore[arg-type]
        head = f"trigger: apply\nmode: parallel\nconcurrency: {concurrency}\n"
        given = task(f"{head}stages:\n{stages}")
        with pytest.raises(RunError):
            chimera_reconcile(
                replace(given, run_steps=lambda *all: runs.carry_out(str(ADDRESS), *all))
            )
        (done,) = state.runs(target=str(ADDRESS))
        return [e.data["error"] for e in state.events(done.uid) if e.kind is EventKind.FAIL]

    return run


def stage(id: str, argv: str, handling: str) -> str:
    return (
        f"  - {{id: {id}, operation: command, inputs: {{argv: [{argv}]}},"
        f" errorHandling: {{{handling}}}}}\n"
    )


def test_a_breaker_that_one_stage_trips_keeps_another_from_trying(errors: Errors) -> None:
    one_by_one = stage("a", '"false"', "circuitBreaker: api") + stage(
        "b", '"true"', "circuitBreaker: api"
    )
    rules = {"api": BreakerRule(failures=1)}
    first, second = errors(one_by_one, concurrency=1, breakers=rules)
    assert "exit code 1" in first
    assert second.startswith("the circuit breaker api is open")


def test_a_full_bulkhead_turns_away_who_comes(errors: Errors) -> None:
    slow = "".join(stage(id, 'sleep, "0.2"', "bulkhead: api") for id in "ab")
    (error,) = errors(slow, bulkheads={"api": BulkheadRule(limit=1, queue=0)})
    assert error.startswith("the bulkhead api is full")
