"""Small systems of linear equations, many at once, in plain array operations."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def solved(matrix: Float[Array, "n n"], right: Float[Array, "n"]) -> Float[Array, "n"]:
    """Solve A x = b for a symmetric positive definite A of few rows, by Gauss–Jordan elimination.

    Such an A needs no exchange of rows (Golub & Van Loan 2013, § 4.2). `jnp.linalg.solve` instead has LAPACK share a
    batch out among the threads of XLA's pool and waits for it, on one of these very threads (jaxlib 0.10.2). Two such
    calls in one program that do not depend on each other, such as this one and a Cholesky factor, then wait for ever
    where there are two threads. For few rows this is faster, too.

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
