"""What the numbers of a row stand for: types of genes, all of them float64."""

from __future__ import annotations

REAL, INTEGER, CATEGORICAL, BIT, PERMUTATION = range(5)
"""A value, a whole value, an index, 0 or 1, or the places 0 to n - 1 in some order. Numbers are
those up to INTEGER."""
