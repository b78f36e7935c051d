"""Batches of small systems of linear equations, solved by plain array operations.

`jnp.linalg` distributes a LAPACK batch over the threads of XLA's pool, and waits on one of these threads (jaxlib
0.10.2). Two independent calls in one program, such as a Cholesky factor and a solution, or two solutions with one
factor, then deadlock if there are two threads.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def solved(matrix: Float[Array, "n n"], right: Float[Array, "n"]) -> Float[Array, "n"]:
    """Solve A x = b for a symmetric positive definite A of few rows, by Gauss–Jordan elimination.

    Such an A needs no pivoting (Golub & Van Loan 2013, § 4.2). For many systems of few rows this is also faster than
    LAPACK.

    Args:
        matrix: A.
        right: b.

    Example:
        >>> solved(jnp.array([[2.0, 1.0], [1.0, 2.0]]), jnp.array([3.0, 3.0])).tolist()
        [1.0, 1.0]
    """
    rows = jnp.concatenate([matrix, right[:, None]], axis=1)
    for k in range(matrix.shape[0]):
        pivot = rows[k] / rows[k, k]
        rows = (rows - rows[:, k, None] * pivot).at[k].set(pivot)
    return rows[:, -1]


def lower_root(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Compute the lower triangular L of L Lᵀ = A for a symmetric positive definite A of few rows.

    For each column, its outer product is subtracted from the rest (Golub & Van Loan 2013, § 4.2.5).

    Args:
        matrix: A; if it is not positive definite, L has NaN.

    Example:
        >>> lower_root(jnp.array([[4.0, 2.0], [2.0, 10.0]])).tolist()
        [[2.0, 0.0], [1.0, 3.0]]
    """
    rows, left, columns = jnp.arange(matrix.shape[0]), matrix, []
    for k in range(matrix.shape[0]):
        columns.append(jnp.where(rows >= k, left[:, k] / jnp.sqrt(left[k, k]), 0.0))
        left = left - columns[k][:, None] * columns[k]
    return jnp.stack(columns, axis=1)


def solved_downwards(root: Float[Array, "n n"], right: Float[Array, "n column"]) -> Float[Array, "n column"]:
    """Solve L X = B for a lower triangular L of few rows, by forward substitution.

    Args:
        root: L; entries above its diagonal are not read.
        right: B.

    Example:
        >>> solved_downwards(jnp.array([[2.0, 0.0], [1.0, 3.0]]), jnp.array([[4.0], [8.0]])).tolist()
        [[2.0], [2.0]]
    """
    rows: list[Array] = []
    for k in range(root.shape[0]):
        known = sum((root[k, j] * rows[j] for j in range(k)), start=jnp.zeros_like(right[k]))
        rows.append((right[k] - known) / root[k, k])
    return jnp.stack(rows)
