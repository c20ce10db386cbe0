"""Applying pools and claims: what operations serve from is what was applied, not what is written.

A pool that is deleted must not be held by anybody. Refuses to measure what is not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chimera.builtin.resources.devices import describe_gpus
from chimera.builtin.resources.holding import CLAIMS, POOLS, run_ends
from chimera.builtin.resources.kinds import ResourcePoolSpec
from chimera.builtin.resources.ledger import Ledger
from chimera.builtin.resources.pools import pool_of
from chimera.builtin.resources.quantities import all_shown
from chimera.context.machine import measure
from chimera.model import Address
from chimera.runtime import PermanentError, ReconcileTask, Step, StepCall
from chimera.runtime.recovery import Category
from chimera.state import Json

COLLECTIONS = {"ResourcePool": POOLS, "ResourceClaim": CLAIMS}


def reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Keep the spec of a pool or a claim where operations find it, or forget it."""
    target = task.change.target
    if not isinstance(target, Address) or target.kind not in COLLECTIONS:
        return None
    spec = None if task.document is None else task.document.value["spec"]
    definition = {"kind": target.kind, "name": target.name, "spec": spec}
    outputs = task.execute(definition, lambda pinned, _: _steps(task.root, pinned))
    return {**(outputs.get("measure") or {}), "kept": outputs["keep"]}


def _steps(root: Path, pinned: Any) -> list[Step]:
    """Return the steps for what a run is pinned to; those that keep are done in the turn."""
    name, spec, collection = pinned["name"], pinned["spec"], COLLECTIONS[pinned["kind"]]
    if spec is None:
        forget = _Forget(root, collection, name)
        return [Step("keep", forget, effects=False, executor="inline")]
    keep = _Keep(collection, name, spec)
    if pinned["kind"] == "ResourceClaim" or spec.get("where") == "elsewhere":
        return [Step("keep", keep, effects=False, executor="inline")]
    pool = ResourcePoolSpec.model_validate(spec)
    return [
        Step("measure", _Measure(name, pool), effects=False),
        Step("keep", keep, needs=("measure",), effects=False, executor="inline"),
    ]


class _Keep:
    """Puts a spec into the store."""

    def __init__(self, collection: str, name: str, spec: Json) -> None:
        self._row = (collection, name, spec)

    def __call__(self, call: StepCall) -> Json:
        call.store.put(*self._row)
        return True


class _Forget:
    """Takes a spec out of the store, unless somebody holds a part of the pool."""

    def __init__(self, root: Path, collection: str, name: str) -> None:
        self._root, self._collection, self._name = root, collection, name

    def __call__(self, call: StepCall) -> Json:
        if self._collection == POOLS:
            with run_ends(self._root, call.run) as ended:
                live = Ledger.open(call.store, call.context.clock.now(), ended).live.values()
            held = sorted(lease.id for lease in live if lease.pool == self._name)
            if held:
                raise PermanentError(
                    f"ResourcePool/{self._name} is held by {', '.join(held[:5])}",
                    category=Category.RESOURCE,
                    help="wait until their runs end, or give them back with resources.release",
                )
        call.store.delete(self._collection, self._name)
        return False


class _Measure:
    """Says what a pool that is here can promise; what it cannot is told in the log, too."""

    def __init__(self, name: str, spec: ResourcePoolSpec) -> None:
        self._name, self._spec = name, spec

    def __call__(self, call: StepCall) -> Json:
        pool = pool_of(self._name, self._spec, measure())
        for why in pool.absent.values():
            call.log(why)
        gpus = describe_gpus(call.context) if "gpu" in pool.capacity and pool.gpus else []
        return {"capacity": all_shown(pool.capacity), "absent": dict(pool.absent), "gpus": gpus}
