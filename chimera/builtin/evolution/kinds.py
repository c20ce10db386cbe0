"""The kinds `Evolution`, a search for the genome of best fitness, and `Genome`, what one found.

Single fields are validated here; what several fields say together is judged in `checks`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from chimera.kinds import AddressText, Field, Items, Model, Reference, Text, TriggerName

MAX_BOUND = 1e100
"""Bounds are kept far from the largest float, so that no operator can overflow."""

MAX_SEED_DIGITS = 16

Bound = Annotated[float, Field(ge=-MAX_BOUND, le=MAX_BOUND, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Index = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
HexSeed = Annotated[str, Field(pattern=rf"^[0-9a-f]{{1,{MAX_SEED_DIGITS}}}$")]
IntegerSeed = Annotated[int, Field(ge=0, lt=2**53)]
FunctionName = Literal["sphere", "rastrigin", "rosenbrock", "ackley"]
ObjectiveName = Literal["minimize", "maximize"]
StopReason = Literal["target", "stagnation", "generations"]


class Gene(Model):
    """One real gene, or a vector of them with the same bounds."""

    type: Literal["real"] = Field(default="real", description="What values the gene takes.")
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")] = Field(
        description="Name of the gene in fitness expressions and in the Genome record."
    )
    min: Bound = Field(description="Lower bound, which the gene can reach and never passes.")
    max: Bound = Field(description="Upper bound, which the gene can reach and never passes.")
    count: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Makes the gene a vector of this length, used as name[0], name[1], …",
    )

    @property
    def length(self) -> int:
        """How many numbers the gene holds."""
        return 1 if self.count is None else self.count


class GenomeLayout(Model):
    """What a candidate is made of."""

    genes: Annotated[Items[Gene], Field(min_length=1)] = Field(
        description="Genes in order; an expression sees them by name, and all of them as `genes`."
    )

    @property
    def length(self) -> int:
        """How many numbers a candidate holds."""
        return sum(gene.length for gene in self.genes)


class Fitness(Model):
    """What makes one candidate better than another: exactly one of the two."""

    function: FunctionName | None = Field(
        default=None, description="A published test function over all genes."
    )
    expression: Annotated[Text, Field(max_length=4000)] | None = Field(
        default=None,
        description="Arithmetic over the genes, as in: sum(g ** 2 for g in genes) + abs(x - 1). "
        "A result that is NaN or infinite ranks after every other and is never the champion.",
    )


class TournamentSelection(Model):
    """Each parent is the best of a few candidates drawn at random."""

    type: Literal["tournament"] = Field(default="tournament", description="How parents are chosen.")
    size: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Candidates drawn for each parent: more means a greedier search."
    )


class SbxCrossover(Model):
    """Simulated binary crossover (Deb and Agrawal 1995)."""

    type: Literal["sbx"] = Field(default="sbx", description="How two parents are recombined.")
    probability: Share = Field(
        default=0.9, description="Share of pairs that are recombined; the others are copied."
    )
    eta: Index = Field(
        default=15.0,
        description="Distribution index: the larger, the nearer children stay to their parents. "
        "One less than a power of two (3, 7, 15, 31) is computed fastest.",
    )


class GaussianMutation(Model):
    """Adds a normal deviate to a gene."""

    type: Literal["gaussian"] = Field(description="How a gene is changed.")
    rate: Share | None = Field(
        default=None, description="Chance of each gene to be mutated; one gene a child if left out."
    )
    sigma: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = Field(
        default=0.1, description="Standard deviation, as a share of the width of the gene's bounds."
    )


class PolynomialMutation(Model):
    """Polynomial mutation (Deb and Goyal 1996): mostly small steps, now and then a wide one."""

    type: Literal["polynomial"] = Field(description="How a gene is changed.")
    rate: Share | None = Field(
        default=None, description="Chance of each gene to be mutated; one gene a child if left out."
    )
    eta: Index = Field(
        default=20.0, description="Distribution index: the larger, the smaller the steps."
    )


Mutation = Annotated[GaussianMutation | PolynomialMutation, Field(discriminator="type")]


class Operators(Model):
    """How the next generation is made from this one."""

    selection: TournamentSelection = Field(
        default=TournamentSelection(), description="How parents are chosen."
    )
    crossover: SbxCrossover = Field(
        default=SbxCrossover(), description="How two parents are recombined."
    )
    mutation: Mutation = Field(
        default=PolynomialMutation(type="polynomial"), description="How children are varied."
    )


class Termination(Model):
    """When the run stops: at the first criterion that is met, and the record says which."""

    generations: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=200, description="Generations after which the run stops in any case."
    )
    target: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        default=None, description="Fitness that is good enough."
    )
    stagnation: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="Stop when this many generations gained no more than `tolerance` allows.",
    )
    tolerance: Share = Field(
        default=0.0,
        description="Gain that still counts as none, as a share of all that was gained so far.",
    )


class EvolutionSpec(Model):
    """A search for the candidate of best fitness by a genetic algorithm.

    The run follows from this document and the code alone: the same seed gives the same champion,
    bit for bit, however the run was split, interrupted or scheduled.
    """

    trigger: TriggerName = Field(
        default="human", description="What starts the run; `apply` runs it once for each version."
    )
    genome: GenomeLayout = Field(description="What a candidate is made of.")
    fitness: Fitness = Field(description="What makes one candidate better than another.")
    objective: ObjectiveName = Field(
        default="minimize", description="Whether a smaller or a larger fitness is better."
    )
    population: Annotated[int, Field(ge=2, le=1_000_000)] = Field(
        default=100, description="Candidates in a generation; about ten for each gene serves well."
    )
    elites: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1,
        description="Best candidates carried over unchanged, so that the best is never lost.",
    )
    operators: Operators = Field(
        default=Operators(), description="How the next generation is made from this one."
    )
    termination: Termination = Field(default=Termination(), description="When the run stops.")
    seed: HexSeed | IntegerSeed = Field(
        description="Start of all randomness: up to 16 hexadecimal digits in quotes, or an integer "
        "below 2**53."
    )
    checkpoint_every: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=50,
        description="Generations between two checkpoints, from which an interrupted run goes on. "
        "A run has at most 1000 of them: a longer one spaces them evenly.",
    )


class GeneValue(Model):
    """What a gene became."""

    name: Text = Field(description="Name of the gene, as in the Evolution.")
    values: Items[Annotated[float, Field(allow_inf_nan=False)]] = Field(
        description="Its value, or the values of a vector, exact to the last bit."
    )


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


class GenomeSpec(Model):
    """The champion of one evolution run."""

    genes: Items[GeneValue] = Field(description="The genes, in the order of the Evolution.")
    fitness: Annotated[float, Field(allow_inf_nan=False)] = Field(
        description="Fitness of the champion."
    )
    champion: Text = Field(
        description="Digest of genes and fitness as bytes: what a proof compares."
    )
    history: Text = Field(description="Digest of best and mean fitness of every generation.")
    generation: Annotated[int, Field(ge=0)] = Field(
        description="Generation in which the champion was found."
    )
    generations: Annotated[int, Field(ge=0)] = Field(description="Generations that were run.")
    evaluations: Annotated[int, Field(ge=1)] = Field(
        description="How often a fitness was computed."
    )
    invalid: Annotated[int, Field(ge=0)] = Field(
        description="How many of those came out NaN or infinite."
    )
    stopped: StopReason = Field(description="Which criterion of the Evolution ended the run.")
    provenance: Provenance = Field(description="From what the genome came.")
