"""An entry of the genome store: a candidate, how it came to be, and from what.

Everything that it needs to be judged by itself stands in it. Refuses a candidate that its own genes
do not allow, or whose digest is another's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from chimera.builtin.evolution.genomes.values import champion_digest, gene_faults, plain_values
from chimera.builtin.evolution.spec.fitness import ObjectiveName
from chimera.builtin.evolution.spec.genes import Gene
from chimera.builtin.evolution.spec.genome import GeneValue, ObjectiveValue, Provenance
from chimera.builtin.evolution.spec.values import Finite
from chimera.kinds import DigestText, Field, Items, Model, Text, ValidationError
from chimera.model import ChimeraError, canonical_json, digest_json

if TYPE_CHECKING:
    from chimera.builtin.evolution.genomes.values import Value
    from chimera.builtin.evolution.spec.evolution import EvolutionSpec

Role = Literal["champion", "ancestor"]


class Entry(Model):
    """One genome of one run."""

    format: Literal["chimera-genome/1"] = Field(
        default="chimera-genome/1", description="What this file is."
    )
    role: Role = Field(
        default="champion",
        description="Whether it was the best of its run when somebody looked, or a parent of one.",
    )
    layout: Annotated[Items[Gene], Field(min_length=1)] = Field(
        description="The genes that the Evolution declared."
    )
    genes: Items[GeneValue] = Field(description="What they became, in the same order.")
    objective: ObjectiveName = Field(
        default="minimize", description="Whether a smaller or a larger fitness is better."
    )
    fitness: Finite | None = Field(
        default=None, description="Its fitness; several objectives have `objectives`."
    )
    objectives: Items[ObjectiveValue] = Field(
        default=(), description="Values of several objectives."
    )
    feasible: bool = Field(default=True, description="Whether it meets every constraint.")
    champion: DigestText = Field(description="Digest of genes and fitness as bytes.")
    generation: Annotated[int, Field(ge=0)] = Field(description="Generation it was found in.")
    island: Annotated[int, Field(ge=0)] = Field(default=0, description="Island it was found on.")
    operators: Items[Text] = Field(
        default=(), description="What made it of its parents, such as tournament, sbx, polynomial."
    )
    parents: Annotated[Items[DigestText], Field(max_length=2)] = Field(
        default=(),
        description="Digests of the entries that it was made of, where the algorithm has parents. "
        "A parent that was no champion is kept as it is, without its own parents.",
    )
    previous: DigestText | None = Field(
        default=None, description="Digest of the entry that was the champion before it."
    )
    provenance: Provenance = Field(description="From what it came.")

    @property
    def run(self) -> str:
        """The name of its run: whatever has the same provenance is the same run."""
        value = self.provenance.model_dump(mode="json", exclude_none=True)
        return digest_json(value).removeprefix("sha256:")[:16]

    @property
    def cost(self) -> float | None:
        """Its fitness as what is minimised; `None` where several objectives make no order."""
        if self.fitness is None:
            return None
        return self.fitness if self.objective == "minimize" else -self.fitness

    @property
    def outcomes(self) -> tuple[float, ...]:
        """Its fitness, or its objectives in their order."""
        if self.fitness is not None:
            return (self.fitness,)
        return tuple(objective.value for objective in self.objectives)

    @property
    def values(self) -> dict[str, Value | list[Value]]:
        """What the genes became, by name."""
        pairs = zip(self.layout, self.genes, strict=True)
        return {gene.name: plain_values(gene, found) for gene, found in pairs}


def entry_of(
    spec: EvolutionSpec,
    genome: Mapping[str, Any],
    *,
    role: Role = "champion",
    operators: Sequence[str] = (),
    parents: Sequence[str] = (),
    previous: str | None = None,
) -> Entry:
    """Return the entry for what a run of `spec` found, given as a Genome's spec is written.

    Of `genome` only what an entry has is read. Raises `ChimeraError` where it is no entry.
    """
    taken = ("genes", "fitness", "objectives", "feasible", "champion", "generation", "island")
    value = {name: genome[name] for name in taken if genome.get(name) is not None}
    value |= {"role": role, "layout": spec.genome.genes, "objective": spec.objective}
    value |= {"operators": operators, "parents": parents, "previous": previous}
    return read_entry(value | {"provenance": genome["provenance"]})


def read_entry(value: Any) -> Entry:
    """Return the entry that `value` is; raises `ChimeraError` where it is none, or not sound."""
    try:
        entry = Entry.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "its root"
        raise ChimeraError(f"this is no genome: {first['msg'].lower()} ({place})") from error
    for fault in faults(entry):
        raise ChimeraError(f"this is no sound genome: {fault}")
    return entry


def write_entry(entry: Entry) -> bytes:
    """Return an entry as the canonical JSON that its digest is taken of."""
    return canonical_json(entry.model_dump(mode="json", exclude_none=True))


def faults(entry: Entry) -> Iterator[str]:
    """Yield what contradicts itself in an entry."""
    if (entry.fitness is None) == (not entry.objectives):
        yield "it has neither a fitness nor objectives, or both"
        return
    wrong = tuple(gene_faults(entry.layout, entry.genes))
    yield from wrong
    if not wrong and entry.champion != champion_digest(entry.layout, entry.genes, entry.outcomes):
        yield f"its genes and fitness are not those of the champion {entry.champion}"
    if entry.role == "ancestor" and (entry.parents or entry.previous):
        yield "an ancestor that was no champion has parents that nobody kept"
