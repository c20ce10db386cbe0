"""Eigenvectors of a symmetric matrix that are the same on every machine.

LAPACK's solvers differ in their last bits between libraries and processors. This is the cyclic
Jacobi method (Golub and Van Loan, Matrix computations, section 8.5): additions, multiplications,
divisions and square roots, in a fixed order. It starts from eigenvectors found before: those of a
matrix that has changed little need one sweep or two.

Matrices are float64[n, W] with W the n padded to a multiple of 8; what pads stays zero. Loops run
over whole rows, so that they fill the processor's vectors. No aliasing: arguments are different
arrays.
"""

# Compiled functions have no annotations: numba infers their types from their callers.
# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

import numpy as np

from chimera.builtin.evolution.kernels.compiling import inner

SWEEPS = 30
"""More than any symmetric matrix takes: convergence is quadratic, 6 to 10 from the identity."""

NEGLIGIBLE = 1e-12
"""What an element off the diagonal is of the geometric mean of its two diagonal elements when it
turns their eigenvectors no more than rounding does."""

_TINY = 1e-300


@inner
def identity(matrix):
    """Make of `matrix` the identity."""
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            matrix[i, j] = 1.0 if i == j else 0.0


@inner
def decompose(matrix, basis, values, turned, product, transposed):
    """Turn the rows of `basis`, orthonormal, into eigenvectors of `matrix`; fill in its `values`.

    The last three are scratch of the matrix's shape. Finite elements give finite results.
    """
    size = matrix.shape[0]
    for i in range(size):
        for j in range(size):
            transposed[j, i] = basis[i, j]
    multiply(basis, matrix, product)
    multiply(product, transposed, turned)
    for i in range(size):
        for j in range(i):  # rounding has made the two triangles differ
            turned[i, j] = turned[j, i]
    for _ in range(SWEEPS):
        if _sweep(turned, basis) == 0:
            break
    for i in range(size):
        values[i] = turned[i, i]


@inner
def multiply(left, right, result):
    """Fill `result` with the product of two square matrices."""
    size, width = left.shape
    for i in range(size):
        for j in range(width):
            result[i, j] = 0.0
        for k in range(size):
            factor = left[i, k]
            for j in range(width):
                result[i, j] += factor * right[k, j]


@inner
def _sweep(turned, basis):
    """Rotate every pair of rows once whose common element matters; return how many were."""
    size, rotated = basis.shape[0], 0
    for p in range(size - 1):
        for q in range(p + 1, size):
            off = turned[p, q]
            product = abs(turned[p, p] * turned[q, q])
            if off * off <= NEGLIGIBLE * NEGLIGIBLE * product + _TINY:
                continue
            _rotate(turned, basis, p, q)
            rotated += 1
    return rotated


@inner
def _rotate(turned, basis, p, q):
    """Make element p, q zero by a rotation in the plane of the two."""
    size, width = basis.shape
    off, first, second = turned[p, q], turned[p, p], turned[q, q]
    theta = 0.5 * (second - first) / off
    tangent = 1.0 / (abs(theta) + np.sqrt(theta * theta + 1.0))
    if theta < 0.0:
        tangent = -tangent
    cosine = 1.0 / np.sqrt(tangent * tangent + 1.0)
    sine = tangent * cosine
    for j in range(width):
        x, y = turned[p, j], turned[q, j]
        turned[p, j] = cosine * x - sine * y
        turned[q, j] = sine * x + cosine * y
    for j in range(width):
        x, y = basis[p, j], basis[q, j]
        basis[p, j] = cosine * x - sine * y
        basis[q, j] = sine * x + cosine * y
    turned[p, p] = first - tangent * off
    turned[q, q] = second + tangent * off
    turned[p, q] = 0.0
    turned[q, p] = 0.0
    for i in range(size):
        turned[i, p] = turned[p, i]
        turned[i, q] = turned[q, i]
