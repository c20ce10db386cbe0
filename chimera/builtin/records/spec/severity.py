"""The fields of a SeverityModel, and how its levels compare: by rank, never by name or number."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from chimera.kinds import Duration, Field, Items, Model, StringConstraints, Text

LevelId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A level's id within its model, such as SEV-3 or P0."""

REVIEW_WITHIN = timedelta(hours=48)
"""How soon a review is scheduled where a level says nothing else."""


class Level(Model):
    """One level of a severity model: what it means, and what it asks of people."""

    id: LevelId = Field(description="Its id, such as SEV-3; ids are never compared.")
    rank: Annotated[int, Field(ge=0)] = Field(
        description="How grave it is: the level with the greater rank is graver. Unique."
    )
    name: Text = Field(description="What it is called, such as user impact.")
    meaning: Text = Field(description="What is true of an incident of this level.")
    response: Text = Field(description="What people do about it.")
    acknowledge_within: Duration | None = Field(
        default=None,
        description="How soon somebody must have acknowledged it, such as 15m; 0s means at once, "
        "and nobody owes it where it is left out.",
    )
    mitigate_within: Duration | None = Field(
        default=None,
        description="How soon its effects must be mitigated; no time is set if left out.",
    )
    commander_owed: bool = Field(
        default=False, description="Whether there must be a commander at any moment of it."
    )
    review_owed: bool = Field(default=False, description="Whether a postmortem is owed.")
    review_within: Duration = Field(
        default=REVIEW_WITHIN,
        description="How soon the review must have been scheduled, where one is owed.",
    )
    freeze_owed: bool = Field(
        default=False,
        description="Whether its commander owes a Freeze record until it is resolved.",
    )
    questions: Items[Text] = Field(
        default=(),
        description="Questions about what happens; yes to one means at least this level.",
    )


class SeverityModelSpec(Model):
    """The levels by which a team says how bad an incident is."""

    levels: Annotated[Items[Level], Field(min_length=1)] = Field(
        description="The levels, in the order in which people are shown them."
    )

    def level(self, id: str) -> Level | None:
        """Return the level of an id, if the model has it."""
        return next((level for level in self.levels if level.id == id), None)

    def graver(self, a: str, b: str) -> str:
        """Return whichever of two levels of this model has the greater rank; `a` if they are one.

        Raises `KeyError` for a level that the model does not have.
        """
        ranks = {level.id: level.rank for level in self.levels}
        return b if ranks[b] > ranks[a] else a

    @property
    def by_gravity(self) -> tuple[Level, ...]:
        """The levels, the gravest first."""
        return tuple(sorted(self.levels, key=lambda level: -level.rank))
