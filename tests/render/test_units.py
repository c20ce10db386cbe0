"""Numbers with their units as people read them; what is short of all of it is never all of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.render.units import shown


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.999, "ratio", "99.9 %"),
        (0.99999, "ratio", "99.999 %"),
        (1, "ratio", "100 %"),
        (0, "ratio", "0 %"),
        (5400, "seconds", "1.5 h"),
        (0.0005, "seconds", "500 µs"),
        (0, "seconds", "0 s"),
        (172_800, "seconds", "2 d"),
        (1_500_000, "bytes", "1.5 MB"),
        (12, "bytes", "12 B"),
        (-3, "", "\N{MINUS SIGN}3"),
        (1234567, "", "1,234,567"),
        (0.25, "days", "0.25 days"),
        (1e-9, "", "1e-9"),
        (math.inf, "seconds", "unbounded"),
        (math.nan, "", "undefined"),
    ],
)
def test_a_number_is_shown_with_its_unit(value: float, unit: str, text: str) -> None:
    assert shown(value, unit).replace("\N{NO-BREAK SPACE}", " ") == text


@given(st.floats(0, 1, exclude_max=True).filter(lambda share: share < 1 - 1e-10))
def test_a_share_that_is_short_of_all_is_never_shown_as_all(share: float) -> None:
    assert not shown(share, "ratio").startswith("100")
