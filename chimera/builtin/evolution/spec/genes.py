"""What a candidate is made of: genes of five types, and constraints on them.

In a row of numbers, as algorithms see a candidate, a gene of type `real` is its value (its natural
logarithm where `scale` is `log`), an `integer` its value, a `categorical` the position among its
values, a `bit` 0 or 1, and a `permutation` the places 0 to length - 1 in their order.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from chimera.builtin.evolution.spec.values import Bound, Count, Finite, Variable, Whole
from chimera.kinds import Discriminator, Field, Items, Model, Tag, Text

_COUNT = "Makes the gene a vector of this length, used as name[0], name[1], …"

CategoryValue = bool | Annotated[int, Field(ge=-(2**53), le=2**53)] | Finite | Text


class _Gene(Model):
    """What all genes have."""

    name: Variable = Field(description="Name of the gene in expressions and in the Genome record.")


class _Repeated(_Gene):
    """A gene that can be a vector."""

    count: Count | None = Field(default=None, description=_COUNT)

    @property
    def length(self) -> int:
        """How many numbers the gene holds."""
        return 1 if self.count is None else self.count


class RealGene(_Repeated):
    """A real number between two bounds."""

    type: Literal["real"] = Field(default="real", description="What values the gene takes.")
    min: Bound = Field(description="Lower bound, which the gene can reach and never passes.")
    max: Bound = Field(description="Upper bound, which the gene can reach and never passes.")
    scale: Literal["linear", "log"] = Field(
        default="linear",
        description="With `log` the search moves in the logarithm: for what spans several orders "
        "of magnitude, as a learning rate does. Expressions see the value itself.",
    )


class IntegerGene(_Repeated):
    """A whole number between two bounds."""

    type: Literal["integer"] = Field(description="What values the gene takes.")
    min: Whole = Field(description="Least value.")
    max: Whole = Field(description="Greatest value.")


class CategoricalGene(_Repeated):
    """One of a list of values that have no order."""

    type: Literal["categorical"] = Field(description="What values the gene takes.")
    values: Annotated[Items[CategoryValue], Field(min_length=2, max_length=1000)] = Field(
        description="The values: all numbers, which expressions compute with, or else texts and "
        "truth values, which they compare, as in: 1 if color == 'red' else 0."
    )


class BitGene(_Repeated):
    """0 or 1."""

    type: Literal["bit"] = Field(description="What values the gene takes.")


class PermutationGene(_Gene):
    """The numbers from 0 to length - 1 in some order, as the stops of a tour."""

    type: Literal["permutation"] = Field(description="What values the gene takes.")
    length: Annotated[int, Field(ge=2, le=10_000)] = Field(
        description="How many places there are, used as name[0], name[1], …"
    )

    @property
    def count(self) -> int:
        """The length: expressions index the gene as they do a vector."""
        return self.length


def _type_of(value: Any) -> str:
    """Return the type that a gene says, or `real`, which may be left out."""
    found = value.get("type", "real") if isinstance(value, dict) else getattr(value, "type", "real")
    return found if isinstance(found, str) else ""


Gene = Annotated[
    Annotated[RealGene, Tag("real")]
    | Annotated[IntegerGene, Tag("integer")]
    | Annotated[CategoricalGene, Tag("categorical")]
    | Annotated[BitGene, Tag("bit")]
    | Annotated[PermutationGene, Tag("permutation")],
    Discriminator(_type_of),
]


class Constraint(Model):
    """A condition that candidates have to meet.

    A candidate that meets all of them wins against one that does not; of two that do not, the one
    that violates them less (Deb 2000).
    """

    name: Text | None = Field(default=None, description="What the constraint is called in reports.")
    expression: Annotated[Text, Field(max_length=4000)] = Field(
        description="One comparison of two expressions by <=, >=, <, > or ==, as in: x + y <= 10."
    )
    tolerance: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = Field(
        default=1e-6,
        description="Difference that still counts as equal where the comparison is ==; "
        "a search with real numbers meets equality in no other way.",
    )


class GenomeLayout(Model):
    """What a candidate is made of."""

    genes: Annotated[Items[Gene], Field(min_length=1, max_length=10_000)] = Field(
        description="Genes in order; an expression sees them by name, and all of them as `genes`."
    )
    constraints: Annotated[Items[Constraint], Field(max_length=1000)] = Field(
        default=(),
        description="Conditions that the champion has to meet: a run that finds no candidate that "
        "does fails, and says so.",
    )

    @property
    def length(self) -> int:
        """How many numbers a candidate holds."""
        return sum(gene.length for gene in self.genes)

    @property
    def types(self) -> frozenset[str]:
        """The types of genes that there are."""
        return frozenset(gene.type for gene in self.genes)
