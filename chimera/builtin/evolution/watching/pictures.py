"""Pictures of a run: how it converged, and what became of its diversity.

Refuses to choose what is worth seeing: every column that was observed is drawn or in the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from chimera.builtin.evolution.watching.histories import History
from chimera.model.chart import Chart, Line
from chimera.render.charts.drawing import figure
from chimera.render.charts.page import page
from chimera.render.charts.scales import label, spans_decades

_FITNESSES = ("best", "median", "mean")
_CHARTS = ("diversity", "front", "sigma", "population", "restarts")
_BLOCKS = "▁▂▃▄▅▆▇█"


def charts_of(histories: Sequence[History]) -> list[Chart]:
    """Return the charts of one run, or of several over one another."""
    single = len(histories) == 1
    aims = dict.fromkeys(map(aim_of, histories))
    fitness = [
        _line(history, column, _named(history, column) if single else _name(history))
        for history in histories
        for column in (_FITNESSES if single else _FITNESSES[:1])
    ]
    title = f"Convergence of {_title(histories)}" if single else "Convergence"
    charts = [_chart(title, " or ".join(aims), fitness)]
    for name in _CHARTS:
        lines = [_line(h, name, name if single else _name(h)) for h in histories]
        charts.append(_chart(name.capitalize(), name, lines))
    return [chart for chart in charts if any(line.points for line in chart.lines)]


def aim_of(history: History) -> str:
    """Return what the best of a run is the best of: with several objectives, of hypervolumes."""
    return "hypervolume" if history.spec.objectives else "fitness"


def _named(history: History, column: str) -> str:
    return aim_of(history) if column == "best" and history.spec.objectives else column


def picture(histories: Sequence[History]) -> str:
    """Return the charts as SVG."""
    return figure(_title(histories), charts_of(histories))


def picture_page(histories: Sequence[History]) -> str:
    """Return a page of the facts, the charts and, of one run, the numbers."""
    facts = [fact for history in histories for fact in facts_of(history)]
    if len(histories) > 1:
        return page(_title(histories), facts, picture(histories))
    columns = histories[0].columns
    heads = list(columns)
    rows = zip(*(map(_cell, columns[name]) for name in heads), strict=True)
    return page(_title(histories), facts, picture(histories), heads, list(rows))


def facts_of(history: History) -> list[tuple[str, str]]:
    """Return what there is to know of a run, by its name."""
    found = [
        ("run", history.run.uid),
        ("evolution", history.evolution),
        ("status", history.run.status.value),
        ("generation", label(history.generation)),
        ("evaluations", label(history.evaluations)),
        ("best", _cell(history.last("best"))),
    ]
    if history.stopped is not None:
        found.append(("stopped by", history.stopped))
    if history.genome is not None:
        found.append(("champion", str(history.genome.get("champion"))))
    return found


def _title(histories: Sequence[History]) -> str:
    return ", ".join(dict.fromkeys(history.evolution for history in histories))


def _name(history: History) -> str:
    return f"{history.evolution.partition('/')[2]} ({history.run.uid[:8]})"


def _cell(value: float | None) -> str:
    return "" if value is None else label(value)


def _line(history: History, column: str, name: str) -> Line:
    generations = history.columns.get("generation", ())
    values = history.columns.get(column, ())
    points = [(g, v) for g, v in zip(generations, values, strict=False) if g is not None]
    is_there = any(value is not None for _, value in points)
    return Line(name, points if is_there else (), steps=column == "best")


def _chart(title: str, upward: str, lines: Sequence[Line]) -> Chart:
    shown = [line for line in lines if line.points]
    values = [value for line in shown for _, value in line.points if value is not None]
    return Chart(title, "generation", upward, shown, spans_decades(values))


def sparkline(values: Sequence[float | None], width: int = 24) -> str:
    """Return a column as a line of blocks, the least value low and the greatest high."""
    there = [value for value in values if value is not None]
    if len(there) < 2:
        return ""
    chosen = [there[round(i * (len(there) - 1) / (width - 1))] for i in range(width)]
    if spans_decades(chosen):
        chosen = list(map(math.log, chosen))
    low, span = min(chosen), max(chosen) - min(chosen) or 1.0
    return "".join(_BLOCKS[min(7, int(8 * (value - low) / span))] for value in chosen)
