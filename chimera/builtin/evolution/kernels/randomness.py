"""Random numbers without state: a pure function of seed and position.

Philox4x32-10 (Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC'11)
makes a key from the run's seed and the counter (generation, block, phase, island); SplitMix64
(Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA'14) expands it:
draw j of a block is `splitmix64(key + j·gamma)`. So no draw depends on how many came before it, on
threads, or on where a run was split. `SCHEME` changes with any change of this, or of what a draw is
used for, and is part of every Genome.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np

from chimera.builtin.evolution.kernels.compiling import inner

SCHEME = "philox4x32-10/splitmix64/2"

INITIALISE, SELECT, RECOMBINE, MUTATE = 0, 1, 2, 3
"""The phases of a generation, each with draws of its own."""

SAMPLE, RESTART = 4, 5
"""Phases of CMA-ES: the steps of a generation, and what a new run begins with."""

PERMUTE = 6
"""The mutation of permutations, in generations of the genetic algorithm."""

IMMIGRATE = 32
"""The phase between two generations in which candidates are drawn anew."""

_MASK = np.uint64(0xFFFFFFFF)
_WORD = np.uint64(32)
_ROUND_0, _ROUND_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_0, _MIX_1 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_12, _SHIFT_27 = np.uint64(12), np.uint64(27)
_SHIFT_30, _SHIFT_31 = np.uint64(30), np.uint64(31)
_ONE = np.uint64(0x3FF0000000000000)


@inner
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Return the four 32-bit words of Philox4x32-10, all arguments 32-bit words in uint64."""
    for _ in range(10):
        p0 = _ROUND_0 * c0
        p1 = _ROUND_1 * c2
        c0, c1, c2, c3 = (
            (p1 >> _WORD) ^ c1 ^ k0,
            p1 & _MASK,
            (p0 >> _WORD) ^ c3 ^ k1,
            p0 & _MASK,
        )
        k0 = (k0 + _WEYL_0) & _MASK
        k1 = (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


@inner
def splitmix64(z):
    """Return the finaliser of SplitMix64 for a uint64."""
    z = (z ^ (z >> _SHIFT_30)) * _MIX_0
    z = (z ^ (z >> _SHIFT_27)) * _MIX_1
    return z ^ (z >> _SHIFT_31)


@inner
def block_key(seed, generation, block, phase, island):
    """Return the uint64 key of one block of draws; the positions are integers below 2**32."""
    low, high, _, _ = philox4x32(
        np.uint64(generation),
        np.uint64(block),
        np.uint64(phase),
        np.uint64(island),
        seed & _MASK,
        seed >> _WORD,
    )
    return (high << _WORD) | low


@inner
def draw(key, j):
    """Return draw `j` of a block as 64 random bits."""
    return splitmix64(key + np.uint64(j) * _GAMMA)


@inner
def unit(bits):
    """Return a float in [0, 1), a multiple of 2**-52, from the 52 upper bits.

    They become the fraction of a float in [1, 2): no conversion, and the processor's vectors do it.
    """
    return np.uint64((bits >> _SHIFT_12) | _ONE).view(np.float64) - 1.0


@inner
def open_unit(bits):
    """Return a float in the open interval (0, 1), an odd multiple of 2**-53."""
    return unit(bits) + 2.0**-53


@inner
def below(bits, count):
    """Return an integer in [0, count), `count` below 2**32.

    The product of 32 random bits and `count`, shifted: its bias is below count / 2**32.
    """
    return np.int64(((bits >> _WORD) * np.uint64(count)) >> _WORD)
