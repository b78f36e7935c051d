"""Elimination and Cholesky factors compared with LAPACK in double precision, for random positive definite matrices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.continuous.small_systems import lower_root, solved, solved_downwards


@given(rows=st.integers(1, 8), seed=st.integers(0, 10_000))
def test_it_solves_positive_definite_systems(rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(rows, rows))
    matrix, right = root @ root.T + 0.1 * np.eye(rows), rng.normal(size=rows)
    with jax.enable_x64(True):
        solution = np.asarray(solved(jnp.asarray(matrix), jnp.asarray(right)))
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, right), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("length", [0.1, 1.0, 10.0, 100.0])
def test_in_single_precision_it_is_as_near_as_lapack_on_covariances_of_places(length: float) -> None:
    places = np.array([0.0, 0.3, 0.6, 1.1, 1.8, 2.6, 3.0])
    exact = np.exp(-np.abs(places[:, None] - places) / length) + 1e-5 * np.eye(len(places))
    towards = np.exp(-np.abs(places - 1.4) / length)
    truth = np.linalg.solve(exact, towards)
    matrix, right = jnp.asarray(exact, jnp.float32), jnp.asarray(towards, jnp.float32)
    own, theirs = (
        np.abs(np.asarray(solution) - truth).max()
        for solution in (solved(matrix, right), jnp.linalg.solve(matrix, right))
    )
    assert own <= 3 * theirs + 1e-6


def test_a_batch_is_its_systems_one_by_one() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(50, 4, 4))
    matrices, rights = jnp.asarray(root @ root.swapaxes(1, 2) + np.eye(4)), jnp.asarray(rng.normal(size=(50, 4)))
    together = jax.jit(jax.vmap(solved))(matrices, rights)
    for matrix, right, solution in zip(matrices, rights, together, strict=True):
        np.testing.assert_allclose(solution, solved(matrix, right), rtol=2e-4, atol=1e-5)


@given(rows=st.integers(1, 8), columns=st.integers(1, 5), seed=st.integers(0, 10_000))
def test_a_root_and_what_it_solves_are_those_of_lapack(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(rows, rows))
    matrix, right = root @ root.T + 0.1 * np.eye(rows), rng.normal(size=(rows, columns))
    with jax.enable_x64(True):
        lower = lower_root(jnp.asarray(matrix))
        solution = solved_downwards(lower, jnp.asarray(right))
    exact = np.linalg.cholesky(matrix)
    np.testing.assert_allclose(lower, exact, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(solution, np.linalg.solve(exact, right), rtol=1e-8, atol=1e-9)


def test_a_root_s_slopes_are_those_of_lapack() -> None:
    matrix = jnp.asarray(np.cov(np.random.default_rng(1).normal(size=(5, 40))))

    def summed(root: jax.Array) -> jax.Array:
        return jnp.sum(jnp.sin(jnp.arange(25.0).reshape(5, 5) * root))

    own, theirs = (
        jax.grad(lambda m, root_of=root_of: summed(root_of((m + m.T) / 2)))(matrix)
        for root_of in (lower_root, jnp.linalg.cholesky)
    )
    np.testing.assert_allclose(own, theirs, rtol=1e-3, atol=1e-4)


def test_where_a_matrix_is_not_positive_definite_a_root_says_so() -> None:
    assert np.isnan(np.asarray(lower_root(jnp.array([[1.0, 2.0], [2.0, 1.0]])))).any()
