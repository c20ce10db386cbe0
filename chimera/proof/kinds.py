"""The kinds of this room: `Proof`, what must be shown and when it is owed, and `ReleaseProof`, the
record of one proving.

The steps are in `chimera.proof.steps.models`, the controls in `chimera.proof.controls`. Refuses a
proof without inputs, steps or controls: such a proof could not fail.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from chimera.kinds import (
    AddressText,
    AfterValidator,
    DigestText,
    Duration,
    Field,
    Glob,
    Items,
    Model,
    PathSelector,
    Reference,
    StringConstraints,
    Text,
    parse_duration,
    refuse,
)
from chimera.proof.controls import Control
from chimera.proof.factors import Varied
from chimera.proof.running.limits import ProofLimits
from chimera.proof.running.normalizers import Normalizer
from chimera.proof.steps.models import Step

Phase = Literal["merge", "apply", "rollback"]
Engine = Literal["same", "any"]
Isolation = Literal["network", "files", "processes"]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_PINNED = frozenset(
    {
        "HOME",
        "LANG",
        "LC_ALL",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHASHSEED",
        "PYTHONPATH",
        "SOURCE_DATE_EPOCH",
        "TMPDIR",
        "TZ",
    }
)


def _some(rule: str, what: str) -> AfterValidator:
    """Return the validator that refuses an empty list by a rule of its own."""

    def check(items: tuple[Any, ...]) -> tuple[Any, ...]:
        if not items:
            raise refuse(rule, f"a proof needs at least one {what}")
        return items

    return AfterValidator(check)


def _not_pinned(name: str) -> str:
    if name in _PINNED:
        raise refuse("proof-environment-pinned", f"{name} is pinned for every proof")
    return name


def _not_pinned_whole(name: str) -> str:
    return name if name == "PATH" else _not_pinned(name)


Variable = Annotated[VariableName, AfterValidator(_not_pinned)]
AllowedVariable = Annotated[VariableName, AfterValidator(_not_pinned_whole)]


class Artifact(Model):
    """Files that the steps write, compared byte for byte between repetitions."""

    paths: Glob = Field(description="Files below the exported folder, as a Git :(glob) pattern.")
    normalize: Items[Normalizer] = Field(
        default=(),
        description="Normalizers applied before comparing, in order; the evidence lists them.",
    )


class ProofEnvironment(Model):
    """What a proof's processes see of the environment besides what is pinned."""

    allow: Items[AllowedVariable] = Field(
        default=(),
        description=(
            "Variables that are let in from the environment of whoever proves. PATH adds their "
            "folders of programs after the interpreter's and the system's."
        ),
    )
    set: dict[Variable, str] = Field(
        default_factory=dict, description="Variables with a fixed value."
    )


class ProofSpec(Model):
    """What must be shown, by what steps, over which content, and which changes owe it."""

    claim: Text = Field(description="What the proof shows, in one sentence.")
    covers: PathSelector = Field(
        default=PathSelector(),
        description="Documents and paths whose changes owe this proof.",
    )
    phase: Phase = Field(
        default="merge",
        description=(
            "When it is run: before a merge, at apply, or before a rollback. A protected "
            "environment verifies the evidence of all; an unprotected one owes apply proofs only."
        ),
    )
    inputs: Annotated[Items[Glob], _some("proof-without-inputs", "input")] = Field(
        description="Paths that the steps are given, and nothing else; evidence is bound to them."
    )
    steps: Annotated[Items[Step], _some("proof-without-steps", "step")] = Field(
        description="What is run, in order, in the exported folder."
    )
    repeat: Annotated[int, Field(ge=2, le=100)] = Field(
        default=2, description="How often the steps are run; all repetitions must agree."
    )
    artifacts: Items[Artifact] = Field(
        default=(), description="Files that must come out the same in every repetition."
    )
    environment: ProofEnvironment = Field(
        default=ProofEnvironment(), description="Environment variables that are let in."
    )
    shuffle: bool = Field(
        default=False,
        description=(
            "Whether pytest steps run their tests in another order in each repetition but the "
            "first; a proof whose tests depend on their order then fails."
        ),
    )
    limits: ProofLimits = Field(
        default=ProofLimits(),
        description="What each command of a step may use; passing a limit fails the proof.",
    )
    vary: Items[Varied] = Field(
        default=(),
        description=(
            "What repetitions but the first differ in besides hash seed and working path: the "
            "clock, folders' listings and Python's threads (of Python's processes), the time zone, "
            "locale, umask, processors, the network, or what an earlier one left in HOME."
        ),
    )
    timeout: Duration = Field(
        default=parse_duration("10m"), description="How long one repetition may take."
    )
    engine: Engine = Field(
        default="same",
        description=(
            "Whose evidence counts: that of the same version of Chimera, or of any. What a version "
            "judges another may judge otherwise, so let in any only where the steps do all of it."
        ),
    )
    isolation: Items[Isolation] = Field(
        default=(),
        description=(
            "Walls that must have stood around the steps for evidence to count: network, files "
            "outside their folder, other processes. Evidence says which of them held."
        ),
    )
    controls: Annotated[Items[Control], _some("proof-without-controls", "control")] = Field(
        description="Mutations of the inputs under which the proof must fail; each is run once."
    )


class RecordedSubject(Model):
    """One part of the content that was proven."""

    name: Text = Field(description="Input pattern or address of the proof's own document.")
    digest: DigestText = Field(description="Digest of its content.")


class ReleaseProofSpec(Model):
    """What one proving found; the evidence that it names holds the rest."""

    proof: Annotated[AddressText, Reference("Proof")] = Field(description="The proof that was run.")
    verdict: Literal["pass", "fail", "not-exercised"] = Field(description="What it found.")
    reasons: Items[Text] = Field(default=(), description="Why, where it did not pass.")
    evidence: DigestText = Field(description="Digest of the in-toto statement.")
    subjects: Items[RecordedSubject] = Field(description="The content that was proven.")
    environment: Text = Field(description="Environment for which it was proven.")
    revision: str | None = Field(
        default=None, description="Commit that the content came from; none for a work tree."
    )
    at: Annotated[Text, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T[0-9:.]+Z$")] = Field(
        description="When it was proven, in UTC."
    )
    engine: DigestText = Field(description="Digest of the engine's sources.")
