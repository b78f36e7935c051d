"""Intervals of means and shares over runs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def bootstrap_interval(
    values: Float[np.ndarray, "run"], mass: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Compute the percentile bootstrap interval of the mean over runs (Efron 1979), without NaN runs.

    Args:
        values: A number for each run.
        mass: Probability inside.
        resamples: Bootstrap samples.
        seed: Seed of the resampling.

    Returns:
        Lower and upper end; both NaN without values.

    Example:
        >>> bootstrap_interval(np.array([0.5, 0.5, 0.5]))
        (0.5, 0.5)
    """
    known = values[~np.isnan(values)]
    if known.size == 0:
        return float("nan"), float("nan")
    indices = np.random.default_rng(seed).integers(0, known.size, (resamples, known.size))
    low, high = np.quantile(known[indices].mean(axis=1), [(1 - mass) / 2, (1 + mass) / 2])
    return float(low), float(high)


def share_interval(values: Float[np.ndarray, "run"], mass: float = 0.95) -> tuple[float, float]:
    """Compute the score interval of a share of runs (Wilson 1927); it has positive width even if all runs are equal.

    Args:
        values: 1 or 0 for each run.
        mass: Probability inside.

    Returns:
        Lower and upper end; both NaN without values.

    Example:
        >>> low, high = share_interval(np.ones(20))
        >>> round(low, 3), high
        (0.839, 1.0)
    """
    if values.size == 0:
        return float("nan"), float("nan")
    from scipy.stats import binomtest  # noqa: PLC0415 - it takes a third of a second to import

    interval = binomtest(int(values.sum()), values.size).proportion_ci(mass, method="wilson")
    return float(interval.low), float(interval.high)
