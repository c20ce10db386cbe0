"""Eigenvectors against LAPACK's within tolerance, and by the laws that define them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chimera.builtin.evolution.kernels.linear_algebra import NEGLIGIBLE, decompose, identity


def padded(matrix):
    size = len(matrix)
    found = np.zeros((size, -(-size // 8) * 8))
    found[:, :size] = matrix
    return found


def eigen(matrix, basis=None):
    """Return values and the rows that are eigenvectors, from a basis or the identity."""
    whole, size = padded(matrix), len(matrix)
    if basis is None:
        basis = np.zeros_like(whole)
        identity(basis)
    else:
        basis = padded(basis)
    values = np.zeros(whole.shape[1])
    decompose(whole, basis, values, *(np.zeros_like(whole) for _ in range(3)))
    assert (basis[:, size:] == 0).all()
    return values[:size], basis[:, :size]


elements = st.floats(-1e3, 1e3, allow_subnormal=False)
squares = st.integers(1, 9).flatmap(lambda n: arrays(np.float64, (n, n), elements=elements))


@settings(deadline=None, max_examples=60)
@given(squares)
def test_eigenvectors_are_orthonormal_and_give_the_matrix_back(square):
    matrix = square + square.T
    values, basis = eigen(matrix)
    scale = 1 + np.abs(matrix).max()
    assert np.allclose(basis @ basis.T, np.eye(len(matrix)), atol=1e-12)
    assert np.allclose(basis.T * values @ basis, matrix, rtol=0, atol=1e-11 * scale)
    assert np.allclose(np.sort(values), np.linalg.eigvalsh(matrix), rtol=0, atol=1e-11 * scale)


@settings(deadline=None, max_examples=30)
@given(squares, st.floats(-1e-3, 1e-3))
def test_the_basis_that_it_begins_with_is_only_a_beginning(square, change):
    matrix = square @ square.T
    _, basis = eigen(matrix)
    changed = matrix * (1 + change) + change * np.eye(len(matrix))
    values, found = eigen(changed, basis)
    scale = 1 + np.abs(changed).max()
    assert np.allclose(found @ found.T, np.eye(len(matrix)), atol=1e-12)
    assert np.allclose(found.T * values @ found, changed, rtol=0, atol=1e-11 * scale)


@pytest.mark.parametrize("condition", [1.0, 1e6, 1e14])
def test_small_eigenvalues_are_exact_beside_large_ones(condition):
    random = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(random.normal(size=(20, 20)))
    wanted = np.geomspace(1, condition, 20)
    matrix = rotation * wanted @ rotation.T
    values, basis = eigen((matrix + matrix.T) / 2)
    assert np.allclose(np.sort(values), wanted, rtol=1e-12 * 20, atol=1e-14 * condition)
    rest = basis @ matrix @ basis.T
    off = np.abs(rest - np.diag(np.diag(rest)))
    assert off.max() <= (NEGLIGIBLE + 1e-14) * condition


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.eye(4) * 1e-200, np.full((4, 4), 1e150)])
def test_degenerate_matrices_have_finite_eigenvectors(matrix):
    values, basis = eigen(matrix)
    assert np.isfinite(values).all()
    assert np.allclose(basis @ basis.T, np.eye(4), atol=1e-12)
