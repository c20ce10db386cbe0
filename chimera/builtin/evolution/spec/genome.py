"""The spec of a Genome, the record of what a run found."""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.builtin.evolution.spec.causes import Cause
from chimera.builtin.evolution.spec.genes import CategoryValue
from chimera.builtin.evolution.spec.values import Finite, HexSeed, IntegerSeed
from chimera.kinds import AddressText, Field, Items, Model, Reference, Text

StopReason = Literal["target", "stagnation", "generations", "evaluations", "converged", "time"]


class GeneValue(Model):
    """What a gene became."""

    name: Text = Field(description="Name of the gene, as in the Evolution.")
    values: Items[CategoryValue] = Field(
        description="Its value, or the values of a vector, exact to the last bit."
    )


class ObjectiveValue(Model):
    """What one of several objectives came to."""

    name: Text = Field(description="Name of the objective, as in the Evolution.")
    value: Finite = Field(description="Its value.")


class FrontMember(Model):
    """A candidate that no other beats in all objectives."""

    values: Items[Finite] = Field(description="Values of the objectives, in their order.")
    genes: Items[GeneValue] = Field(description="The genes, in the order of the Evolution.")


class FailureCount(Model):
    """How many candidates have no fitness for one cause."""

    cause: Cause = Field(description="What went wrong.")
    count: Annotated[int, Field(ge=1)] = Field(description="With how many.")
    message: str = Field(description="What was said of the first.")


class ChosenAlgorithm(Model):
    """What searched, and why that."""

    name: Text = Field(description="The algorithm; several islands may have different ones.")
    reason: Text = Field(description="Why it was taken.")


class Provenance(Model):
    """From what a genome came: whoever has all of this gets the same genome again."""

    evolution: Annotated[AddressText, Reference("Evolution")] = Field(
        description="Address of the Evolution that found it."
    )
    document: Text = Field(description="Digest of that document as it was run.")
    seed: HexSeed | IntegerSeed = Field(description="Seed of the run.")
    random_scheme: Text = Field(description="Version of the scheme that random numbers come from.")
    kernels: Text = Field(description="Digest of the sources that computed it.")
    numba: Text = Field(description="Version of numba that compiled them.")
    numpy: Text = Field(description="Version of NumPy that held the numbers.")
    platform: Text = Field(description="Operating system and processor, as in Linux-x86_64.")
    reproducible: bool = Field(
        default=True, description="Whether the same document and code give the same bits again."
    )
    caveat: Text | None = Field(
        default=None, description="Why not, or where only, as for a fitness from outside."
    )


class GenomeSpec(Model):
    """The champion of one evolution run."""

    genes: Items[GeneValue] = Field(description="The genes, in the order of the Evolution.")
    fitness: Finite | None = Field(
        default=None, description="Fitness of the champion; several objectives have `objectives`."
    )
    objectives: Items[ObjectiveValue] = Field(
        default=(), description="Values of several objectives."
    )
    front: Items[FrontMember] = Field(
        default=(),
        description="With several objectives, all candidates of the last generation that none "
        "beats. The champion is the one nearest to the best value of each, where each objective is "
        "scaled by its range over the front.",
    )
    champion: Text = Field(
        description="Digest of genes and fitness as bytes: what a proof compares."
    )
    history: Text = Field(description="Digest of best and mean cost of every generation.")
    generation: Annotated[int, Field(ge=0)] = Field(
        description="Generation in which the champion was found."
    )
    generations: Annotated[int, Field(ge=0)] = Field(description="Generations that were run.")
    evaluations: Annotated[int, Field(ge=1)] = Field(
        description="How often a fitness was computed."
    )
    invalid: Annotated[int, Field(ge=0)] = Field(
        description="How many of those came out NaN, infinite or not at all."
    )
    failures: Items[FailureCount] = Field(
        default=(), description="Why candidates have no fitness that is computed outside."
    )
    feasible: bool = Field(default=True, description="Whether the champion meets every constraint.")
    island: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Island on which the champion was found."
    )
    stopped: StopReason = Field(description="Which criterion of the Evolution ended the run.")
    algorithm: ChosenAlgorithm | None = Field(
        default=None, description="What searched, and why that."
    )
    lineage: Text | None = Field(
        default=None, description="Digest of the champion's lineage in the genome store."
    )
    provenance: Provenance = Field(description="From what the genome came.")
