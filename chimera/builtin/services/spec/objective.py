"""The kind Objective: what is measured, over which time, and what it is to come to.

The words are those of Google's SRE books: an *indicator* is computed from measurements, an
*objective* is a target for it over a window, the *error budget* is what may be bad of all that
happened, and the *burn rate* is how fast that is used up. Refuses a figure that nobody measured.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from fractions import Fraction
from typing import Annotated, Any, Literal

from chimera.kinds import (
    AddressText,
    AfterValidator,
    BeforeValidator,
    Duration,
    Field,
    Items,
    Model,
    Moment,
    StringConstraints,
    Text,
    WithJsonSchema,
    parse_duration,
    refuse,
)

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,9})?) ?%")


def _quantity(value: Any) -> float:
    """Read a number, `99.9%` as a share, or `500ms` as seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise refuse("quantity-invalid", "this is no quantity; write 0.999, 99.9% or 500ms")
    if isinstance(value, str):
        percent = _PERCENT.fullmatch(value)
        if percent:
            return float(percent[1]) / 100
        try:
            return float(parse_duration(value).total_seconds())
        except Exception:  # noqa: BLE001 - the error of a duration would not name the other forms
            raise refuse(
                "quantity-invalid", f"{value[:40]!r} is no quantity; write 0.999, 99.9% or 500ms"
            ) from None
    if not math.isfinite(value):
        raise refuse("quantity-invalid", "a quantity is finite")
    return float(value)


Quantity = Annotated[
    float,
    BeforeValidator(_quantity),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]}),
]
"""A number, a share such as `99.9%`, or a length of time such as `500ms`, which is in seconds."""


def _check_tree_path(text: str) -> str:
    parts = text.split("/")
    if text.startswith("/") or "\\" in text or "\0" in text or {"", ".", ".."} & set(parts):
        raise refuse("path-outside-tree", f"{text!r} is no path of a file inside the tree")
    return text


TreeFile = Annotated[Text, AfterValidator(_check_tree_path)]
"""A file inside the tree, relative to its root."""


class HealthSource(Model):
    """What `chimera health` found, as its history keeps it."""

    from_: Literal["health"] = Field(alias="from", description="health: the history of looks.")
    subjects: Annotated[Items[Text], Field(min_length=1, max_length=100)] = Field(
        description="What was looked at, as looks name it: Service/agent, memory."
    )
    measure: Text | None = Field(
        default=None,
        description="Which number of a look is meant, such as latency or usage; how it was, if "
        "left out.",
    )
    together: bool = Field(
        default=False,
        description="Whether a look counts once, and is good only where all of them are; each "
        "counts by itself if left out.",
    )


class RunsSource(Model):
    """What runs did, as the journal has it."""

    from_: Literal["runs"] = Field(alias="from", description="runs: the journal of runs.")
    targets: Items[AddressText] = Field(
        default=(), description="Documents whose runs are meant; all if left out."
    )
    unit: Literal["run", "step"] = Field(
        default="run", description="Whether each run is one measurement, or each ended step."
    )
    figure: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*(/[A-Za-z0-9_-]+)+$")] | (
        None
    ) = Field(
        default=None,
        description="A number of a run, as STEP/FIELD: the field of what a step gave; any/FIELD "
        "for the last step that gave it.",
    )


class AppliesSource(Model):
    """Applies that changed an environment, as the gate's rulings have them."""

    from_: Literal["applies"] = Field(
        alias="from", description="applies: rulings that let through."
    )


class FileSource(Model):
    """Measurements in a file of the tree: CSV with a head, or JSON lines."""

    from_: Literal["file"] = Field(alias="from", description="file: a file of the tree.")
    path: TreeFile = Field(description="The file; it ends in .csv, .jsonl or .ndjson.")
    at: Text = Field(default="at", description="Column with the moment, in ISO 8601 with its zone.")
    value: Text = Field(
        default="value",
        description="Column with what was measured: a number, or for what is good or bad true "
        "or false, 1 or 0.",
    )
    unit: Literal["s", "ms", "us", "share", "percent", "number"] = Field(
        default="number", description="What the numbers are in."
    )


Source = Annotated[
    HealthSource | RunsSource | AppliesSource | FileSource, Field(discriminator="from_")
]


class Indicator(Model):
    """What is measured, and how measurements become one value."""

    type: Literal["availability", "latency", "error-rate", "utilisation", "cadence", "count"] = (
        Field(
            description="availability: the share that was good. latency: a percentile of lengths "
            "of time. error-rate: the share that was bad. utilisation: the mean of a share. "
            "cadence: how often a day. count: a percentile of a number, such as generations."
        )
    )
    percentile: Annotated[float, Field(strict=False, gt=0, lt=100, allow_inf_nan=False)] | None = (
        Field(
            default=None,
            description="Of latency (95 if left out) and count (50): by nearest rank, the least "
            "measured value that at least so many percent of the measurements do not exceed.",
        )
    )
    source: Source = Field(description="Where the measurements come from.")

    @property
    def rank(self) -> float:
        """The percentile, the usual one where none is given."""
        return self.percentile or (50.0 if self.type == "count" else 95.0)

    @property
    def least(self) -> int:
        """Of how many measurements on a percentile of latency is not just their maximum."""
        if self.type != "latency":
            return 0
        return math.ceil(1 / (1 - Fraction(str(self.rank)) / 100))

    @property
    def is_share(self) -> bool:
        """Whether its values are shares of a whole, from 0 to 1."""
        return self.type in {"availability", "error-rate", "utilisation"}


