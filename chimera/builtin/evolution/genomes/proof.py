"""The proof of a Promotion: the run done again, and a control whose seed has one bit changed.

Writes it where there is none, and keeps one up to date that a person has shaped. Refuses a proof
without a step for the evolution: what it shows is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.spec.evolution import EvolutionSpec
from chimera.builtin.evolution.spec.genome import GenomeSpec
from chimera.documents import dump, splice
from chimera.kinds import API_VERSION, DEFAULT_ROOTS, Document
from chimera.model import Address, UsageError
from chimera.proof.controls import SetValue
from chimera.proof.steps.models import EvolutionStep

if TYPE_CHECKING:
    from chimera.builtin.evolution.genomes.proposing import Proposal
    from chimera.kinds import Snapshot
    from chimera.proof import ProofSpec

_SEED = ("spec", "seed")
_BIT = 1 << 40


def other_seed(seed: str | int) -> str | int:
    """Return a seed with one bit changed, written as the seed is.

    Not the last bit: a person who tries the next seed would arrive at the control's.
    """
    if isinstance(seed, int):
        return seed ^ _BIT
    return f"{int(seed, 16) ^ _BIT:0{len(seed)}x}"


def new_proof(
    name: str,
    evolution: Document[EvolutionSpec],
    genome: GenomeSpec,
    covered: Sequence[str],
    snapshot: Snapshot,
) -> str:
    """Return the text of a proof by which the promotion `name` holds.

    It asks for the history, too: another seed may find the same champion, as of a few integers, so
    that the control would change nothing.
    """
    step = {
        "run": "evolution",
        "evolution": str(evolution.address),
        "champion": genome.champion,
        "history": genome.history,
    }
    control = {
        "mutate": "set",
        "path": evolution.place.path,
        **({"document": evolution.place.index} if evolution.place.index else {}),
        "field": list(_SEED),
        "value": other_seed(evolution.spec.seed),
    }
    value = {
        "apiVersion": API_VERSION,
        "kind": "Proof",
        "metadata": {
            "name": name,
            "description": "Written by `chimera evolve promote`, which keeps digests and control "
            "as the promoted genome has them.",
        },
        "spec": {
            "claim": f"{evolution.address}, run again, finds the genome that Promotion/{name} "
            "puts to use.",
            "covers": {"paths": sorted(set(covered))},
            "inputs": sorted(_inputs(evolution, snapshot)),
            "steps": [step],
            "controls": [control],
        },
    }
    return f"# yaml-language-server: $schema=../.chimera/schemas/Proof.json\n{dump(value)}"


def _inputs(evolution: Document[EvolutionSpec], snapshot: Snapshot) -> set[str]:
    """Return what the run reads: its document, code of the tree, and where documents stand."""
    fitness = evolution.spec.fitness
    found = {evolution.place.path, *fitness.paths}
    if fitness.python is not None:
        found.add(fitness.python.module)
    if fitness.workflow is not None:
        workflow = snapshot.get(Address.parse(fitness.workflow.address))
        found |= {workflow.place.path} if workflow else set()
    if not evolution.place.path.startswith(tuple(f"{root}/" for root in DEFAULT_ROOTS)):
        found |= {d.place.path for d in snapshot.of_kinds(["Repository"])}
    entries = [entry.path for entry in snapshot.tree.entries()]
    if "chimera/__init__.py" in entries:  # the engine's own repository: it is what runs
        found.add("chimera/**")
    return found


def keep_up(
    proposal: Proposal,
    proof: Document[ProofSpec],
    evolution: Document[EvolutionSpec],
    genome: GenomeSpec,
) -> None:
    """Have a proof ask for another genome of `evolution`.

    Its control stays as it is, so that it shows no less; one whose seed is the evolution's own by
    now would change nothing, and gets another.

    Raises `UsageError` where the proof has no step that names one.
    """
    name = str(evolution.address)
    steps = {
        index: step
        for index, step in enumerate(proof.spec.steps)
        if isinstance(step, EvolutionStep) and step.evolution == name and step.champion
    }
    if not steps:
        raise UsageError(
            f"{proof.address} has no step that runs {name} and names its champion",
            help="name another proof with --proof, or give it such a step",
        )
    path = proof.place.path
    text = proposal.text(path)
    for index, step in steps.items():
        text = splice(text, proof.at("spec", "steps", index, "champion"), genome.champion)
        if step.history is not None:
            text = splice(text, proof.at("spec", "steps", index, "history"), genome.history)
    for index, control in enumerate(proof.spec.controls):
        if (
            isinstance(control, SetValue)
            and (control.path, tuple(control.field)) == (evolution.place.path, _SEED)
            and control.value == evolution.spec.seed
        ):
            value: Any = other_seed(evolution.spec.seed)
            text = splice(text, proof.at("spec", "controls", index, "value"), value)
    proposal.put(path, text)
