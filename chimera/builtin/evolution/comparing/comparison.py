"""The statistical comparison of two specs over many seeds.

Two questions, each with an effect size and a p-value: which finds better candidates in the end, and
for each target, which reaches it with fewer evaluations (a run that does not reach it takes for
ever). p-values are adjusted for the number of questions (Holm), so that more targets find no more
differences by chance. Everything follows from the specs, the seeds and the random stream that the
intervals are drawn from: the same arguments give the same `Comparison`.

    compare(a, b, seeds=range(1, 22), targets=[1e-3], stream=stream("compare", "a", "b"))

Refuses terminals and files: `rendering` makes text of a `Comparison`, `as_json` JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Literal

from chimera.builtin.evolution.comparing.running_time import (
    Trajectory,
    distribution,
    expected_running_time,
    running_time,
)
from chimera.builtin.evolution.comparing.runs import (
    Opener,
    Run,
    measured,
    run_all,
    search_alone,
)
from chimera.builtin.evolution.comparing.statistics import (
    a12,
    bootstrap,
    holm,
    magnitude,
    mann_whitney,
    median,
    quantile,
    wilcoxon,
)
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.model import ChimeraError

LEAST_SEEDS = 2
SIGNIFICANT = 0.05
"""A difference is named where its adjusted p-value is below."""

Test = Literal["mann-whitney", "wilcoxon"]
Interval = tuple[float, float]
_TESTS = {"mann-whitney": mann_whitney, "wilcoxon": wilcoxon}


@dataclass(frozen=True, slots=True)
class Difference:
    """How two samples differ.

    `effect` is the chance that the first spec does better, ties counting half (A12), `magnitude`
    its name; `p_value` is of the test, `adjusted` by Holm for all questions of the comparison.
    """

    effect: float
    magnitude: str
    p_value: float
    adjusted: float

    @property
    def is_significant(self) -> bool:
        """Whether a difference of this size is hardly due to chance."""
        return self.adjusted < SIGNIFICANT

    @property
    def better(self) -> int | None:
        """Which spec does better, 0 or 1; `None` where that may be chance."""
        return int(self.effect < 0.5) if self.is_significant else None


@dataclass(frozen=True, slots=True)
class Contender:
    """One spec: what its runs found in the end.

    Fitnesses are infinite, or minus infinity where more is better, for runs without a feasible
    candidate. `interval` is the bootstrapped one of the median. `distribution` says what share of
    runs and targets was reached after how many evaluations.
    """

    name: str
    runs: tuple[Run, ...]
    median: float
    quartiles: Interval
    interval: Interval
    infeasible: int
    evaluations: float
    distribution: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """How soon both specs reach a fitness.

    `reached` counts runs; `expected` are expected running times in evaluations (ERT), infinite
    where no run reached it, and `intervals` the bootstrapped ones.
    """

    fitness: float
    reached: tuple[int, int]
    expected: tuple[float, float]
    intervals: tuple[Interval, Interval]
    difference: Difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two specs over many seeds; `measure` is what their runs were judged by in the end."""

    measure: Literal["fitness", "hypervolume"]
    objective: Literal["minimize", "maximize"]
    test: Test
    confidence: float
    contenders: tuple[Contender, Contender]
    final: Difference
    targets: tuple[Target, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON takes it: `null` for what is infinite."""
        found: dict[str, Any] = _finite(asdict(self))
        found["better"] = self._name_of(self.final.better)
        for value, target in zip(found["targets"], self.targets, strict=True):
            value["better"] = self._name_of(target.difference.better)
        return found

    def _name_of(self, better: int | None) -> str | None:
        return None if better is None else self.contenders[better].name


def compare(
    a: EvolutionSpec,
    b: EvolutionSpec,
    seeds: Sequence[int],
    targets: Sequence[float] = (),
    *,
    stream: Random,
    names: tuple[str, str] = ("a", "b"),
    test: Test = "mann-whitney",
    confidence: float = 0.95,
    opener: Opener = search_alone,
    workers: int = 1,
    told: Callable[[Run], None] = lambda run: None,
) -> Comparison:
    """Run both specs with each of `seeds` and compare them, at `targets` and at their own.

    Several objectives are compared by their hypervolume and have no targets. `opener` opens
    searches, whose fitness may come from outside; `told` is told of each run that ends.

    Raises `ChimeraError` where they cannot be compared.
    """
    _refuse(a, b, seeds)
    groups = [run_all(spec, seeds, opener, workers, told) for spec in (a, b)]
    own = [each.termination.target for each in (a, b) if each.termination.target is not None]
    wanted = [] if a.objectives else sorted({*targets, *own}, reverse=a.objective == "minimize")
    if a.objectives:
        groups = measured(groups)
    objective = "maximize" if a.objectives else a.objective
    return judge(
        groups,
        wanted,
        stream=stream,
        names=names,
        test=test,
        confidence=confidence,
        objective=objective,
        measure="hypervolume" if a.objectives else "fitness",
    )


def judge(
    groups: Sequence[Sequence[Run]],
    targets: Sequence[float],
    *,
    stream: Random,
    names: tuple[str, str],
    objective: Literal["minimize", "maximize"],
    measure: Literal["fitness", "hypervolume"] = "fitness",
    test: Test = "mann-whitney",
    confidence: float = 0.95,
) -> Comparison:
    """Compare runs that were made: the same number of each spec."""
    sign = 1.0 if objective == "minimize" else -1.0
    costs = [[_cost(run, sign) for run in runs] for runs in groups]
    trajectories = [[_trajectory(run, sign) for run in runs] for runs in groups]
    aims = [sign * target for target in targets]
    times = [[[running_time(c, aim) for c in own] for own in trajectories] for aim in aims]
    differences = _differences([costs, *times], test)
    contenders = [
        _contender(name, runs, own, trajectories[i], aims, sign, stream, confidence)
        for i, (name, runs, own) in enumerate(zip(names, groups, costs, strict=True))
    ]
    found = [
        _target(target, pair, groups, difference, stream, confidence)
        for target, pair, difference in zip(targets, times, differences[1:], strict=True)
    ]
    return Comparison(
        measure=measure,
        objective=objective,
        test=test,
        confidence=confidence,
        contenders=(contenders[0], contenders[1]),
        final=differences[0],
        targets=tuple(found),
    )


def _refuse(a: EvolutionSpec, b: EvolutionSpec, seeds: Sequence[int]) -> None:
    if len(set(seeds)) < max(LEAST_SEEDS, len(seeds)):
        raise ChimeraError(
            f"a comparison needs at least {LEAST_SEEDS} seeds, each once",
            help="give 20 seeds or more: with fewer only large effects are seen",
        )
    if len(a.objectives) != len(b.objectives):
        raise ChimeraError(
            "the specs have different numbers of objectives",
            help="compare specs that search for the same thing",
        )
    if [aim.objective for aim in a.objectives] != [aim.objective for aim in b.objectives] or (
        not a.objectives and a.objective != b.objective
    ):
        raise ChimeraError(
            "one spec minimises what the other maximises",
            help="compare specs that search for the same thing",
        )


def _cost(run: Run, sign: float) -> float:
    return math.inf if run.fitness is None else sign * run.fitness


def _trajectory(run: Run, sign: float) -> Trajectory:
    return [(count, sign * fitness) for count, fitness in run.trajectory]


def _differences(pairs: Sequence[Sequence[Sequence[float]]], test: Test) -> list[Difference]:
    """Return how the samples of each pair differ, adjusted for the number of pairs."""
    p_values = [_TESTS[test](first, second) for first, second in pairs]
    effects = [a12(first, second) for first, second in pairs]
    return [
        Difference(effect, magnitude(effect), p_value, adjusted)
        for effect, p_value, adjusted in zip(effects, p_values, holm(p_values), strict=True)
    ]


def _contender(
    name: str,
    runs: Sequence[Run],
    costs: Sequence[float],
    trajectories: Sequence[Trajectory],
    aims: Sequence[float],
    sign: float,
    stream: Random,
    confidence: float,
) -> Contender:
    quartiles = (quantile(costs, 0.25), quantile(costs, 0.75))
    return Contender(
        name=name,
        runs=tuple(runs),
        median=sign * median(costs),
        quartiles=_ordered(quartiles, sign),
        interval=_ordered(bootstrap(costs, median, stream, confidence), sign),
        infeasible=costs.count(math.inf),
        evaluations=median([float(run.evaluations) for run in runs]),
        distribution=tuple(distribution(trajectories, aims)) if aims else (),
    )


def _ordered(bounds: Interval, sign: float) -> Interval:
    """Return bounds of costs as bounds of fitnesses, the lower first."""
    return bounds if sign > 0 else (-bounds[1], -bounds[0])


def _target(
    fitness: float,
    times: Sequence[Sequence[float]],
    groups: Sequence[Sequence[Run]],
    difference: Difference,
    stream: Random,
    confidence: float,
) -> Target:
    pairs = [
        [(time, float(run.evaluations)) for time, run in zip(own, runs, strict=True)]
        for own, runs in zip(times, groups, strict=True)
    ]
    expected = [_expected(own) for own in pairs]
    intervals = [bootstrap(own, _expected, stream, confidence) for own in pairs]
    reached = [sum(time < math.inf for time in own) for own in times]
    return Target(
        fitness=fitness,
        reached=(reached[0], reached[1]),
        expected=(expected[0], expected[1]),
        intervals=(intervals[0], intervals[1]),
        difference=difference,
    )


def _expected(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the ERT of runs, given running time and evaluations of each."""
    return expected_running_time([time for time, _ in pairs], [spent for _, spent in pairs])


def _finite(value: Any) -> Any:
    """Return a value with `None` in place of every number that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value if not isinstance(value, float) or math.isfinite(value) else None
