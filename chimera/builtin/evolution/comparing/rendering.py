"""A comparison as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chimera.render.paint import table

if TYPE_CHECKING:
    from chimera.builtin.evolution.comparing.comparison import Comparison, Difference, Target
    from chimera.render.paint import Paint

_TESTS = {"mann-whitney": "Mann-Whitney U", "wilcoxon": "Wilcoxon signed-rank"}


def comparison_text(comparison: Comparison, paint: Paint) -> str:
    """Return what two specs found, which does better, and how soon they reach each target."""
    share = f"{comparison.confidence * 100:g} %"
    rows = [
        (
            each.name,
            str(len(each.runs)),
            _number(each.median),
            _range(each.quartiles),
            _range(each.interval),
            f"{each.evaluations:.0f}",
            str(each.infeasible or ""),
        )
        for each in comparison.contenders
    ]
    heads = (
        "SPEC",
        "RUNS",
        "MEDIAN",
        "QUARTILES",
        f"{share} OF MEDIAN",
        "EVALUATIONS",
        "NO GENOME",
    )
    lines = [table(rows, heads, paint), "", _verdict(comparison, paint)]
    for target in comparison.targets:
        lines.append("")
        lines += _target_lines(comparison, target, paint)
    first, second = (each.name for each in comparison.contenders)
    questions = _count(1 + len(comparison.targets))
    test = f"{_TESTS[comparison.test]} test, Holm's correction for {questions}"
    meaning = f"A12 is the chance that {first} does better than {second}"
    lines += ["", f"{test}; {meaning}"]
    return "\n".join(lines)


def _verdict(comparison: Comparison, paint: Paint) -> str:
    words = f"better {comparison.measure} in the end"
    return _sentence(comparison, comparison.final, words, paint)


def _target_lines(comparison: Comparison, target: Target, paint: Paint) -> list[str]:
    rows = [
        (
            each.name,
            f"{target.reached[i]} of {len(each.runs)}",
            _count_of(target.expected[i]),
            " to ".join(dict.fromkeys(map(_count_of, target.intervals[i]))),
        )
        for i, each in enumerate(comparison.contenders)
    ]
    share = f"{comparison.confidence * 100:g} %"
    found = table(rows, ("SPEC", "REACHED IT", "EXPECTED EVALUATIONS", share), paint)
    words = "reaches it sooner"
    return [
        paint(f"target {_number(target.fitness)}", "bold"),
        found,
        _sentence(comparison, target.difference, words, paint),
    ]


def _sentence(comparison: Comparison, difference: Difference, words: str, paint: Paint) -> str:
    """Say which does better and how sure that is."""
    figures = (
        f"A12 {difference.effect:.2f}, {difference.magnitude} effect; "
        f"p {_chance(difference.adjusted)}"
    )
    if difference.better is None:
        return f"{paint('no difference that could not be chance', 'dim')}: {words} ({figures})"
    return f"{paint(comparison.contenders[difference.better].name, 'good')}: {words} ({figures})"


def _number(fitness: float) -> str:
    return "none" if math.isinf(fitness) else f"{fitness:.6g}"


def _count_of(evaluations: float) -> str:
    return "never" if math.isinf(evaluations) else f"{evaluations:.0f}"


def _range(bounds: tuple[float, float]) -> str:
    return " to ".join(dict.fromkeys(map(_number, bounds)))


def _chance(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"= {value:.4f}"


def _count(questions: int) -> str:
    return f"{questions} question" + ("s" if questions > 1 else "")
