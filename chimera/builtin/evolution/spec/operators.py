"""How the genetic algorithm and NSGA-II make children: selection, crossover, mutation.

Each operator has genes that it fits: numbers (real and integer) are blended and moved, categories
and bits exchanged and reset, permutations have operators of their own.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from chimera.builtin.evolution.spec.values import Index, PositiveShare, Share
from chimera.kinds import Discriminator, Field, Model, Tag

_HOW_PARENTS = "How parents are chosen."
_HOW_PAIRS = "How two parents are recombined."
_HOW_CHANGED = "How a gene is changed."
_PROBABILITY = "Share of pairs that are recombined; the others are copied and only mutated."
_RATE = (
    "Chance of each gene to be mutated; left out, one gene a child on average, which the theory "
    "of evolutionary algorithms recommends and which fits genomes of any length."
)


class TournamentSelection(Model):
    """Each parent is the best of a few candidates drawn at random."""

    type: Literal["tournament"] = Field(default="tournament", description=_HOW_PARENTS)
    size: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3,
        description="Candidates drawn for each parent: 2 explores longer, 5 and more converge fast "
        "and may do so too early.",
    )


class RankSelection(Model):
    """Chances fall linearly with the rank (Baker 1985): the scale of the fitness plays no part."""

    type: Literal["rank"] = Field(description=_HOW_PARENTS)
    pressure: Annotated[float, Field(ge=1, le=2, allow_inf_nan=False)] = Field(
        default=1.8,
        description="Children that the best can expect: 1 draws all alike, 2 the worst never.",
    )


class RouletteSelection(Model):
    """Chances follow the fitness, less that of the worst (Goldberg 1989).

    Near the end all are nearly alike, and chances with them: tournament and rank are better
    defaults.
    """

    type: Literal["roulette"] = Field(description=_HOW_PARENTS)


class TruncationSelection(Model):
    """Only the best share of candidates become parents, all with the same chance."""

    type: Literal["truncation"] = Field(description=_HOW_PARENTS)
    share: PositiveShare = Field(
        default=0.3, description="Share of candidates that become parents."
    )


class SbxCrossover(Model):
    """Simulated binary crossover of numbers (Deb and Agrawal 1995); other genes are exchanged."""

    type: Literal["sbx"] = Field(default="sbx", description=_HOW_PAIRS)
    probability: Share = Field(default=0.9, description=_PROBABILITY)
    eta: Index = Field(
        default=15.0,
        description="Distribution index: the larger, the nearer children stay to their parents.",
    )


class BlendCrossover(Model):
    """BLX-alpha (Eshelman and Schaffer 1993): numbers drawn from the parents' interval, widened."""

    type: Literal["blend"] = Field(description=_HOW_PAIRS)
    probability: Share = Field(default=0.9, description=_PROBABILITY)
    alpha: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = Field(
        default=0.5,
        description="How far the interval is widened on each side, as a share of its width: 0.5 "
        "neither shrinks nor widens a population by itself.",
    )


class UniformCrossover(Model):
    """Each gene comes from either parent with the same chance: the order of genes is no matter."""

    type: Literal["uniform"] = Field(description=_HOW_PAIRS)
    probability: Share = Field(default=0.9, description=_PROBABILITY)


class OnePointCrossover(Model):
    """The genes before one point come from one parent, those after it from the other."""

    type: Literal["one-point"] = Field(description=_HOW_PAIRS)
    probability: Share = Field(default=0.9, description=_PROBABILITY)


class TwoPointCrossover(Model):
    """The genes between two points come from one parent, the rest from the other."""

    type: Literal["two-point"] = Field(description=_HOW_PAIRS)
    probability: Share = Field(default=0.9, description=_PROBABILITY)


class GaussianMutation(Model):
    """Adds a normal deviate to a number; other genes are reset."""

    type: Literal["gaussian"] = Field(description=_HOW_CHANGED)
    rate: Share | None = Field(default=None, description=_RATE)
    sigma: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = Field(
        default=0.1, description="Standard deviation, as a share of the width of the gene's bounds."
    )


class PolynomialMutation(Model):
    """Polynomial mutation of numbers (Deb and Goyal 1996): mostly small steps, now and then wide.

    Other genes are reset.
    """

    type: Literal["polynomial"] = Field(description=_HOW_CHANGED)
    rate: Share | None = Field(default=None, description=_RATE)
    eta: Index = Field(
        default=20.0, description="Distribution index: the larger, the smaller the steps."
    )


class ResetMutation(Model):
    """Draws a gene anew from all that it can be: of a bit, the other one."""

    type: Literal["reset"] = Field(description=_HOW_CHANGED)
    rate: Share | None = Field(default=None, description=_RATE)


class PermutationOperators(Model):
    """How permutations are recombined and mutated, in place of `crossover` and `mutation`."""

    crossover: Literal["order", "pmx"] = Field(
        default="order",
        description="`order` keeps a run of one parent and the order of the rest in the other "
        "(Davis 1985): for tours and schedules. `pmx` keeps places (Goldberg and Lingle 1985): "
        "for assignments.",
    )
    mutation: Literal["inversion", "swap"] = Field(
        default="inversion",
        description="`inversion` turns a run round, which changes two neighbourhoods of a tour; "
        "`swap` exchanges two places, which changes two of an assignment.",
    )
    probability: Share = Field(default=0.9, description=_PROBABILITY)
    rate: Share = Field(
        default=0.3, description="Chance of each permutation of a child to be mutated once."
    )


def _named(default: str) -> Any:
    """Return what tells operators apart, of which one may leave its type out."""

    def type_of(value: Any) -> str:
        if isinstance(value, dict):
            value = value.get("type", default)
            return value if isinstance(value, str) else ""
        return getattr(value, "type", default)

    return Discriminator(type_of)


Selection = Annotated[
    Annotated[TournamentSelection, Tag("tournament")]
    | Annotated[RankSelection, Tag("rank")]
    | Annotated[RouletteSelection, Tag("roulette")]
    | Annotated[TruncationSelection, Tag("truncation")],
    _named("tournament"),
]
Crossover = Annotated[
    Annotated[SbxCrossover, Tag("sbx")]
    | Annotated[BlendCrossover, Tag("blend")]
    | Annotated[UniformCrossover, Tag("uniform")]
    | Annotated[OnePointCrossover, Tag("one-point")]
    | Annotated[TwoPointCrossover, Tag("two-point")],
    _named("sbx"),
]
Mutation = Annotated[
    GaussianMutation | PolynomialMutation | ResetMutation, Field(discriminator="type")
]


class Operators(Model):
    """How the next generation is made from this one by the genetic algorithm and NSGA-II."""

    selection: Selection = Field(
        default=TournamentSelection(),
        description="How parents are chosen. NSGA-II has a selection of its own.",
    )
    crossover: Crossover | None = Field(
        default=None,
        description="How two parents are recombined; left out, `sbx` where there are numbers and "
        "`uniform` where there are none.",
    )
    mutation: Mutation | None = Field(
        default=None,
        description="How children are varied; left out, `polynomial` where there are numbers and "
        "`reset` where there are none.",
    )
    permutation: PermutationOperators = Field(
        default=PermutationOperators(),
        description="How permutations are recombined and mutated; other genes have no use for it.",
    )
