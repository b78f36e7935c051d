"""Small systems of linear equations, many at once, in plain array operations.

`jnp.linalg` has LAPACK share a batch out among the threads of XLA's pool and waits for it, on one of these very
threads (jaxlib 0.10.2). Two such calls in one program that do not depend on each other, such as a Cholesky factor and a
solution or two solutions by one factor, then wait for ever where there are two threads.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def solved(matrix: Float[Array, "n n"], right: Float[Array, "n"]) -> Float[Array, "n"]:
    """Solve A x = b for a symmetric positive definite A of few rows, by Gauss–Jordan elimination.

    Such an A needs no exchange of rows (Golub & Van Loan 2013, § 4.2). For many systems of few rows this is faster than
    LAPACK, too.

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
    """Find the lower triangular L of L Lᵀ = A for a symmetric positive definite A of few rows.

    Column after column, each one's outer product taken from what is left (Golub & Van Loan 2013, § 4.2.5).

    Args:
        matrix: A; where it is not positive definite, L has NaN.

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
    """Solve L X = B for a lower triangular L of few rows, from the first row down.

    Args:
        root: L; what is above its diagonal is not read.
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
