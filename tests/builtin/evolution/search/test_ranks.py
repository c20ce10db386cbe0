"""The best and the worst few are those of sorting all, equal ones as a stable sort has them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.evolution.search.ranks import highest, lowest

COSTS = st.lists(st.sampled_from([0.0, -0.0, 1.0, -2.5, 1e300, np.inf]), max_size=12)


@given(COSTS, st.integers(0, 14))
def test_few_are_found_as_sorting_all_finds_them(costs, count):
    costs = np.array(costs, dtype=float)
    order = np.argsort(costs, kind="stable")
    assert lowest(costs, count).tolist() == order[:count].tolist()
    assert highest(costs, count).tolist() == order[::-1][:count].tolist()
