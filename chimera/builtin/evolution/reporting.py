"""What evolutions found in a period, and how the newest of them converged.

Refuses to compare fitnesses: each evolution has its own measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chimera.kinds import ValidationError
from chimera.model.chart import Chart, Line
from chimera.runtime.reporting import Cell, Column, Figure, ReportTask, Section, Table
from chimera.state.periods import Ending, endings

if TYPE_CHECKING:
    from chimera.builtin.evolution.watching.histories import History

_SHOWN = 12
_CHARTS = 4
_MOST = 200
"""Runs of which it is read what they found."""


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield what evolutions did, where any of them ran."""
    span = task.span
    runs = endings(task.state, span, "Evolution", _MOST)
    if not runs:
        return
    outputs = [run.output if isinstance(run.output, dict) else {} for run in runs]
    champions = sum("genome" in output for output in outputs)
    evaluations = sum(output.get("evaluations", 0) for output in outputs)
    figures = (
        Figure("evolution-runs", "Runs of evolutions", len(runs), note=_of_most(len(runs))),
        Figure("evolution-champions", "Champions found", champions, is_key=True),
        Figure("evolution-evaluations", "Evaluations", evaluations),
    )
    table = _table(runs, outputs)
    yield Section("evolution", "Evolution", "", figures, (table,), tuple(_charts(task, runs)))


def _of_most(number: int) -> str:
    return f"the newest {_MOST}" if number == _MOST else ""


def _table(runs: Sequence[Ending], outputs: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        *(Column("at", "Began"), Column("environment", "Environment", is_code=True)),
        *(Column("evolution", "Evolution", is_code=True), Column("status", "Run")),
        *(Column("best", "Best"), Column("stopped", "Stopped by")),
        *(Column("generations", "Generations"), Column("evaluations", "Evaluations")),
        *(Column("seconds", "Took", "seconds"), Column("champion", "Champion", is_code=True)),
    )
    rows = [_row(run, output) for run, output in zip(runs, outputs, strict=True)]
    return Table("evolution-runs", "Runs", columns, rows, most=_SHOWN)


def _row(run: Ending, output: Mapping[str, Any]) -> tuple[Cell, ...]:
    genome = output.get("genome") or {}
    champion = str(genome["champion"])[:19] if "champion" in genome else None
    return (
        *(run.created, run.environment, run.target, run.status.value),
        *(_best(genome), output.get("stopped"), output.get("generation")),
        *(output.get("evaluations"), run.seconds, champion),
    )


def _best(genome: Mapping[str, Any]) -> Cell:
    """Return the fitness, or those of several objectives as text."""
    if genome.get("objectives"):
        return ", ".join(f"{each['name']} {each['value']:.4g}" for each in genome["objectives"])
    fitness = genome.get("fitness")
    return None if fitness is None else float(fitness)


def _charts(task: ReportTask, runs: Sequence[Ending]) -> Iterator[Chart]:
    """Yield how the newest run of each of some evolutions converged."""
    from chimera.builtin.evolution.watching.histories import history_of
    from chimera.builtin.evolution.watching.pictures import aim_of

    newest: dict[str, Ending] = {}
    for run in runs:
        newest.setdefault(run.target, run)
    for target, run in sorted(newest.items())[:_CHARTS]:
        try:
            history = history_of(task.root, task.state.run(run.uid))
        except ValidationError:
            continue  # a definition of another version: the table has what the journal tells
        line = _line(history)
        if len(line.points) > 1:
            yield Chart(
                *(f"Convergence of {target}", "generation", aim_of(history), (line,)),
                description=f"The best of {history.generation} generations, in the newest run.",
            )


def _line(history: History) -> Line:
    columns = history.columns
    points = zip(columns.get("generation", ()), columns.get("best", ()), strict=False)
    return Line("best", [(x, y) for x, y in points if x is not None], steps=True)
