"""How long and on how many islands a search runs, and what it may use of the machine."""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.builtin.evolution.spec.values import Count, Finite, Generations, PositiveShare, Share
from chimera.kinds import Duration, Field, Model

EVALUATIONS_A_GENE = 1_000
LEAST_EVALUATIONS = 20_000


class Termination(Model):
    """When the run stops: at the first criterion that is met, and the record says which."""

    generations: Generations | None = Field(
        default=None,
        description="Generations after which the run stops. Where neither this nor `evaluations` "
        f"is given, the run has {EVALUATIONS_A_GENE} evaluations for each gene, and at least "
        f"{LEAST_EVALUATIONS}.",
    )
    evaluations: Annotated[int, Field(ge=2, le=10**12)] | None = Field(
        default=None,
        description="Evaluations that the run may take, over all islands: the fair measure between "
        "algorithms, whose generations differ in size. It never takes more.",
    )
    target: Finite | None = Field(
        default=None,
        description="Fitness that is good enough; with several objectives, hypervolume.",
    )
    stagnation: Generations | None = Field(
        default=None,
        description="Stop when this many generations gained no more than `tolerance` allows.",
    )
    tolerance: Share = Field(
        default=0.0,
        description="Gain that still counts as none, as a share of all that was gained so far.",
    )
    time: Duration | None = Field(
        default=None,
        description="A safety, and no criterion: a run that takes longer is stopped at its next "
        "checkpoint, and its record says that it is not reproducible.",
    )


class Islands(Model):
    """Populations that search by themselves and now and then send one another their best."""

    count: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=1,
        description="How many there are. Part of the result, unlike `budget.workers`: one for each "
        "processor is a good number.",
    )
    topology: Literal["ring", "torus", "star", "full", "none"] = Field(
        default="ring",
        description="Who sends to whom: `ring` to the next, which keeps islands different longest; "
        "`torus` to the right and below in a grid; `star` to the first and from it; `full` to all; "
        "`none` to nobody.",
    )
    every: Generations = Field(
        default=20,
        description="Generations between two migrations: often enough to help, rarely enough for "
        "islands to stay different. All criteria of termination are judged then.",
    )
    migrants: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1,
        description="How many candidates, the best, go each way; they replace the worst there.",
    )


class Diversity(Model):
    """What keeps a population from becoming all alike: random immigrants (Grefenstette 1992)."""

    minimum: Share = Field(
        default=0.01,
        description="Diversity under which immigrants come, as `chimera evolve status` shows it: "
        "1 is that of a random population.",
    )
    every: Generations = Field(
        default=10, description="Generations between two looks at the diversity."
    )
    immigrants: PositiveShare = Field(
        default=0.2,
        description="Share of the population that is replaced by candidates drawn anew: the worst.",
    )


class Budget(Model):
    """What a run may use of the machine; never part of its result."""

    workers: Count | None = Field(
        default=None,
        description="Threads, processes or tasks at a time; left out, one for each processor.",
    )
    executor: Literal["threads", "processes", "ray"] = Field(
        default="threads",
        description="Where islands and outside fitnesses run: `threads` of this process, "
        "`processes` of this machine, or a cluster by `ray` (chimera[distributed]).",
    )
