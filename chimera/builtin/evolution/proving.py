"""The proof step `evolution`: the run done again from its seed, in a process of its own.

Its assertions are the digests of champion and history where the proof names them; in any case both
must agree between repetitions. Refuses an evolution that is not among the proof's inputs: it would
not be what the evidence is bound to.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chimera.model import Address, ChimeraError, Finding

if TYPE_CHECKING:
    from chimera.proof import StepOutcome, StepTask


def run_evolution(task: StepTask) -> StepOutcome:
    """Run the evolution that the step names and compare its champion."""
    from chimera.proof import StepOutcome

    step: Any = task.step
    address, expected = step.evolution, {"champion": step.champion, "history": step.history}
    try:
        genome = task.call(f"{__name__}:run_again", address, named=f"evolution {address}")
    except ChimeraError as error:
        outcomes = {f"{address} finds a champion": "fail"}
        return StepOutcome(Finding.FAIL, outcomes, exercised=1, reasons=(error.message,))
    outcomes = {f"{address} finds a champion": "pass"}
    reasons: list[str] = []
    for what, digest in expected.items():
        if digest is None:
            continue
        came = genome[what] == digest
        outcomes[f"its {what} is {digest}"] = "pass" if came else "fail"
        if not came:
            reasons.append(f"{address} has the {what} {genome[what]}, not {digest}")
    return StepOutcome(
        Finding.FAIL if reasons else Finding.PASS,
        outcomes,
        exercised=len(outcomes),
        outputs=genome,
        reasons=tuple(reasons),
    )


def run_again(address: str) -> dict[str, Any]:
    """Run the evolution at `address` in the working directory; return its Genome's spec."""
    from chimera.builtin.evolution.kinds import EvolutionSpec
    from chimera.builtin.evolution.search.opening import open_search
    from chimera.builtin.evolution.search.outcome import genome_of
    from chimera.context import Context
    from chimera.model import digest_json

    root = Path.cwd()
    value = _document(root, Address.parse(address))
    spec = _spec(EvolutionSpec, value)
    with open_search(spec, root, Context.system()) as search:
        state = search.start()
        search.finish(state)
        return genome_of(search, state, {"evolution": address, "document": digest_json(value)})


def _spec(model: Any, value: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(value.get("spec"))
    except ValueError as error:
        raise ChimeraError(
            f"its spec is invalid: {error}", help="`chimera check` says more"
        ) from error


def _document(root: Path, address: Address) -> Mapping[str, Any]:
    from chimera.documents import open_work_tree
    from chimera.kinds import read_source

    for raw in read_source(open_work_tree(root)).raw:
        metadata = raw.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if raw.sound and (raw.value.get("kind"), name) == (address.kind, address.name):
            return raw.value
    raise ChimeraError("it is not among the proof's inputs", help="add its file to spec.inputs")
