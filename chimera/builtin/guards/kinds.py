"""The kind of this room: `Guard`, which stops changes and runs, and can do nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from chimera.kinds import (
    AddressText,
    Expression,
    Field,
    Glob,
    Governs,
    Items,
    KindName,
    KindReference,
    LayerRef,
    Model,
    Moment,
    Name,
    Reference,
    StringConstraints,
    Text,
    when,
)

Phase = Literal["before", "after"]


class GuardScope(Model):
    """Which changes, and runs of which documents, a guard is about."""

    environments: Items[Annotated[AddressText, Reference("Environment")]] = Field(
        default=(), description="Environments in which it stops changes; all if left out."
    )
    kinds: Items[Annotated[KindName, KindReference()]] = Field(
        default=(), description="Kinds of documents that it stops; all if left out."
    )
    layers: Items[LayerRef] = Field(
        default=(), description="Layers that it stops, written contract/id; all if left out."
    )
    addresses: Items[Annotated[AddressText, Reference(cites=True)]] = Field(
        default=(), description="Single documents that it stops, besides those above."
    )
    paths: Items[Annotated[Glob, Governs()]] = Field(
        default=(),
        description="Paths that it stops, as Git :(glob) patterns, besides the documents above.",
    )


class StepSelector(Model):
    """Which steps of runs an invariant is about; what is left out selects all."""

    operations: Items[Text] = Field(
        default=(), description="Names of operations, `*` for any characters, as in git.*."
    )
    stages: Items[Text] = Field(
        default=(),
        description="Ids of stages, with * as above; deploy/build is one of the workflow that the "
        "stage deploy runs.",
    )
    workflows: Items[Annotated[AddressText, Reference("Workflow", cites=True)]] = Field(
        default=(), description="Workflows whose stages they are, also inside of others."
    )
    layers: Items[LayerRef] = Field(
        default=(), description="Layers of the document that is run, written contract/id."
    )


class InvariantSpec(Model):
    """What must be true before and after each step that it selects.

    One that breaks pauses the run before the next step. Where it broke before a step, that step did
    not begin; where it broke after one, what that did has happened and is in the journal. The run
    goes on when somebody resumes it and the invariant, as guards have it then, holds: for the same
    outputs it is asked again. One that errs, or overruns its bounds, counts as broken.
    """

    id: Name = Field(description="Name of the invariant, unique in its guard and stable.")
    expression: Annotated[str, StringConstraints(min_length=1, max_length=4096), Expression()] = (
        Field(
            description="CEL that is true while all is well. It sees inputs, step.id, step.stage, "
            "step.operation, step.phase, run.id, run.target, run.inputs, environment.name, "
            "environment.protected, and outputs after a step."
        )
    )
    message: Text = Field(description="What must hold, in words that its reader can act on.")
    when: Annotated[Items[Phase], Field(min_length=1)] = Field(
        default=("before", "after"),
        description="When it is asked: before a step begins, after its result is known, or both.",
    )
    steps: StepSelector = Field(
        default=StepSelector(),
        description="Steps that it is about; all if left out. Of a stage that goes through a list "
        "each item is a step. What undoes a step, or tells of a failure, is none.",
    )


class MaintenanceSpec(Model):
    """A time in which the guard stops everything in its scope, and that ends by itself."""

    since: Moment | None = Field(
        default=None,
        alias="from",
        description="From when, as a time with its zone; from the beginning if left out.",
    )
    until: Moment = Field(description="When it ends by itself, as a time with its zone.")
    reason: Text | None = Field(
        default=None, description="Why nothing may change then; the guard's reason if left out."
    )

    @property
    def begins(self) -> datetime | None:
        """From when it stops anything."""
        return None if self.since is None else when(self.since)

    @property
    def ends(self) -> datetime:
        """From when it stops nothing any longer."""
        return when(self.until)

    def stands(self, now: datetime) -> bool:
        """Tell whether it stops anything at `now`."""
        return (self.begins is None or self.begins <= now) and now < self.ends


class GuardSpec(Model):
    """What stops changes and runs: a kill switch, invariants of steps, a time of maintenance.

    Engaged, or during its maintenance, nothing in its scope is planned through, applied, run or
    resumed; what is running stops before its next step, and goes on where it stopped when it is
    resumed afterwards. `chimera guard engage NAME` does that at once on this machine.
    """

    scope: GuardScope = Field(
        default=GuardScope(), description="What it is about; everything if left out."
    )
    engaged: bool = Field(
        default=False,
        description="Whether it stops everything in its scope now: plans, applies, runs, resumes.",
    )
    reason: Text = Field(description="What it is for; while it is engaged, why nothing may change.")
    maintenance: MaintenanceSpec | None = Field(
        default=None, description="A time in which it stops everything in its scope."
    )
    invariants: Items[InvariantSpec] = Field(
        default=(),
        description="What must be true around the steps of runs in its scope. One that breaks, "
        "or errs, pauses the run before its next step; where it broke after a step, what that did "
        "has happened and is in the journal. Resuming the run asks it again of the same result.",
    )

    def stops(self, now: datetime) -> bool:
        """Tell whether it stops everything in its scope at `now`."""
        return self.engaged or (self.maintenance is not None and self.maintenance.stands(now))
