"""What a picture of numbers shows, as values: lines over a pair of axes, or bars side by side.

Drawn by `render.charts`. Refuses colours, sizes and anything else that is of drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """Points in order of x; where a y is `None` or not finite the line is broken."""

    name: str
    points: Sequence[tuple[float, float | None]]
    steps: bool = False
    """Whether a value holds until the next one, rather than on a straight way to it."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Some lines over one pair of axes.

    `description` says in words what there is to see, for those who do not see it. An x of a chart
    that `is_time` is in seconds since 1970. `unit` is that of the values, as a `Figure` has it;
    `limits` are values that are drawn across, each with what it stands for. `span` is what the axis
    across shows at least, and `is_from_zero` says that the other one begins at 0.
    """

    title: str
    across: str
    upward: str
    lines: Sequence[Line]
    is_log: bool = False
    is_log_across: bool = False
    description: str = ""
    is_time: bool = False
    unit: str = ""
    limits: Sequence[tuple[str, float]] = ()
    span: tuple[float, float] | None = None
    is_from_zero: bool = False


@dataclass(frozen=True, slots=True)
class BarChart:
    """A bar for each label, made of one part for each series, one upon the other."""

    title: str
    upward: str
    series: Sequence[str]
    bars: Sequence[tuple[str, Sequence[float]]]
    description: str = ""
    unit: str = ""
