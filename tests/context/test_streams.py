"""Random streams are named, reproducible and independent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chimera.context import stream


def test_a_stream_is_equal_on_every_platform() -> None:
    assert stream("7", "island", "0").getrandbits(64) == 0x840FAAD830C59047


@given(st.text(), st.lists(st.text()))
def test_equal_names_give_equal_streams(seed: str, labels: list[str]) -> None:
    assert stream(seed, *labels).randbytes(16) == stream(seed, *labels).randbytes(16)


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_names_give_different_streams(one: list[str], other: list[str]) -> None:
    same = stream("s", *one).randbytes(16) == stream("s", *other).randbytes(16)
    assert same == (one == other)


def test_where_a_label_ends_matters() -> None:
    assert stream("s", "ab", "c").random() != stream("s", "a", "bc").random()
