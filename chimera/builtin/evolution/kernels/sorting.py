"""Positions of values in ascending order, by a merge sort that allocates nothing.

Equal values stay in order of index; infinity is the greatest. NaN does not occur.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

from chimera.builtin.evolution.kernels.compiling import inner

_RUN = 16


@inner
def sort(values, count, order, spare):
    """Fill `order[:count]` with the positions of `values[:count]`, the least value first.

    `spare` is scratch of the size of `order`, both int64.
    """
    for first in range(0, count, _RUN):
        _insert(values, first, min(first + _RUN, count), order)
    size = _RUN
    while size < count:
        for first in range(0, count, 2 * size):
            middle = min(first + size, count)
            _merge(values, first, middle, min(first + 2 * size, count), order, spare)
        for i in range(count):
            order[i] = spare[i]
        size *= 2


@inner
def _insert(values, first, last, order):
    for i in range(first, last):
        value, j = values[i], i
        while j > first and values[order[j - 1]] > value:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i


@inner
def _merge(values, first, middle, last, order, merged):
    left, right = first, middle
    for i in range(first, last):
        if left < middle and (right >= last or values[order[left]] <= values[order[right]]):
            merged[i] = order[left]
            left += 1
        else:
            merged[i] = order[right]
            right += 1
