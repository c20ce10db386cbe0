"""Rows of bits as words, and what compiled functions make of them."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.evolution.fitness.functions import FUNCTIONS
from chimera.builtin.evolution.kernels.packed import packed, padded_weights, unpacked, words_of
from chimera.builtin.evolution.kinds import BitGene
from tests.builtin.evolution.fitness.evaluated import read_violation, value

ROWS = st.integers(1, 200).flatmap(
    lambda genes: st.lists(
        st.lists(st.integers(0, 1), min_size=genes, max_size=genes), min_size=1, max_size=3
    )
)


@given(ROWS)
def test_unpacking_gives_back_what_was_packed_and_spare_bits_are_zero(rows):
    numbers, genes = np.array(rows, float), len(rows[0])
    words = packed(numbers)
    assert words.shape == (len(rows), words_of(genes))
    assert unpacked(words, genes).tolist() == numbers.tolist()
    for row, of_words in zip(rows, words.tolist(), strict=True):
        number = sum(bit << j for j, bit in enumerate(row))
        assert of_words == [number >> 64 * k & 2**64 - 1 for k in range(len(of_words))]


def test_weights_are_padded_to_the_words_that_hold_their_genes():
    padded = padded_weights(np.array([1.0, 2.0, 3.0]), 62)
    assert padded.shape == (128,)
    assert padded[[62, 63, 64]].tolist() == [1.0, 2.0, 3.0]
    assert padded.sum() == 6.0


EVERYTHING = " + ".join(
    (
        *(f"({function.expression})" for function in FUNCTIONS.values() if function.genes == "bit"),
        "sum(weights[i] * x[i + 60] for i in range(9))",
        "prod(x[i] for i in range(60, 70)) / (2 - x[3])",
        "sum(sum(x[j] for j in range(i, 5)) * i for i in range(9)) + weights[x[0] + 2 * x[64]]",
        "(3 if x[7] == 1 and x[63] > x[64] else -x[9])",
    )
)


def test_what_numba_compiles_has_the_bits_of_the_plain_source():
    draw = random.Random(2)
    parameters = {"weights": [draw.gauss(0, 1) for _ in range(9)]}
    genes = (BitGene(type="bit", name="x", count=130),)
    limits = [read_violation("sum(g for g in x) <= 64", genes)]
    for share in (0.3, 0.6, 1.0):
        row = [int(draw.random() < share) for _ in range(130)]
        for violations in ((), limits):
            plain = value(EVERYTHING, row, genes, parameters, violations, as_bits=True)
            found = value(
                EVERYTHING, row, genes, parameters, violations, as_bits=True, compiled=True
            )
            assert found == plain
            numbers = value(EVERYTHING, row, genes, parameters, violations)
            assert plain == pytest.approx(numbers, rel=1e-12)
