"""The algorithms, each with parameters of its own that are good for most searches as they are."""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.builtin.evolution.spec.values import PositiveShare
from chimera.kinds import Field, Model

_HOW = "How the next generation is made."

AlgorithmName = Literal["auto", "genetic", "l-shade", "cma-es", "portfolio", "nsga-2"]


class Genetic(Model):
    """A genetic algorithm for genes of all types; `operators` and `elites` say how it works.

    The choice for bits, categories, permutations and mixed genomes.
    """

    type: Literal["genetic"] = Field(description=_HOW)


class LShade(Model):
    """L-SHADE (Tanabe and Fukunaga 2014): differential evolution that adapts its parameters.

    For real genes and many evaluations; best where genes act separately. The population shrinks
    linearly from `population`, or 18 a gene, to 4 while the budget is spent.
    """

    type: Literal["l-shade"] = Field(description=_HOW)
    memory: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=6, description="Entries of the memory of successful parameters, as published."
    )
    archive: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = Field(
        default=2.6, description="Size of the archive of replaced candidates, in populations."
    )
    best: PositiveShare = Field(
        default=0.11, description="Share of the best that candidates are drawn towards (p)."
    )


class CmaEs(Model):
    """CMA-ES (Hansen 2016): learns scales and correlations of real genes from its own steps.

    For real genes; the first choice where evaluations are few or genes act together. The population
    is `population`, or 4 + 3 ln(number of genes).
    """

    type: Literal["cma-es"] = Field(description=_HOW)
    restarts: Literal["bipop", "ipop", "none"] = Field(
        default="bipop",
        description="What follows when it has converged: `bipop` restarts with populations large "
        "and small by turns (Hansen 2009), `ipop` doubles them (Auger and Hansen 2005), and with "
        "`none` the search ends as converged.",
    )
    separable: bool | None = Field(
        default=None,
        description="Learn scales alone and no correlations, in linear time and memory (Ros and "
        "Hansen 2008); left out, from 200 genes on.",
    )
    sigma: PositiveShare = Field(
        default=0.3,
        description="First step size, as a share of the width of each gene's bounds: the optimum "
        "should lie within the middle plus and minus three of it.",
    )


class Portfolio(Model):
    """CMA-ES, L-SHADE, a broad run of CMA-ES, CMA-ES where it was: each solves what others cannot.

    For real genes and many evaluations, of which the members have shares: without a limit of them
    it is CMA-ES. The populations of L-SHADE and of the broad run follow from their shares.
    """

    type: Literal["portfolio"] = Field(description=_HOW)
    opening: PositiveShare = Field(
        default=0.1, description="Share of the evaluations that CMA-ES begins with."
    )
    interlude: PositiveShare = Field(default=0.15, description="Share that L-SHADE has then.")
    broad: PositiveShare = Field(
        default=0.6,
        description="Share that one run of CMA-ES with many candidates has then at most; what it "
        "leaves when it has converged is for the CMA-ES of the beginning, which goes on.",
    )


class Nsga2(Model):
    """NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002), for two or more objectives.

    `operators.crossover`, `.mutation` and `.permutation` say how children are made.
    """

    type: Literal["nsga-2"] = Field(description=_HOW)


Parameters = Annotated[Genetic | LShade | CmaEs | Portfolio | Nsga2, Field(discriminator="type")]
"""An algorithm with its parameters."""

Algorithm = AlgorithmName | Parameters
