"""Runs of a period whose workflows have stages that Ray executes.

By the workflows of the tree: the journal does not say where a step was executed. Refuses to speak
where no workflow asks for Ray.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera.runtime.reporting import Column, Figure, ReportTask, Section, Table
from chimera.state.periods import target_tallies

_RAY = "ray"


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield what ran with stages on Ray, and for how long."""
    stages = {
        str(document.address): found
        for document in task.snapshot.of_kinds({"Workflow"})
        if (found := sum(1 for _ in _on_ray(document.value["spec"])))
    }
    if not stages:
        return
    span = task.span
    runs: dict[tuple[str, str], tuple[int, float]] = {}
    for tally in target_tallies(task.state, span):
        if tally.target in stages:
            number, seconds = runs.get(tally[:2], (0, 0.0))
            runs[tally[:2]] = (number + tally.runs, seconds + tally.seconds)
    columns = (
        Column("environment", "Environment", is_code=True),
        Column("target", "Workflow", is_code=True),
        *(Column("stages", "Stages on Ray"), Column("runs", "Runs")),
        Column("seconds", "Took together", "seconds"),
    )
    rows = [(*key, stages[key[1]], *found) for key, found in sorted(runs.items())]
    total = sum(number for number, _ in runs.values())
    figure = Figure("runs-on-ray", "Runs with stages on Ray", total)
    table = Table("ray", "Workflows with stages on Ray", columns, rows)
    yield Section("utilisation", "Utilisation", "", (figure,), (table,))


def _on_ray(value: Any) -> Iterator[Any]:
    """Yield the stages of a spec that name Ray, also those inside of others."""
    if isinstance(value, dict):
        if value.get("executor") == _RAY:
            yield value
        for inner in value.values():
            yield from _on_ray(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _on_ray(inner)
