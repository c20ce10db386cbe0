"""Positions of sorted values against NumPy's stable sort."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.builtin.evolution.kernels.sorting import sort

values = st.floats(allow_nan=False) | st.sampled_from([0.0, 1.0, math.inf, 1e300])


@settings(deadline=None)
@given(st.lists(values, max_size=200), st.integers(0, 5))
def test_values_come_in_ascending_order_and_equal_ones_by_index(listed, unused):
    array = np.array(listed + [-1.0] * unused)
    order, spare = np.full(len(array), -1), np.full(len(array), -1)
    sort(array, len(listed), order, spare)
    assert order[: len(listed)].tolist() == np.argsort(listed, kind="stable").tolist()
    assert (order[len(listed) :] == -1).all()
