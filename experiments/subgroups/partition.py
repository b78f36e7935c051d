"""Similarity of two partitions of users into groups."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def adjusted_rand_index(inferred: Int[np.ndarray, "user"], truth: Int[np.ndarray, "user"]) -> float:
    """Adjusted Rand index: 1 for the same groups, whatever their names, and 0 on average for groups drawn at random.

    With n_gh users in found group g and true group h, and pairs(n) = n (n − 1)/2, the pairs that both put together are
    Σ pairs(n_gh); the index is how far these exceed what is expected, over how far they could (Hubert & Arabie 1985,
    Comparing partitions, Journal of Classification 2, eq. 5).

    Args:
        inferred: Group of each user, as a number.
        truth: The same, as it is.

    Example:
        >>> adjusted_rand_index(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]))
        1.0
        >>> adjusted_rand_index(np.array([0, 0, 0, 0]), np.array([0, 0, 1, 1]))
        0.0
    """
    table = np.zeros((inferred.max() + 1, truth.max() + 1))
    np.add.at(table, (inferred, truth), 1)
    both, of_found, of_truth = (_pairs(counts).sum() for counts in (table, table.sum(axis=1), table.sum(axis=0)))
    expected = of_found * of_truth / _pairs(np.array(float(len(inferred))))
    most = (of_found + of_truth) / 2
    return float((both - expected) / (most - expected)) if most != expected else 1.0


def _pairs(counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts * (counts - 1) / 2)
