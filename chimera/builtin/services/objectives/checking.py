"""What is asked of objectives: a target that can be missed, and a current value that was measured.

A current value is computed again from the file that it names. Refuses to judge whether an objective
is met: `chimera objective` tells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from chimera.builtin.services.objectives.indicators import value_of
from chimera.builtin.services.objectives.measurements import (
    MOST_BYTES,
    Measurement,
    UnreadableError,
    read_measurements,
)
from chimera.builtin.services.spec.objective import (
    Current,
    FileSource,
    HealthSource,
    ObjectiveSpec,
    RunsSource,
    Target,
)
from chimera.documents import Tree
from chimera.kinds import Document, Snapshot
from chimera.model import ChimeraError, Diagnostic, Finding, Route, Verdict

Objective = Document[ObjectiveSpec]
_SOURCES = {
    "availability": ("health", "runs", "file"),
    "latency": ("health", "runs", "file"),
    "error-rate": ("health", "runs", "file"),
    "utilisation": ("health", "file"),
    "cadence": ("applies", "runs", "file"),
    "count": ("runs", "file"),
}
"""What tells anything of each type of indicator."""
_LONGEST = timedelta(days=400)


def judge_document(objective: Objective) -> Verdict:
    """Judge one objective by what it says."""
    target = (*_sides(objective), *_bounds(objective))
    return _verdict(objective, (*_source(objective), *target, *_windows(objective)))


def judge(snapshot: Snapshot) -> Iterator[Verdict]:
    """Judge the files that objectives name, and compute their current values again."""
    for objective in snapshot.of_model(ObjectiveSpec):
        source, current = objective.spec.indicator.source, objective.spec.current
        if current is not None or isinstance(source, FileSource):
            faults = (*_file(objective, snapshot.tree), *_current(objective, snapshot.tree))
            yield _verdict(objective, faults)


def _verdict(objective: Objective, found: Iterable[Diagnostic]) -> Verdict:
    faults = tuple(found)
    finding = Finding.FAIL if faults else Finding.PASS
    told = tuple(fault.message for fault in faults)
    return Verdict("objectives", str(objective.address), finding, told, faults)


def _fault(objective: Objective, rule: str, route: Route, message: str, help: str) -> Diagnostic:
    place = objective.at("spec", *route)
    return Diagnostic(rule, message, place, help, address=str(objective.address))


def _source(objective: Objective) -> Iterator[Diagnostic]:
    indicator = objective.spec.indicator
    source, kind = indicator.source, indicator.type
    rule, route = "objective-source-unfit", ("indicator", "source")
    if source.from_ not in _SOURCES[kind]:
        yield _fault(
            *(objective, rule, route),
            f"{source.from_} says nothing of {kind}",
            f"what does: {', '.join(_SOURCES[kind])}",
        )
    elif isinstance(source, HealthSource) and kind in {"latency", "utilisation"}:
        if source.measure is None:
            yield _fault(
                *(objective, rule, route),
                f"{kind} is a number, and the source says which looks, not which number of them",
                "name it: measure: latency, or measure: usage",
            )
    elif isinstance(source, RunsSource) and kind == "count" and source.figure is None:
        yield _fault(
            *(objective, rule, route),
            "a count of runs is a number that they gave, and the source does not say which",
            "name it: figure: STEP/FIELD, as in any/generation",
        )
    if indicator.percentile is not None and kind not in {"latency", "count"}:
        yield _fault(
            *(objective, "objective-percentile-unused", ("indicator", "percentile")),
            f"{kind} is no percentile",
            "leave the percentile out; latency and count have one",
        )


def _sides(objective: Objective) -> Iterator[Diagnostic]:
    """Yield where it does not say on which sides of what the value is to be."""
    target, kind = objective.spec.target, objective.spec.indicator.type
    if None not in (target.at_least, target.above) or None not in (target.at_most, target.below):
        yield _fault(
            *(objective, "objective-target-unclear", ("target",)),
            "two bounds stand on one side",
            "leave one of them out",
        )
        return
    low, high = lowest(target), highest(target)
    if kind == "utilisation" and None in (low, high):
        yield _fault(
            *(objective, "objective-band-open", ("target",)),
            "a utilisation is to be in a band, and one side of it is open",
            "give both: too little is waste, and too much leaves no reserve, as in "
            "{atLeast: 70%, atMost: 80%}",
        )
        return
    wanted = {"availability": low, "cadence": low, "error-rate": high, "latency": high}
    if (kind in wanted and wanted[kind] is None) or (low is None and high is None):
        side = "atLeast" if kind in {"availability", "cadence"} else "atMost or below"
        yield _fault(
            *(objective, "objective-target-unclear", ("target",)),
            f"it is not said what {kind} is to come to",
            f"give a bound: {side}",
        )


def lowest(target: Target) -> float | None:
    """Return the lower bound, if there is one."""
    return target.at_least if target.at_least is not None else target.above


def highest(target: Target) -> float | None:
    """Return the upper bound, if there is one."""
    return target.at_most if target.at_most is not None else target.below


def _bounds(objective: Objective) -> Iterator[Diagnostic]:
    """Yield bounds that nothing meets, or that nothing misses."""
    spec = objective.spec
    low, high = lowest(spec.target), highest(spec.target)
    most = 1.0 if spec.indicator.is_share else math.inf
    rule, route = "objective-target-impossible", ("target",)
    told = ""
    if low is not None and high is not None and not any(map(spec.target.holds, (low, high))):
        told = "no value is on both sides of it" if low >= high else ""
    if any(bound is not None and not 0 <= bound <= most for bound in (low, high)):
        told = "shares are from 0 to 1" if most == 1 else "nothing that is measured is below 0"
    if told:
        yield _fault(*(objective, rule, route), told, "correct the bounds: 99.9%, 500ms, 0.5, 100")
    elif spec.allowed is not None and spec.allowed <= 0:
        yield _fault(
            *(objective, "objective-budget-empty", route),
            "it leaves no error budget: nothing may ever go wrong",
            "promise less than everything (SRE Book, chapter 3): 100 % is no target for anything",
        )


def _windows(objective: Objective) -> Iterator[Diagnostic]:
    spec = objective.spec
    if not timedelta() < spec.window <= _LONGEST:
        yield _fault(
            *(objective, "objective-window-unfit", ("window",)),
            "a window is longer than nothing, and at most 400 days",
            "write 30d, 7d or 24h",
        )
    least = spec.indicator.least
    if spec.minimum is not None and spec.minimum < least:
        yield _fault(
            *(objective, "objective-minimum-low", ("minimum",)),
            f"of fewer than {least} measurements the percentile {spec.indicator.rank:g} is only "
            "their maximum",
            f"ask for {least} or more, or for a lower percentile",
        )
    for index, alert in enumerate(spec.burn_alerts):
        if "burn_alerts" in spec.model_fields_set and not (
            timedelta() < alert.short < alert.long <= spec.window
        ):
            yield _fault(
                *(objective, "objective-burn-alert-unfit", ("burnAlerts", index)),
                "its short window is not within the long one, or that not within the objective's",
                "have short < long <= window, as in 5m and 1h of 30d",
            )


def _file(objective: Objective, tree: Tree) -> Iterator[Diagnostic]:
    source = objective.spec.indicator.source
    if isinstance(source, FileSource):
        try:
            _read(tree, source)
        except UnreadableError as error:
            yield _fault(
                *(objective, "objective-file-unreadable", ("indicator", "source", "path")),
                f"{source.path}: {error.message}",
                error.help or "",
            )
        except ChimeraError:
            return  # not there yet: it is not measured, and told so wherever it is looked at


def _read(tree: Tree, source: FileSource) -> tuple[Measurement, ...]:
    data = tree.read_many([source.path], limit=MOST_BYTES)[source.path]
    return read_measurements(data, source)


def _current(objective: Objective, tree: Tree) -> Iterator[Diagnostic]:
    spec = objective.spec
    current = spec.current
    if current is None:
        return
    source = spec.indicator.source
    if not isinstance(source, FileSource) or source.path != current.file:
        source = FileSource.model_validate({"from": "file", "path": current.file})
    try:
        measured = _in_window(_read(tree, source), current, spec.window)
    except ChimeraError as error:
        told = error.message if isinstance(error, UnreadableError) else "it is not there"
        yield _fault(
            *(objective, "objective-current-unmeasured", ("current", "file")),
            f"{current.file} does not show what was measured: {told}",
            "write it with `chimera objective export`, or leave the current value out",
        )
        return
    if len(measured) < max(spec.least, 1):
        yield _fault(
            *(objective, "objective-current-unmeasured", ("current",)),
            f"{current.file} has {len(measured)} measurements of this window, and it takes "
            f"{max(spec.least, 1)}",
            "measure for longer, or leave the current value out",
        )
        return
    value = value_of(spec, measured)
    if len(measured) != current.count or not math.isclose(value, current.value, rel_tol=1e-9):
        yield _fault(
            *(objective, "objective-current-differs", ("current", "value")),
            f"{current.file} comes to {value:.9g} from {len(measured)} measurements, not to "
            f"{current.value:.9g} from {current.count}",
            "write what was measured, as `chimera objective export` prints it",
        )


def _in_window(
    measured: Iterable[Measurement], current: Current, window: timedelta
) -> tuple[Measurement, ...]:
    until = datetime.fromisoformat(current.at)
    try:
        since = until - window
    except OverflowError:  # before the year 1 nothing was measured
        return ()
    return tuple(one for one in measured if since < one.at <= until)
