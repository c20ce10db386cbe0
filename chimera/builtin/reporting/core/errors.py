"""What failed in a period, by layer and by step.

A target stands where the tree places it now, in one layer of each contract at most. What stands in
none is counted as that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from chimera.builtin.reporting.core.counting import by_part, is_hourly
from chimera.contract import place
from chimera.kinds import Snapshot
from chimera.model.chart import BarChart
from chimera.runtime.reporting import Column, Figure, ReportTask, Section, Table, Tone
from chimera.state.periods import Trouble, failure_moments, target_tallies, troubles

NO_LAYER = "no layer"
_MOST_LAYERS = 5
_MOST_STEPS = 15


def sections(task: ReportTask) -> Iterator[Section]:
    """Yield what failed, and where; that nothing did is worth saying."""
    found = troubles(task.state, task.span)
    failed = sum(each.failed + each.escalated for each in found)
    retried = sum(each.retried for each in found)
    figures = (
        Figure(
            *("steps-failed", "Failed steps", failed, "", "after all of their attempts"),
            Tone.BAD if failed else Tone.GOOD,
            is_key=True,
        ),
        Figure("steps-retried", "Attempts that were tried again", retried),
    )
    if not found:
        yield Section("errors", "Errors by layer", "No step failed, and none was retried.", figures)
        return
    layers = layers_of(task.snapshot, {each.target for each in found})
    tables = (_by_layer(task, found), _by_step(found))
    charts = (_chart(task, layers),) if failed else ()
    yield Section("errors", "Errors by layer", "", figures, tables, charts)


def layers_of(snapshot: Snapshot, targets: set[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the layers of targets, each in at least one: that of those in none."""
    standing = {str(address): at for address, at in place(snapshot).placements.items()}
    return {
        target: tuple(p.layer for p in standing.get(target, ())) or (NO_LAYER,)
        for target in targets
    }


def _by_layer(task: ReportTask, found: Sequence[Trouble]) -> Table:
    tallies = target_tallies(task.state, task.span)
    targets = {each.target for each in found} | {each.target for each in tallies}
    layers = layers_of(task.snapshot, targets)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for tally in tallies:
        for layer in layers[tally.target]:
            counts[layer]["runs"] += tally.runs
    for trouble in found:
        for layer in layers[trouble.target]:
            counts[layer]["failed"] += trouble.failed + trouble.escalated
            counts[layer]["retried"] += trouble.retried
    rows = [(layer, c["runs"], c["failed"], c["retried"]) for layer, c in counts.items()]
    rows.sort(key=lambda row: (-row[2], -row[3], row[0]))
    columns = (
        Column("layer", "Layer", is_code=True),
        *(Column("runs", "Runs"), Column("failed", "Failed steps"), Column("retried", "Retried")),
    )
    note = "A document can stand in a layer of each contract, and counts in each of them."
    return Table("errors-by-layer", "Layers", columns, rows, note=note)


def _by_step(found: Sequence[Trouble]) -> Table:
    columns = (
        Column("environment", "Environment", is_code=True),
        Column("target", "Target", is_code=True),
        Column("step", "Step", is_code=True),
        *(Column("failed", "Failed"), Column("retried", "Retried"), Column("last", "Last")),
    )
    rows = [(*each[:3], each.failed + each.escalated, each.retried, each.last) for each in found]
    return Table("errors-by-step", "What failed most", columns, rows, most=_MOST_STEPS)


def _chart(task: ReportTask, layers: Mapping[str, tuple[str, ...]]) -> BarChart:
    parts = task.parts
    moments = failure_moments(task.state, task.span, hourly=is_hourly(parts))
    totals: Counter[str] = Counter()
    for moment in moments:
        for layer in layers[moment.what]:
            totals[layer] += moment.number
    ranked = sorted(totals, key=lambda layer: (-totals[layer], layer))
    series = [*ranked[:_MOST_LAYERS], *(["others"] if len(ranked) > _MOST_LAYERS else [])]
    counted = by_part(parts, moments, str)
    bars = []
    for part, counts in zip(parts, counted, strict=True):
        here: Counter[str] = Counter()
        for target, number in counts.items():
            for layer in layers[target]:
                here[layer if layer in ranked[:_MOST_LAYERS] else "others"] += number
        bars.append((part.name, [float(here[name]) for name in series]))
    told = ", ".join(f"{totals[layer]} in {layer}" for layer in ranked[:_MOST_LAYERS])
    return BarChart("Failed steps by layer", "failed steps", series, bars, f"{told}.")