class Target(Model):
    """What the indicator is to come to; a band has both sides."""

    at_least: Quantity | None = Field(default=None, description="No less than this.")
    above: Quantity | None = Field(default=None, description="More than this.")
    at_most: Quantity | None = Field(default=None, description="No more than this.")
    below: Quantity | None = Field(default=None, description="Less than this.")

    def holds(self, value: float) -> bool:
        """Tell whether a value meets it, on every side that it has."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )


class BurnAlert(Model):
    """A burn rate that somebody is told of: it is passed over a long and over a short window."""

    long: Duration = Field(description="The window over which it matters.")
    short: Duration = Field(description="The window that says that it goes on; a twelfth or so.")
    consumed: Annotated[float, Field(strict=False, gt=0, le=1)] = Field(
        description="Share of the error budget that is used up in the long window at this rate."
    )
    response: Literal["page", "ticket"] = Field(
        description="Whether somebody is woken (page), or looks in work hours (ticket)."
    )


BURN_ALERTS = (
    BurnAlert.model_validate({"long": "1h", "short": "5m", "consumed": 0.02, "response": "page"}),
    BurnAlert.model_validate({"long": "6h", "short": "30m", "consumed": 0.05, "response": "page"}),
    BurnAlert.model_validate({"long": "3d", "short": "6h", "consumed": 0.10, "response": "ticket"}),
)
"""What the SRE Workbook recommends to begin with, for a window of 30 days: chapter 5, Alerting on
SLOs, 6: Multiwindow, Multi-Burn-Rate Alerts (https://sre.google/workbook/alerting-on-slos/)."""


class Current(Model):
    """A value that was measured, and by what: it is computed again from that."""

    value: Quantity = Field(description="What the indicator came to.")
    at: Moment = Field(description="The end of the window that it was computed over.")
    file: TreeFile = Field(
        description="The measurements, a file of the tree as a source has it, or as `chimera "
        "objective export` writes it."
    )
    count: Annotated[int, Field(ge=1)] = Field(description="How many measurements it rests on.")


def _refuse_unmeasured(value: Any) -> Any:
    """Refuse a bare figure: that somebody wrote it down is all that is known of it."""
    if isinstance(value, Current) or (isinstance(value, dict) and "file" in value):
        return value
    told = value.get("value", "it") if isinstance(value, dict) else value
    raise refuse(
        "objective-current-unmeasured",
        f"{str(told)[:60]!r} is given as the current value, and nothing says what measured it: "
        "name value, at, count and the file with the measurements, or leave it out: "
        "`chimera objective show` computes it",
    )


class ObjectiveSpec(Model):
    """A target for what is measured over a window, and how much may go wrong."""

    summary: Text = Field(description="What is promised, in one line for its readers.")
    indicator: Indicator = Field(description="What is measured.")
    target: Target = Field(description="What it is to come to.")
    window: Duration = Field(
        default=timedelta(days=30), description="The time up to now that is looked at."
    )
    minimum: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="Fewer measurements than this are not measured, which never passes; 20 if "
        "left out, more for a high percentile, 1 for a count and 0 for a cadence.",
    )
    burn_alerts: Items[BurnAlert] = Field(
        default=BURN_ALERTS,
        description="At which burn rates somebody is told; those of the SRE Workbook if left out.",
    )
    current: Annotated[Current | None, BeforeValidator(_refuse_unmeasured)] = Field(
        default=None,
        description="What it came to when somebody last wrote it down, with what measured it.",
    )

    @property
    def least(self) -> int:
        """How many measurements there have to be.

        Of fewer than 1 / (1 - p) measurements a high percentile is only their maximum.
        """
        if self.minimum is not None:
            return self.minimum
        usual = {"cadence": 0, "count": 1}.get(self.indicator.type, 20)
        return max(usual, self.indicator.least)

    @property
    def allowed(self) -> float | None:
        """The error budget as a share of all that happens; `None` where there is no such thing.

        A percentile below a bound is the same promise as its share of measurements below it.
        """
        target, kind = self.target, self.indicator.type
        if kind == "availability":
            floor = target.at_least if target.at_least is not None else target.above
            return None if floor is None else round(1 - floor, 12)
        if kind == "error-rate":
            return target.at_most if target.at_most is not None else target.below
        if kind == "latency":
            return round(1 - self.indicator.rank / 100, 12)
        return None


__all__ = [
    "BURN_ALERTS",
    "AppliesSource",
    "BurnAlert",
    "Current",
    "FileSource",
    "HealthSource",
    "Indicator",
    "ObjectiveSpec",
    "RunsSource",
    "Target",
]
