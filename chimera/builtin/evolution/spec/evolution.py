"""The spec of an Evolution."""

from __future__ import annotations

from typing import Annotated, Any

from chimera.builtin.evolution.spec.algorithms import Algorithm
from chimera.builtin.evolution.spec.fitness import Fitness, Objective, ObjectiveName
from chimera.builtin.evolution.spec.genes import GenomeLayout
from chimera.builtin.evolution.spec.operators import Operators
from chimera.builtin.evolution.spec.running import Budget, Diversity, Islands, Termination
from chimera.builtin.evolution.spec.values import Generations, HexSeed, IntegerSeed
from chimera.kinds import Field, Items, Model, TriggerName

_NO_PART_OF_THE_PROBLEM: Any = {
    "trigger": True,
    "checkpoint_every": True,
    "budget": True,
    "termination": {"time"},
}


class EvolutionSpec(Model):
    """A search for the candidate of best fitness.

    The run follows from this document and the code alone: the same seed gives the same champion,
    bit for bit, however the run was split, interrupted or scheduled.
    """

    trigger: TriggerName = Field(
        default="human", description="What starts the run; `apply` runs it once for each version."
    )
    genome: GenomeLayout = Field(description="What a candidate is made of.")
    fitness: Fitness = Field(
        default=Fitness(), description="What makes one candidate better than another."
    )
    objective: ObjectiveName = Field(
        default="minimize", description="Whether a smaller or a larger fitness is better."
    )
    objectives: Annotated[Items[Objective], Field(max_length=16)] = Field(
        default=(),
        description="Several aims in place of `fitness` and `objective`: the run finds the front "
        "of candidates that no other beats in all of them.",
    )
    algorithm: Algorithm = Field(
        default="auto",
        description="How the next generation is made. `auto` chooses by genome and budget, and the "
        "record says what and why: CMA-ES for real genes, or the portfolio where there are "
        "evaluations enough for L-SHADE too; the genetic algorithm where there are other genes or "
        "`operators` are given; NSGA-II for several objectives.",
    )
    population: Annotated[int, Field(ge=2, le=1_000_000)] | None = Field(
        default=None,
        description="Candidates in a generation, on each island. Left out: 100 for the genetic "
        "algorithm and NSGA-II, and what L-SHADE and CMA-ES derive from the number of genes.",
    )
    elites: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1,
        description="Best candidates that the genetic algorithm carries over unchanged, so that "
        "the best is never lost; more than a few take the place of search.",
    )
    operators: Operators | None = Field(
        default=None,
        description="How the genetic algorithm and NSGA-II make the next generation; other "
        "algorithms have no use for it, so that giving it chooses the genetic algorithm.",
    )
    termination: Termination = Field(default=Termination(), description="When the run stops.")
    islands: Islands = Field(
        default=Islands(), description="Populations that search by themselves, and migration."
    )
    diversity: Diversity | None = Field(
        default=None,
        description="Immigrants for a population that has become all alike; none if left out.",
    )
    seed: HexSeed | IntegerSeed = Field(
        description="Start of all randomness: up to 16 hexadecimal digits in quotes, or an integer "
        "below 2**53."
    )
    checkpoint_every: Generations = Field(
        default=50,
        description="Generations between two checkpoints, from which an interrupted run goes on. "
        "A run has at most 1000 of them: a longer one spaces them evenly. With islands they fall "
        "on migrations.",
    )
    budget: Budget = Field(
        default=Budget(), description="What the run may use of the machine; no part of its result."
    )

    def problem(self) -> dict[str, Any]:
        """Return what is searched and how, as JSON: all that a champion follows from.

        When the search is started and saved, and what it may use of the machine, is no part of it.
        """
        return self.model_dump(mode="json", exclude=_NO_PART_OF_THE_PROBLEM)
