"""Applying pools and claims: what operations serve from is what was applied, not what is written.

A pool that is deleted must not be held by anybody. Refuses to measure what is not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chimera.builtin.resources.devices import describe_gpus
from chimera.builtin.resources.holding import CLAIMS, POOLS, run_ends
from chimera.builtin.resources.kinds import ResourcePoolSpec
from chimera.builtin.resources.ledger import Ledger
from chimera.builtin.resources.measuring import measure
from chimera.builtin.resources.pools import pool_of
from chimera.builtin.resources.quantities import all_shown
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
    definition = {"target": str(target), "digest": task.change.after, "spec": spec}
    outputs = task.execute(definition, lambda definition, _: _steps(task, target))
    return {**(outputs.get("measure") or {}), "kept": outputs["keep"]}


def _steps(task: ReconcileTask, target: Address) -> list[Step]:
    document, collection = task.document, COLLECTIONS[target.kind]
    if document is None:
        forget = _Forget(task, collection, target.name)
        return [Step("keep", forget, effects=False, executor="inline")]
    keep = _Keep(collection, target.name, document.value["spec"])
    if not isinstance(document.spec, ResourcePoolSpec) or document.spec.where == "elsewhere":
        return [Step("keep", keep, effects=False, executor="inline")]
    return [
        Step("measure", _Measure(target.name, document.spec), effects=False),
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

    def __init__(self, task: ReconcileTask, collection: str, name: str) -> None:
        self._task, self._collection, self._name = task, collection, name

    def __call__(self, call: StepCall) -> Json:
        if self._collection == POOLS:
            now, ends = call.context.clock.now(), run_ends(self._task.root, call.run)
            live = Ledger.open(call.store, now, ends).live.values()
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
