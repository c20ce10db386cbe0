"""Rows of bits packed into words: reading, counting and weighing them.

Gene j of a row is bit `j % 64` of word `j // 64`; bits after the last gene are zero. All positions
are below the row's length. Sums of weights run in an order of their own: see `weigh`.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chimera.builtin.evolution.kernels.compiling import inner

WORD = 64

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_PAIRS, _FOURS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _EACH = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
_1, _2, _4, _56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_8, _16, _24, _32 = np.uint64(8), np.uint64(16), np.uint64(24), np.uint64(32)
_40, _48, _BYTE = np.uint64(40), np.uint64(48), np.uint64(255)
_0, _6, _63 = np.uint64(0), np.uint64(6), np.uint64(63)


def words_of(genes: int) -> int:
    """Return how many words hold so many bits."""
    return -(-genes // WORD)


@inner
def ones_of(word):
    """Return how many bits of a word are set (compilers make one instruction of it).

    Source: H. S. Warren, Hacker's Delight, 2nd edition, 2012, section 5-1.
    """
    word = word - ((word >> _1) & _PAIRS)
    word = (word & _FOURS) + ((word >> _2) & _FOURS)
    word = (word + (word >> _4)) & _BYTES
    return np.int64((word * _EACH) >> _56)


@inner
def bit(population, row, place):
    """Return gene `place` of a row as 0 or 1, uint64."""
    place = np.uint64(place)
    return (population[row, place >> _6] >> (place & _63)) & _1


@inner
def lower_bits(count):
    """Return a word whose lower `count` bits are set: none if it is negative, all from 64 on."""
    if count <= 0:
        return _0
    return _ALL if count >= WORD else (_1 << np.uint64(count)) - _1


@inner
def ones(population, row, start, stop):
    """Return how many of the genes from `start` up to, not including, `stop` are 1."""
    found = 0
    if start < stop:
        first, last = start >> 6, (stop - 1) >> 6
        for k in range(first, last + 1):
            word = population[row, k]
            if k == last:
                word = word & lower_bits(stop - 64 * k)
            if k == first:
                word = word >> np.uint64(start - 64 * k)
            found += ones_of(word)
    return found


@inner
def all_ones(population, row, start, stop):
    """Tell whether all genes from `start` up to, not including, `stop` are 1."""
    return ones(population, row, start, stop) == max(stop - start, 0)


@inner
def leading_ones(population, row, start, stop):
    """Return how many genes are 1 from `start` on, before the first 0 or `stop`."""
    place = start
    while place < stop:
        k = place >> 6
        word = population[row, k] >> np.uint64(place - 64 * k)
        run = ones_of(word & ~(word + _1))  # the ones below the lowest zero
        place += run
        if run < 64 - (place - run - 64 * k):
            break
    return min(place, stop) - start


@inner
def leading_ones_of_numbers(population, row, start, stop):
    """Do the same for a row of float64."""
    place = start
    while place < stop and population[row, place] == 1.0:
        place += 1
    return place - start


@inner
def weigh(population, first, last, weights, start):
    """Return what the ones of each row weigh, float64[last - first].

    `weights` are those of the words from `start` on. What each byte of a word weighs is looked up
    in a table that is made for all rows at once and stays in the nearest cache: it is added in
    order of index there, the bytes of a word are in pairs, and words in order.
    """
    sums, table = np.zeros(last - first), np.empty((8, 256))
    for k in range(np.uint64(weights.shape[0] // WORD)):
        _fill_table(table, weights, np.uint64(WORD) * k)
        place = np.uint64(start) + k
        for row in range(np.uint64(last - first)):
            word = population[np.uint64(first) + row, place]
            a = table[0, word & _BYTE] + table[1, (word >> _8) & _BYTE]
            b = table[2, (word >> _16) & _BYTE] + table[3, (word >> _24) & _BYTE]
            c = table[4, (word >> _32) & _BYTE] + table[5, (word >> _40) & _BYTE]
            d = table[6, (word >> _48) & _BYTE] + table[7, word >> _56]
            sums[row] += (a + b) + (c + d)
    return sums


@inner
def _fill_table(table, weights, start):
    """Fill in what every value of the eight bytes of a word weighs; `table[:, 0]` is 0."""
    for byte in range(_8):
        table[byte, 0] = 0.0
        size = _1
        for place in range(_8):
            weight = weights[start + _8 * byte + place]
            for value in range(size):
                table[byte, size + value] = table[byte, value] + weight
            size += size


def padded_weights(weights: NDArray[np.float64], start: int) -> NDArray[np.float64]:
    """Return the weights of all bits of the words that hold the genes from `start` on."""
    before = start % WORD
    padded = np.zeros(words_of(before + weights.shape[0]) * WORD)
    padded[before : before + weights.shape[0]] = weights
    return padded


def unpacked(rows: NDArray[np.uint64], genes: int) -> NDArray[np.float64]:
    """Return packed rows as float64[N, genes] of 0 and 1."""
    data = np.ascontiguousarray(rows, dtype="<u8").view(np.uint8)
    return np.unpackbits(data, axis=1, count=genes, bitorder="little").astype(np.float64)


def packed(rows: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return rows of 0 and 1 as words; the inverse of `unpacked`."""
    count, genes = rows.shape
    bits = np.zeros((count, words_of(genes) * WORD), np.uint8)
    bits[:, :genes] = rows != 0.0
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
