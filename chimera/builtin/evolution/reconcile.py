"""Runs an Evolution and records its champion.

What searches is `search.steps`; here the machine's side of it is joined: folders, workers, records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.kinds import Document
from chimera.model import UsageError

if TYPE_CHECKING:
    from chimera.runtime import Outputs, ReconcileTask


def reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Run the evolution if its trigger is `apply`, else say that it is registered."""
    document = task.document
    if document is None:
        return {} if str(task.change.target).startswith("Evolution/") else None
    if not isinstance(document.spec, EvolutionSpec):
        return None
    return _run(task, document) if document.spec.trigger == "apply" else {"registered": True}


def execute(task: ReconcileTask, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Run the applied evolution now, whatever its trigger."""
    document = task.document
    if document is None or not isinstance(document.spec, EvolutionSpec):
        return None
    if inputs:
        raise UsageError(
            f"{document.address} takes no inputs",
            help="change its document and apply it: a run follows from the document alone",
        )
    return _run(task, document)


def _run(task: ReconcileTask, document: Document[Any]) -> Mapping[str, Any]:
    from chimera.builtin.evolution.fitness.outside.pinning import pin
    from chimera.builtin.evolution.search.checkpoints import CheckpointFolder
    from chimera.builtin.evolution.search.opening import Searches
    from chimera.builtin.evolution.search.running import Running

    folder = CheckpointFolder.of(task.root)
    pinned = pin(document.spec, task.snapshot, task.root)
    definition = {
        "evolution": str(document.address),
        "document": document.digest,
        "spec": document.value["spec"],
        **({"fitness": pinned} if pinned else {}),
    }
    with Searches(task.root) as searches:
        running = Running(task.root, folder, searches, task.operations)
        outputs = task.execute(definition, running.build)
    last = _last(outputs)
    genome = last["genome"]
    name = f"{document.metadata.name}-{genome['champion'].removeprefix('sha256:')[:12]}"
    task.record("Genome", name, genome)
    for digest in (last["superseded"], last["checkpoint"]):
        folder.drop(digest)
    found = {name: genome[name] for name in ("fitness", "objectives") if name in genome}
    return {"genome": f"Genome/{name}", **found, "stopped": genome["stopped"]}


def _last(outputs: Outputs) -> Mapping[str, Any]:
    """Return the output of the step that ended the run."""
    return next(output for output in outputs.values() if output and output.get("genome"))
