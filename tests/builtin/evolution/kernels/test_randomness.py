"""Random numbers against published vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.evolution.kernels import randomness

ONES = 0xFFFFFFFF
WORDS = st.integers(0, 2**64 - 1).map(np.uint64)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter, key, expected):
    words = randomness.philox4x32(*(np.uint64(word) for word in (*counter, *key)))
    assert tuple(int(word) for word in words) == expected


def test_draws_are_the_published_sequence_of_splitmix64():
    # The first outputs of Vigna's splitmix64.c from the state 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    found = [int(randomness.draw(np.uint64(1234567), j)) for j in (1, 2, 3)]
    assert found == expected


def test_every_counter_has_a_key_of_its_own():
    positions = [
        (g, b, p, i) for g in range(4) for b in range(4) for p in range(4) for i in range(2)
    ]
    keys = {int(randomness.block_key(np.uint64(2**63 + 5), *position)) for position in positions}
    assert len(keys) == len(positions)


def test_a_seed_beyond_32_bits_counts_in_full():
    low = randomness.block_key(np.uint64(1), 0, 0, 0, 0)
    high = randomness.block_key(np.uint64(1 + 2**32), 0, 0, 0, 0)
    assert low != high


@given(WORDS)
def test_units_stay_in_their_intervals(bits):
    assert 0.0 <= randomness.unit(bits) < 1.0
    assert 0.0 < randomness.open_unit(bits) < 1.0


@given(WORDS, st.integers(1, 2**32 - 1))
def test_integers_stay_below_their_count(bits, count):
    assert 0 <= randomness.below(bits, count) < count


def test_the_ends_of_the_intervals_are_reached_by_the_ends_of_the_bits():
    all_bits = np.uint64(2**64 - 1)
    assert randomness.unit(all_bits) == 1.0 - 2.0**-52
    assert randomness.open_unit(np.uint64(0)) == 2.0**-53
    assert randomness.below(all_bits, 7) == 6
