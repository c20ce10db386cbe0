"""Statistics of two samples, without assumptions about their distributions. Pure functions.

Values are costs: smaller is better, and infinity stands for what was not reached. Tests are
two-sided. Their distributions are exact, ties included, up to `EXACT` values: every arrangement of
the values at hand is equally likely if nothing differs, and how many there are of each rank sum is
counted (Streitberg and Röhmel, Exact distributions for permutation and rank tests, 1986). Beyond,
they are normal with corrections for ties and continuity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

EXACT = 100
"""Values, or pairs of them, up to which a test counts arrangements."""

MAGNITUDES = ((0.56, "negligible"), (0.64, "small"), (0.71, "medium"))
"""Below which A12 an effect is called what (Vargha and Delaney 2000); from the last on, large."""

Counts = NDArray[np.float64]
Item = TypeVar("Item")


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile, interpolated between neighbours (Hyndman and Fan's type 7)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    if low == high or place == math.floor(place):
        return low
    return low + (high - low) * (place - math.floor(place))


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return quantile(values, 0.5)


def a12(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the chance that a value of `a` is the smaller one, ties counting half.

    Vargha and Delaney, A critique and improvement of the CL common language effect size statistics
    (2000): 0.5 where nothing differs, 1 where every value of `a` is smaller than each of `b`.
    """
    better = sum(x < y for x in a for y in b) + 0.5 * sum(x == y for x in a for y in b)
    return better / (len(a) * len(b))


def magnitude(effect: float) -> str:
    """Return what an A12 is called, on either side of 0.5."""
    distance = max(effect, 1.0 - effect)
    return next((name for bound, name in MAGNITUDES if distance < bound), "large")


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the p-value of two unpaired samples (Mann and Whitney 1947)."""
    ranks = _doubled_ranks([*a, *b])
    total, n, m = sum(ranks[: len(a)]), len(a), len(b)
    if n + m <= EXACT:
        return _two_sided(_sums_of_chosen(ranks, n), total)
    ties = _tie_term(ranks)
    variance = n * m / 12.0 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    return _normal(total / 2.0 - n * (n + m + 1) / 2.0, variance)


def wilcoxon(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the p-value of pairs by their signed ranks (Wilcoxon 1945).

    Pairs that are alike say nothing and are left out, two infinities among them.
    """
    differences = [x - y for x, y in zip(a, b, strict=True) if x != y]
    if not differences:
        return 1.0
    ranks = _doubled_ranks([abs(difference) for difference in differences])
    total = sum(rank for rank, d in zip(ranks, differences, strict=True) if d > 0)
    count = len(ranks)
    if count <= EXACT:
        return _two_sided(_sums_of_subsets(ranks), total)
    variance = sum((rank / 2.0) ** 2 for rank in ranks) / 4.0
    return _normal(total / 2.0 - count * (count + 1) / 4.0, variance)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979): the family keeps its error rate."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, reached = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = reached
    return adjusted


def bootstrap(
    sample: Sequence[Item],
    statistic: Callable[[Sequence[Item]], float],
    stream: Random,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> tuple[float, float]:
    """Return the interval of a statistic by percentiles (Efron 1979)."""
    size = len(sample)
    found = [
        statistic([sample[int(stream.random() * size)] for _ in range(size)])
        for _ in range(resamples)
    ]
    rest = (1.0 - confidence) / 2.0
    return quantile(found, rest), quantile(found, 1.0 - rest)


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Return twice the rank of each value, from 1; ties share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    ranks = [0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in range(first, last + 1):
            ranks[order[place]] = first + last + 2
        first = last + 1
    return ranks


def _tie_term(doubled_ranks: Sequence[int]) -> float:
    """Return the sum of t³ - t over groups of t equal values."""
    sizes = (doubled_ranks.count(rank) for rank in set(doubled_ranks))
    return float(sum(size**3 - size for size in sizes))


def _sums_of_chosen(ranks: Sequence[int], chosen: int) -> Counts:
    """Return in how many ways each sum is that of `chosen` of the ranks."""
    counts = np.zeros((chosen + 1, sum(ranks) + 1))
    counts[0, 0] = 1.0
    for seen, rank in enumerate(ranks):
        for taken in range(min(seen + 1, chosen), 0, -1):
            counts[taken, rank:] += counts[taken - 1, : counts.shape[1] - rank]
    found: Counts = counts[chosen]
    return found


def _sums_of_subsets(ranks: Sequence[int]) -> Counts:
    """Return in how many ways each sum is that of some of the ranks."""
    counts = np.zeros(sum(ranks) + 1)
    counts[0] = 1.0
    for rank in ranks:
        counts[rank:] += counts[: len(counts) - rank].copy()
    return counts


def _two_sided(counts: Counts, total: int) -> float:
    """Return the share of arrangements that are at least as far out on either side."""
    below, above = float(counts[: total + 1].sum()), float(counts[total:].sum())
    return min(1.0, 2.0 * min(below, above) / float(counts.sum()))


def _normal(distance: float, variance: float) -> float:
    if variance <= 0.0:
        return 1.0
    return math.erfc(max(abs(distance) - 0.5, 0.0) / math.sqrt(2.0 * variance))
