"""Pools and claims applied, and leased by workflows, on the engine and its store."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.resources.observing import observe
from chimera.context import Context
from chimera.documents import dump
from chimera.model import Outcome
from chimera.runtime.health import Health, HealthTask
from chimera.state import EventKind
from chimera.workspace import Workspace

POOL = {
    "where": "elsewhere",
    "resources": {"cpu": {"capacity": 2, "cost": 0.5}, "seat": {"capacity": 1}},
}
LEASE = {"id": "lease", "operation": "resources.allocate", "inputs": {"claims": ["c"]}}
USAGE = {"id": "usage", "operation": "resources.usage"}


def workflow(*stages: Any, **outputs: str) -> dict[str, Any]:
    return {"trigger": "human", "stages": list(stages), "outputs": outputs}


Apply = Callable[..., Workspace]


@pytest.fixture
def apply(tmp_path: Path) -> Apply:
    """Write documents, as `Kind/name` and spec, and apply them."""

    def run(documents: dict[str, Any], expected: Outcome = Outcome.PASSED) -> Workspace:
        (tmp_path / "specs").mkdir(exist_ok=True)
        for file in (tmp_path / "specs").iterdir():
            file.unlink()
        for address, spec in documents.items():
            kind, _, name = address.partition("/")
            (tmp_path / "specs" / f"{kind}-{name}.yaml").write_text(
                dump(
                    {
                        "apiVersion": "chimera/v1",
                        "kind": kind,
                        "metadata": {"name": name},
                        "spec": spec,
                    }
                )
            )
        workspace = Workspace.open(tmp_path, Context.system())
        done = workspace.apply()
        assert done.outcome is expected, done
        return workspace.reopened()

    return run


DOCUMENTS = {
    "ResourcePool/p": POOL,
    "ResourceClaim/c": {"requests": {"cpu": 1}, "count": 5, "for": {"workflows": ["Workflow/w"]}},
    "Workflow/w": workflow(LEASE, USAGE, used="${usage.pools}", id="${lease.lease.id}"),
}


def used(answer: Any) -> str:
    found: str = answer.value.outputs["outputs"]["used"]["p"]["used"]["cpu"]
    return found


def test_a_lease_is_held_while_its_run_goes_on_and_not_after_it(apply: Apply) -> None:
    workspace = apply(DOCUMENTS)
    for _ in range(3):
        answer = workspace.run("Workflow/w", {})
        assert answer.outcome is Outcome.PASSED
        assert used(answer) == "1"
    with workspace.read_state() as state:
        live = [item.value["status"] for item in state.items("local", "resource.lease")]
        ended = [item.value["status"] for item in state.items("local", "resource.ended")]
    assert (live, ended) == (["held"], ["expired", "expired"])


def test_an_allocation_that_fails_leaves_nothing_held(apply: Apply) -> None:
    both = {**LEASE, "inputs": {"requests": {"cpu": 1, "seat": 2}}}
    workspace = apply({**DOCUMENTS, "Workflow/v": workflow(both)})
    answer = workspace.run("Workflow/v", {})
    assert answer.outcome is Outcome.FAILED
    assert answer.value.item is not None
    assert "p is too small by 1 of seat" in answer.value.item.message
    with workspace.read_state() as state:
        assert state.items("local", "resource.lease") == ()


def test_an_updated_pool_is_what_the_next_allocation_sees(apply: Apply) -> None:
    workspace = apply(DOCUMENTS)
    assert used(workspace.run("Workflow/w", {})) == "1"
    smaller = {**POOL, "resources": {"cpu": {"capacity": "500m"}}}
    less = {**DOCUMENTS["ResourceClaim/c"], "minimum": {"cpu": "100m"}}  # type: ignore[dict-item]
    workspace = apply({**DOCUMENTS, "ResourcePool/p": smaller, "ResourceClaim/c": less})
    assert used(workspace.run("Workflow/w", {})) == "500m"


def test_a_deleted_pool_serves_nobody(apply: Apply) -> None:
    apply(DOCUMENTS)
    usage = {"Workflow/v": workflow(USAGE, pools="${usage.pools}")}
    workspace = apply(usage)
    assert workspace.run("Workflow/v", {}).value.outputs == {"outputs": {"pools": {}}}
    with workspace.read_state() as state:
        assert state.items("local", "resource.claim") == ()


def test_a_pool_is_not_deleted_while_somebody_holds_a_part_of_it(apply: Apply) -> None:
    held = workflow(LEASE, {"id": "hold", "wait": {"signal": "go"}, "dependencies": ["lease"]})
    documents = {**DOCUMENTS, "Workflow/w": held}
    run = apply(documents).run("Workflow/w", {}).value.item
    assert run is not None
    assert run.run is not None
    without = {"Workflow/w": held, "ResourceClaim/c": DOCUMENTS["ResourceClaim/c"]}
    workspace = apply(without, Outcome.FAILED)
    with workspace.read_state() as state:
        (lease,) = state.items("local", "resource.lease")
        assert [item.id for item in state.items("local", "resource.pool")] == ["p"]
        (failed,) = [r for r in state.runs(target="ResourcePool/p") if r.failed]
        (error,) = [e.data for e in state.events(failed.uid) if e.kind is EventKind.FAIL]
    assert error == {"error": f"ResourcePool/p is held by {lease.id}"}
    workspace.runs.cancel(run.run)
    with apply(without).read_state() as state:
        assert state.items("local", "resource.pool") == ()


def test_a_stage_that_waits_for_a_large_lease_is_not_overtaken(apply: Apply) -> None:
    patient = {"retryPolicy": {"maxRetries": 100, "backoffStrategy": "fixed", "baseDelay": "50ms"}}

    def leases(id: str, cpu: int, *needs: str) -> dict[str, Any]:
        inputs = {"requests": {"cpu": cpu}}
        asks = {"id": id, "operation": "resources.allocate", "inputs": inputs, **patient}
        return {**asks, "dependencies": list(needs)}

    def gives(id: str, lease: str, *needs: str) -> dict[str, Any]:
        inputs = {"leases": [f"${{{lease}.lease.id}}"]}
        given = {"id": id, "operation": "resources.release", "inputs": inputs}
        return {**given, "dependencies": [lease, *needs]}

    stages = [
        leases("first", 1),
        leases("large", 2, "first"),
        {"id": "later", "wait": {"for": "100ms"}, "dependencies": ["first"]},
        leases("small", 1, "later"),
        {"id": "soon", "wait": {"for": "300ms"}, "dependencies": ["first"]},
        gives("give", "first", "soon"),
        gives("pass", "large"),
    ]
    spec = workflow(*stages, large="${large.lease.until}", small="${small.lease.until}")
    workspace = apply({**DOCUMENTS, "Workflow/v": {**spec, "mode": "parallel"}})
    answer = workspace.run("Workflow/v", {}, waits=True)
    outputs = answer.value.outputs["outputs"]
    assert outputs["large"] < outputs["small"]
    with workspace.read_state() as state:
        assert state.items("local", "resource.waiting") == ()


def test_a_claim_is_refused_to_another_workflow(apply: Apply) -> None:
    workspace = apply({**DOCUMENTS, "Workflow/v": workflow(LEASE)})
    answer = workspace.run("Workflow/v", {})
    assert answer.value.item is not None
    assert "ResourceClaim/c is not for Workflow/v" in answer.value.item.message


def test_health_says_what_is_leased_and_what_is_promised_in_vain(apply: Apply) -> None:
    boast = {"resources": {"cpu": {"capacity": 10**6}}}
    workspace = apply({**DOCUMENTS, "ResourcePool/boast": boast})
    workspace.run("Workflow/w", {})
    with workspace.read_state() as state:
        task = HealthTask("local", workspace.loaded.snapshot, state, workspace.context)
        found = {check.subject: check for check in observe(task)}
    assert found["ResourcePool/boast"].status is Health.DEGRADED
    assert "it says 1000000 of cpu" in found["ResourcePool/boast"].message
    assert found["ResourcePool/p"].status is Health.HEALTHY
    assert found["ResourcePool/p"].measures["utilisation.cpu"] == 0  # the run has ended
    assert found["ResourcePool/p"].measures["leases"] == 0


def test_stages_that_name_a_token_run_one_after_another(apply: Apply) -> None:
    """By what they saw: each writes when it began, and the next began after that one had ended."""
    script = "date +%s%N; sleep 0.2; date +%s%N"
    stage = {
        "operation": "command",
        "limits": ["seat"],
        "inputs": {"argv": ["/bin/sh", "-c", script]},
    }
    stages = [{"id": name, **stage} for name in ("a", "b", "c")]
    spec = workflow(*stages, **{name: f"${{{name}.stdout}}" for name in ("a", "b", "c")})
    workspace = apply({**DOCUMENTS, "Workflow/v": {**spec, "mode": "parallel"}})
    outputs = workspace.run("Workflow/v", {}).value.outputs["outputs"]
    times = sorted(tuple(map(int, said.split())) for said in outputs.values())
    assert len(times) == 3
    for (_, ended), (began, _) in pairwise(times):
        assert began >= ended
