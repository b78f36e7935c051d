"""Pearson's chi-square test, for frequencies of simulated draws against the probabilities they should have."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaincc
from numpy.typing import ArrayLike

SMALLEST_EXPECTED = 5.0  # below it the statistic is not distributed as chi-square (Cochran 1954)


def p_value(counts: ArrayLike, probabilities: ArrayLike) -> float:
    """Probability of frequencies at least as far from given probabilities; 0 if an impossible outcome occurred.

    Outcomes are pooled, from the rarest on, until every pool has a sufficient expected count.
    """
    observed, expected = np.asarray(counts, float), np.asarray(probabilities, float)
    expected = expected / expected.sum() * observed.sum()
    if (observed[expected == 0] > 0).any():
        return 0.0
    pools: list[list[float]] = [[0.0, 0.0]]
    for k in np.argsort(expected):
        if pools[-1][1] >= SMALLEST_EXPECTED:
            pools.append([0.0, 0.0])
        pools[-1][0] += observed[k]
        pools[-1][1] += expected[k]
    if len(pools) > 1 and pools[-1][1] < SMALLEST_EXPECTED:
        last = pools.pop()
        pools[-1] = [pools[-1][0] + last[0], pools[-1][1] + last[1]]
    assert len(pools) > 1, "one outcome has nearly all probability, so frequencies say nothing: choose another case"
    table = np.array(pools)
    statistic = float(((table[:, 0] - table[:, 1]) ** 2 / table[:, 1]).sum())
    return float(gammaincc(jnp.asarray((len(pools) - 1) / 2), jnp.asarray(statistic / 2)))
