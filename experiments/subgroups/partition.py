"""Similarity of two partitions of users into groups."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def adjusted_rand_index(inferred: Int[np.ndarray, "user"], truth: Int[np.ndarray, "user"]) -> float:
    """Adjusted Rand index: 1 for the same groups under any names, and 0 on average for random groups.

    With n_gh users in inferred group g and true group h, and pairs(n) = n (n − 1)/2, both partitions join Σ pairs(n_gh)
    pairs. The index is the excess of this number over its expectation, divided by the largest possible excess (Hubert &
    Arabie 1985, Comparing partitions, Journal of Classification 2, eq. 5).

    Args:
        inferred: Inferred group of each user, as a number.
        truth: True group of each user.

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
