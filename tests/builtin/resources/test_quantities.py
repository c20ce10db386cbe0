"""Amounts: exact, refused where they cannot be counted, and written back as they were meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.resources.quantities import (
    fits,
    lacking,
    less,
    read_quantity,
    shown,
    total,
    units,
    worded,
)

AMOUNTS = st.dictionaries(st.sampled_from(["cpu", "memory", "gpu"]), st.integers(0, 2**40))


@pytest.mark.parametrize(
    ("resource", "text", "expected"),
    [
        ("cpu", "2", 2000),
        ("cpu", "0.5", 500),
        ("cpu", "500m", 500),
        ("memory", "4Gi", 4 * 2**30),
        ("memory", "1.5Ki", 1536),
        ("memory", "2G", 2 * 10**9),
        ("gpu", "3", 3),
        ("licence", "2k", 2000),
    ],
)
def test_quantities_are_counted_in_smallest_units(resource: str, text: str, expected: int) -> None:
    assert units(resource, text) == expected


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ("gpu", "0.5"),
        ("gpu", "500m"),
        ("cpu", "0.0001"),
        ("memory", "1.3Ki"),
        ("memory", "99999Ti"),
    ],
)
def test_what_cannot_be_counted_is_refused(resource: str, text: str) -> None:
    with pytest.raises(ValueError, match=resource):
        units(resource, text)


@pytest.mark.parametrize("value", [True, None, [], "", "-1", "4 Gi", "4GiB", "1e3", "0x10", "²"])
def test_what_is_no_quantity_is_refused(value: object) -> None:
    with pytest.raises(Exception, match="is not an amount"):
        read_quantity(value)


@given(st.sampled_from(["cpu", "memory", "gpu", "licence"]), st.integers(0, 2**52))
def test_what_is_shown_reads_back_as_the_same(resource: str, amount: int) -> None:
    if resource == "cpu":
        amount %= 10**15
    assert units(resource, shown(resource, amount)) == amount


@given(AMOUNTS, AMOUNTS)
def test_what_fits_lacks_nothing_and_what_is_left_and_taken_is_what_was_there(
    there: dict[str, int], taken: dict[str, int]
) -> None:
    assert fits(taken, there) == (not lacking(taken, there))
    if fits(taken, there):
        left = less(there, taken)
        assert total([left, taken]) == total([there, dict.fromkeys(taken, 0)])


def test_amounts_are_worded_for_a_sentence() -> None:
    assert worded({"memory": 2**30, "cpu": 500}) == "500m of cpu and 1Gi of memory"
    assert worded({"gpu": 1}) == "1 of gpu"
    assert worded({}) == "nothing"
