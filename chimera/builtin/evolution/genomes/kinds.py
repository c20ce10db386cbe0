"""The kind `Promotion`: where a genome's values are put to use, and what has to show that.

Refuses to act: a Promotion states what people wrote into the tree, and what that owes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from chimera.builtin.evolution.spec.values import Variable
from chimera.documents.trees import is_safe
from chimera.gate.kinds import ApprovalRequirement
from chimera.kinds import (
    AddressText,
    AfterValidator,
    DigestText,
    Discriminator,
    Field,
    Glob,
    Governs,
    Items,
    Model,
    Plays,
    Reference,
    Role,
    StringConstraints,
    Tag,
    refuse,
)

MOST_FORMER = 100
"""Former genomes that a Promotion lists; of more, the oldest are left to Git."""

Unit = Literal["ms", "s", "m", "h", "d"]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])*)+$", max_length=1000)]


def _check_file(path: str) -> str:
    if not is_safe(path) or path.split("/", 1)[0].lower() == ".chimera":
        raise refuse(
            "promotion-file-outside-tree", f"{path!r} is no file that Git keeps in this tree"
        )
    return path


FilePath = Annotated[
    Glob,
    StringConstraints(pattern=r"^[^*?\[\]\\:\x00-\x1f\x7f]+\.(ya?ml|json)$"),
    AfterValidator(_check_file),
    Governs(),
]


class FieldTarget(Model):
    """A field of a document that holds the value of one gene."""

    document: Annotated[AddressText, Reference()] = Field(description="The document.")
    at: Pointer = Field(
        description="JSON pointer to the field (RFC 6901), as in /spec/inputs/size/default; a gene "
        "that is a vector needs a list of as many values there."
    )
    gene: Variable = Field(description="The gene whose value stands there.")
    unit: Unit | None = Field(
        default=None,
        description="For a field that is a duration: what the gene counts. It is written to the "
        "nearest millisecond, as in 1m30s.",
    )


class FileTarget(Model):
    """A file that holds all genes by name, and nothing else."""

    file: FilePath = Field(description="YAML or JSON, relative to the root of the tree.")


def _tag(value: Any) -> str:
    is_file = "file" in value if isinstance(value, dict) else isinstance(value, FileTarget)
    return "file" if is_file else "field"


Target = Annotated[
    Annotated[FieldTarget, Tag("field")] | Annotated[FileTarget, Tag("file")], Discriminator(_tag)
]


class Former(Model):
    """A genome that was in use."""

    genome: Annotated[AddressText, Reference("Genome", cites=True)] = Field(
        description="Its record, which stays in the tree."
    )
    champion: DigestText = Field(description="Digest of its genes and fitness.")


class PromotionSpec(Model):
    """Which genome is in use, where its values stand, and by which proof.

    People make it with `chimera evolve promote` and take it back with `chimera evolve rollback`;
    both edit the work tree for a pull request, and nothing else ever does.
    """

    genome: Annotated[AddressText, Reference("Genome")] = Field(
        description="Record of the genome that is in use."
    )
    evolution: Annotated[AddressText, Reference("Evolution")] = Field(
        description="The Evolution that found it, as it still stands."
    )
    champion: DigestText = Field(
        description="Digest of the genes and fitness, which the proof finds again."
    )
    targets: Annotated[Items[Target], Field(min_length=1, max_length=1000)] = Field(
        description="Where the values stand."
    )
    proof: Annotated[AddressText, Reference("Proof"), Plays(Role.OWES)] = Field(
        description="Proof that runs the evolution again and compares the champion; a change of "
        "this Promotion owes it."
    )
    approvals: Items[ApprovalRequirement] = Field(
        default=(),
        description="Approvals that a change of this Promotion owes in protected environments.",
    )
    previous: Annotated[Items[Former], Field(max_length=MOST_FORMER)] = Field(
        default=(),
        description="Genomes that were in use before, the latest first; at most 100, and older "
        "ones are in Git. A rollback takes the first of them back and off the list, so that "
        "another goes further back.",
    )
